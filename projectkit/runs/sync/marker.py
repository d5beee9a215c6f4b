"""What of a run has arrived on the server, and what has not.

`wandb/uploaded.json` in the run folder says what was confirmed: the metrics up to a step, the evaluations and the checkpoint by digest,
the team's own offline files by size. It is written after the server has confirmed, so a sync that is killed does its work again; the
server is asked first which step it has, so nothing comes twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from projectkit.runs.files import atomic_write, read_json, to_json
from projectkit.runs.reader import Run
from projectkit.runs.sync.offline import offline_folders

MARKER = Path("wandb", "uploaded.json")


@dataclass
class Marker:
    """What the server has confirmed of one run.

    Args:
        server: the address that it was sent to; on another server nothing counts.
        entity: where it lies there.
        project: the same.
        url: its page.
        step: our step of the newest row that is there, -1 for none.
        status: of the run, as it is there.
        evaluations: SHA-256 of each evaluation file by subset.
        evaluation_steps: W&B steps that rows of evaluations took; later rows of the training are moved behind them.
        checkpoint: SHA-256 of `best.ckpt`, its size and its time of change.
        offline: size of each offline file of W&B.
    """

    server: str = ""
    entity: str = ""
    project: str = ""
    url: str = ""
    step: int = -1
    status: str = ""
    evaluations: dict[str, str] = field(default_factory=dict)
    evaluation_steps: list[int] = field(default_factory=list)
    checkpoint: list[Any] = field(default_factory=list)
    offline: dict[str, int] = field(default_factory=dict)

    def place(self, step: int) -> int:
        """The W&B step of our step: the same one, moved by the evaluations that lie before it."""
        for taken in sorted(self.evaluation_steps):
            if taken <= step:
                step += 1
        return step

    def save(self, run: Path) -> None:
        """Write it into the run folder."""
        path = run / MARKER
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, to_json(asdict(self), indent=1) + b"\n")


def read_marker(run: Path) -> Marker:
    """The marker of a run; an empty one where there is none that can be read."""
    try:
        document = read_json(run / MARKER)
        return Marker(**{name: document[name] for name in Marker.__dataclass_fields__ if name in document})
    except (OSError, ValueError, TypeError):
        return Marker()


@dataclass(frozen=True)
class Pending:
    """What of a run is not on the server yet."""

    rows: int = 0
    evaluations: tuple[str, ...] = ()
    checkpoint_bytes: int = 0
    offline: bool = False  # what the team logged itself
    status: bool = False

    def __bool__(self) -> bool:
        return bool(self.rows or self.evaluations or self.checkpoint_bytes or self.offline or self.status)

    def __str__(self) -> str:
        parts = [f"{self.rows} rows"] if self.rows else []
        parts += [f"evaluation of {', '.join(self.evaluations)}"] if self.evaluations else []
        parts += [f"best checkpoint, {self.checkpoint_bytes / 2**20:.1f} MiB"] if self.checkpoint_bytes else []
        parts += ["offline files of W&B"] if self.offline else []
        parts += ["how it ended"] if self.status and not self.rows else []
        return "; ".join(parts) or "nothing"


def pending(run: Run, marker: Marker, *, server: str | None = None, checkpoint_mib: float = 0.0) -> Pending:
    """What is not there yet.

    Args:
        run: the run.
        marker: of the run.
        server: where it is to be sent, None: where the marker says; on another server nothing is there yet.
        checkpoint_mib: a larger checkpoint is not sent, so it is not missing.
    """
    if server is not None and marker.server and marker.server != server:
        marker = Marker()
    checkpoint = checkpoint_to_send(run, checkpoint_mib)
    size, changed = (checkpoint.stat().st_size, checkpoint.stat().st_mtime_ns) if checkpoint else (0, 0)
    return Pending(
        rows=sum(1 for step in rows_by_step(run) if step > marker.step),
        evaluations=tuple(
            subset
            for subset, digest in evaluation_digests(run.path).items()
            if marker.evaluations.get(subset) != digest
        ),
        checkpoint_bytes=size if checkpoint and marker.checkpoint[1:] != [size, changed] else 0,
        offline=offline_sizes(run.path) != marker.offline,
        status=marker.status != run.status,
    )


def rows_by_step(run: Run) -> dict[int, dict[str, Any]]:
    """Our step -> epoch, time and every metric that was logged at it, ascending."""
    rows: dict[int, dict[str, Any]] = {}
    for line in run.metrics():
        if isinstance(line.get("step"), int):
            rows.setdefault(line["step"], {}).update(line)
    return dict(sorted(rows.items()))


def evaluation_digests(run: Path) -> dict[str, str]:
    """SHA-256 of every evaluation file, by subset."""
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(run.glob("evaluation/*.json"))}


def offline_sizes(run: Path) -> dict[str, int]:
    """Size of each offline file that W&B wrote."""
    return {path.name: path.stat().st_size for folder in offline_folders(run) for path in folder.glob("*.wandb")}


def checkpoint_to_send(run: Run, limit_mib: float) -> Path | None:
    """The best checkpoint, where there is one that is not too large."""
    path = run.path / "checkpoints" / "best.ckpt"
    return path if path.is_file() and path.stat().st_size <= limit_mib * 2**20 else None


def sha256_of(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
