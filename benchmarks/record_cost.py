"""What a run's record costs: a training as it is, and the same one with everything that writes taken out.

Two measurements of the same thing. The seconds that the training itself spends in what writes (run.json, lines of metrics and events,
checkpoints, the start of the record) are added up. And trainings with and without take turns; see `pairs.py`. Between the two lies what
the writing costs beside itself: caches, and the heartbeat's thread.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pairs import Comparison, compare
from results import markdown_table

from projectkit.errors import ProjectkitError
from projectkit.runs import RunWriter, sessions
from projectkit.training import checkpoints, train

ROUNDS = 3  # the share is what decides; the comparison only shows that nothing large is missing from it
WANTED = 0.01

CONFIG = """
name: cost
speed: {{tune: "off"}}
tracking: {{wandb: disabled}}
data: {data}
model: {{class_path: projectkit.models.{model}}}
optimizer: {{class_path: torch.optim.AdamW, init_args: {{lr: 0.001}}}}
monitor: {{metric: val/loss, mode: min}}
trainer: {{max_epochs: {epochs}, accelerator: cpu, limit_train_batches: 100, limit_val_batches: 20}}
"""
# seconds each, of 100 batches an epoch at most; longer ones pay less; a set that cannot be had is replaced by the generated one of its kind
TRAININGS: Mapping[str, tuple[str, str, str, int]] = {
    "MLP": ("{name: nsl_kdd}", "{name: synthetic_tabular, batch_size: 16}", "MLP", 10),
    "CNN": ("{name: fashion_mnist}", "{name: synthetic_images, batch_size: 64}", "CNN", 1),
    "GRU": ("{name: dga, target: family}", "{name: synthetic_text, batch_size: 64}", "GRU", 1),
}
PARTS = ("start and end", "run.json", "lines", "checkpoints")


@dataclass
class Spent:
    """Seconds in what writes, by part; an inner part does not count for the outer one."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    inner: list[float] = field(default_factory=list)

    def timed(self, part: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, with a look at the clock."""

        def call(*arguments: Any, **named: Any) -> Any:
            self.inner.append(0.0)
            began = time.perf_counter()
            try:
                return real(*arguments, **named)
            finally:
                whole = time.perf_counter() - began
                self.seconds[part] += whole - self.inner.pop()
                if self.inner:
                    self.inner[-1] += whole

        return call


@contextlib.contextmanager
def observed(spent: Spent) -> Iterator[None]:
    """Add up what is spent on writing inside `with`."""
    with contextlib.ExitStack() as stack:
        for part, owner, name in (
            ("run.json", RunWriter, "update"),
            ("lines", RunWriter, "log"),
            ("lines", RunWriter, "event"),
            ("checkpoints", checkpoints.Checkpoints, "_write_last"),
            ("checkpoints", checkpoints.Checkpoints, "_write_best"),
            ("start and end", RunWriter, "finish"),
        ):
            stack.enter_context(patch.object(owner, name, spent.timed(part, getattr(owner, name))))
        create = spent.timed("start and end", RunWriter.create)
        stack.enter_context(patch.object(RunWriter, "create", staticmethod(create)))
        yield


@contextlib.contextmanager
def nothing_written() -> Iterator[None]:
    """Inside `with` a run has its folder, and nothing is written to it while it trains."""

    def nothing(*_: Any, **__: Any) -> None: ...

    with contextlib.ExitStack() as stack:
        create = RunWriter.create

        def created(*arguments: Any, **named: Any) -> RunWriter:
            writer = create(*arguments, **named)
            for name in ("update", "log", "event"):
                setattr(writer, name, nothing)
            return writer

        stack.enter_context(patch.object(RunWriter, "create", staticmethod(created)))
        for name in ("_write_last", "_write_best"):
            stack.enter_context(patch.object(checkpoints.Checkpoints, name, nothing))
        stack.enter_context(patch.object(sessions, "_beat", nothing))
        yield


def section() -> str:
    """The table."""
    rows = []
    for name, (wanted, instead, model, epochs) in TRAININGS.items():
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            root = Path(folder)
            (root / "pyproject.toml").write_text("[tool.projectkit]\n", encoding="utf-8")
            data = _available(root, wanted, instead, model)
            _config(root, data, model, epochs)
            spent, comparison = _measured(root)
        seconds = comparison.rows[0].seconds
        trainings = ROUNDS * 2
        parts = [spent.seconds[part] / trainings for part in PARTS]
        with_writing = comparison.between(next(iter(comparison.measured)), WITHOUT)
        twin = comparison.rows[1]
        rows.append(
            (
                f"{name}, {data.strip('{}').split(',')[0].removeprefix('name: ')}, {epochs} epochs",
                f"{seconds:.1f} s",
                *(f"{part * 1e3:.0f} ms" for part in parts),
                f"{sum(parts) / seconds:.2%}",
                f"{with_writing.ratio - 1:+.1%} [{with_writing.low - 1:+.1%}, {with_writing.high - 1:+.1%}]",
                f"{twin.ratio - 1:+.1%} [{twin.low - 1:+.1%}, {twin.high - 1:+.1%}]",
            )
        )
    columns = ("training", "takes", *PARTS, "share", "against none written", "A/A")
    text = (
        f"Wanted: under {WANTED:.0%}. Checkpoints and updates of run.json are paced by what they take, a line of metrics every 50 steps, "
        f"`threads` as the environment has them ({os.environ.get('OMP_NUM_THREADS', 'all')}); {ROUNDS} rounds, in turn."
    )
    return f"{text}\n\n{markdown_table(columns, rows)}"


WITHOUT = "nothing written"


def _measured(root: Path) -> tuple[Spent, Comparison]:
    spent = Spent()

    def written() -> float:
        with observed(spent):
            return _seconds(root)

    def unwritten() -> float:
        with nothing_written():
            return _seconds(root)

    _seconds(root)
    return spent, compare({"as it is": written, WITHOUT: unwritten}, ROUNDS, warm=0)


def _seconds(root: Path) -> float:
    began = time.perf_counter()
    with contextlib.suppress(FileNotFoundError):  # `train` reads the finished run; without writing there is none
        train(root / "train.yaml")
    return time.perf_counter() - began


def _available(root: Path, wanted: str, instead: str, model: str) -> str:
    for data in (wanted, instead):
        _config(root, data, model, 1)
        try:
            train(root / "train.yaml", ["trainer.fast_dev_run=true"])
        except ProjectkitError:
            continue
        return data
    raise ProjectkitError("neither set can be trained on", where=model)


def _config(root: Path, data: str, model: str, epochs: int) -> None:
    (root / "train.yaml").write_text(CONFIG.format(data=data, model=model, epochs=epochs), encoding="utf-8")
