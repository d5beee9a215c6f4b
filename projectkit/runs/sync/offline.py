"""What a team logged itself: read from the offline files that W&B wrote into the run folder.

Our own metrics stand in `metrics.jsonl`, so a lost second of the offline file costs nothing of them. Pictures, tables and files that a
team hands to `wandb.log` are nowhere else. The `.wandb` file is a log of blocks of 32 KiB with a checksum at each record (LevelDB's log
format) around W&B's own protobuf messages; whatever is torn ends the reading, what came before it is whole.

Used by the child process alone: it needs wandb's messages.
"""

from __future__ import annotations

import json
import math
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SESSION = "session.json"  # beside each offline file: when the checkpoint was written that its session started from
_BLOCK = 32768
_RECENT_S, _END_S = 10.0, 2.0
_FILE_HEADER, _RECORD_HEADER = 7, 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


@dataclass
class TeamArtifact:
    """An artifact as the team logged it; `client_id` is what rows name it by."""

    name: str
    type: str
    aliases: list[str]
    metadata: dict[str, Any]
    client_id: str
    sequence_client_id: str
    contents: list[tuple[str, Path]]  # name in the artifact, file here


@dataclass
class TeamData:
    """Everything in a run's offline files that our own record does not have."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)  # W&B step -> values
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)  # name in the run -> file here
    artifacts: list[TeamArtifact] = field(default_factory=list)


def team_data(run: Path, own: set[str]) -> TeamData:
    """Read all offline files of a run, the sessions of a resumed run in their order.

    Args:
        run: the run folder.
        own: names of the metrics in our record, which are left out.
    """
    data = TeamData()
    folders = offline_folders(run)
    starts = [_goes_on_from(folder) for folder in folders]
    for index, folder in enumerate(folders):
        # what a session did after the checkpoint that a later one started from was done again
        _read(folder, data, own, until=min(starts[index + 1 :], default=math.inf))
    return data


def offline_folders(run: Path) -> list[Path]:
    """The folders that W&B wrote, oldest first."""
    return sorted(path for path in run.glob("wandb/offline-run-*") if path.is_dir())


def wait_for_end(run: Path) -> None:
    """Wait until W&B has put the end of a training into its file: that comes up to a second after the training was told so."""
    recent = [
        path for path in run.glob("wandb/offline-run-*/*.wandb") if time.time() - path.stat().st_mtime < _RECENT_S
    ]
    until = time.monotonic() + _END_S
    while recent and time.monotonic() < until:
        kinds = [
            record.WhichOneof("record_type") for record in records(max(recent, key=lambda path: path.stat().st_mtime))
        ]
        if kinds[-1:] == ["exit"]:
            return
        time.sleep(0.1)


def _goes_on_from(folder: Path) -> float:
    try:
        return float(json.loads((folder / SESSION).read_text(encoding="utf-8"))["goes_on_from"])
    except (OSError, ValueError, KeyError, TypeError):
        return math.inf


def _read(folder: Path, data: TeamData, own: set[str], *, until: float) -> None:
    taken = set(data.rows)  # by the sessions before, which two of them may share after a resume
    seen: set[str] = set()
    summary: dict[str, Any] = {}
    for path in folder.glob("*.wandb"):
        for record in records(path):
            kind = record.WhichOneof("record_type")
            if kind == "history":
                values = _values(record.history.item)
                step = int(record.history.step.num or values.get("_step", 0))
                seen |= values.keys()
                wanted = {name: value for name, value in values.items() if name not in own and not name.startswith("_")}
                wanted.pop("trainer/global_step", None)
                wanted.pop("epoch", None)
                if wanted and values.get("_timestamp", 0.0) <= until:
                    while step in taken and data.rows[step].keys() & wanted.keys():
                        step += 1
                    data.rows.setdefault(step, {}).update(wanted)
            elif kind == "summary":
                summary.update(_values(record.summary.update))
            elif kind == "config":
                data.config.update(_values(record.config.update))
            elif kind == "files":
                names = [item.path for item in record.files.files if item.type != 1]  # 1: written by W&B itself
                data.files.update(
                    {name: folder / "files" / name for name in names if (folder / "files" / name).is_file()}
                )
            elif kind == "artifact":
                data.artifacts.append(_artifact(record.artifact))
    data.config.pop("_wandb", None)
    data.summary.update(
        {name: value for name, value in summary.items() if name not in seen | own and not name.startswith("_")}
    )


def records(path: Path) -> Iterator[Any]:
    """The messages of a `.wandb` file, up to the first that is torn."""
    from wandb.proto import wandb_internal_pb2

    messages: Any = wandb_internal_pb2

    for data in _chunks(path.read_bytes()):
        record = messages.Record()
        try:
            record.ParseFromString(data)
        except Exception:  # noqa: BLE001 - protobuf's own error class differs between its versions; the rest is not to be trusted
            return
        yield record


def _chunks(data: bytes) -> Iterator[bytes]:
    position, parts = _FILE_HEADER, b""
    while position + _RECORD_HEADER <= len(data):
        left = _BLOCK - position % _BLOCK
        if left < _RECORD_HEADER:  # the rest of a block that no header fits into
            position += left
            continue
        _checksum, length, kind = struct.unpack_from("<IHB", data, position)
        start = position + _RECORD_HEADER
        if kind not in (_FULL, _FIRST, _MIDDLE, _LAST) or start + length > len(data):
            return
        position = start + length
        chunk = data[start:position]
        parts = chunk if kind in (_FULL, _FIRST) else parts + chunk
        if kind in (_FULL, _LAST):
            yield parts


def _values(items: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in items:
        path = list(item.nested_key) or [item.key]
        target = values
        for name in path[:-1]:
            inner = target.setdefault(name, {})
            target = inner if isinstance(inner, dict) else {}
        try:
            target[path[-1]] = json.loads(item.value_json)
        except ValueError:
            continue
    return values


def _artifact(record: Any) -> TeamArtifact:
    contents = [(item.path, Path(item.local_path)) for item in record.manifest.contents if item.local_path]
    try:
        metadata = json.loads(record.metadata) if record.metadata else {}
    except ValueError:
        metadata = {}
    return TeamArtifact(
        record.name,
        record.type,
        list(record.aliases),
        metadata,
        record.client_id,
        record.sequence_client_id,
        [(name, path) for name, path in contents if path.is_file()],
    )
