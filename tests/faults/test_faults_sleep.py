"""Machines that sleep in the middle of a training, and what becomes of their runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faultcommands import Typed
from pytorch_lightning.callbacks import Callback
from table import fault

from projectkit.errors import UserError
from projectkit.runs import Run, RunWriter, read_run
from projectkit.runs.sessions import SILENT_S

SHORT = ("train", "trainer.max_epochs=2", "trainer.log_every_n_steps=3", "speed.tune=off")
STEP = 17  # in the second of two epochs


class At(Callback):
    """Does something once, before a step."""

    def __init__(self, step: int, what: Callable[[], object]) -> None:
        self.step = step
        self.what = what

    def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
        if trainer.global_step == self.step:
            self.step = -1
            self.what()


@fault(
    "a laptop sleeps for minutes in the middle of a training",
    happens="the training goes on where it was, and nobody on this machine can take the run meanwhile",
    kept="everything",
)
def test_a_machine_that_slept_goes_on_with_its_own_run(
    config: Path, typed: Typed, beside: Callable[[object], None], only_run: Callable[[], Run]
) -> None:
    others: list[int] = []

    def sleep() -> None:
        run = only_run()
        heartbeat = run.path / "sessions" / "0001" / "heartbeat"
        then = heartbeat.stat().st_mtime - 10 * SILENT_S
        os.utime(heartbeat, (then, then))
        assert read_run(run.path).status == "running"
        with pytest.raises(UserError, match="still going on"):
            RunWriter.resume(run.path)
        others.append(1)

    beside(At(STEP, sleep))
    assert typed(*SHORT).status == 0
    assert others == [1]
    assert only_run().status == "finished"


@fault(
    "a laptop sleeps for minutes, and another machine goes on with its run in a shared folder",
    happens="the laptop finds out before it writes a checkpoint or a line of metrics, and ends; exit 1",
    kept="the run, which is the other machine's: nothing of it is touched any more",
)
def test_a_machine_that_lost_its_run_leaves_it_alone(
    config: Path, typed: Typed, beside: Callable[[object], None], only_run: Callable[[], Run]
) -> None:
    taken: list[RunWriter] = []
    left: dict[str, bytes] = {}

    def files(folder: Path) -> dict[str, bytes]:
        paths = [
            *folder.glob("checkpoints/*"),
            *(folder / name for name in ("run.json", "metrics.jsonl", "events.jsonl")),
        ]
        return {path.name: path.read_bytes() for path in paths}

    def sleep() -> None:
        run = only_run()
        first = run.path / "sessions" / "0001"
        process = json.loads((first / "process.json").read_text(encoding="utf-8"))
        (first / "process.json").write_text(json.dumps({**process, "host": "elsewhere"}), encoding="utf-8")
        then = (first / "heartbeat").stat().st_mtime - SILENT_S - 1
        os.utime(first / "heartbeat", (then, then))
        taken.append(RunWriter.resume(run.path, command=[]))
        left.update(files(run.path))

    beside(At(STEP, sleep))
    ended = typed(*SHORT)
    assert ended.status == 1
    assert "another process has gone on with this run" in ended.line
    run = only_run()
    assert (run.status, run.alive) == ("running", True)
    assert files(run.path) == left
    taken[0].finish("interrupted", "signal")
