"""Records that were damaged, clocks that were set, a machine that slept: what a run is, is still known."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from faultcommands import Typed
from pytorch_lightning.callbacks import Callback
from table import fault

from projectkit.project import require_project
from projectkit.runs import Run, RunWriter, find_run, ids, list_runs, read_run, record
from projectkit.runs.sessions import SILENT_S

SHORT = ("train", "trainer.max_epochs=2", "trainer.log_every_n_steps=3", "speed.tune=off")
STEP = 17  # in the second of two epochs

can_signal = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")


class At(Callback):
    """Does something once, before a step."""

    def __init__(self, step: int, what: Callable[[], object]) -> None:
        self.step = step
        self.what = what

    def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
        if trainer.global_step == self.step:
            self.step = -1
            self.what()


@pytest.fixture
def stopped(config: Path, typed: Typed, beside: Callable[[object], None]) -> Callable[[], Run]:
    """Start a training and press Ctrl-C in its second epoch."""

    def stop() -> Run:
        beside(At(STEP, lambda: os.kill(os.getpid(), signal.SIGINT)))
        assert typed(*SHORT).status == 130
        return list_runs(require_project())[0]

    return stop


def logged(run: Run) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "time"} for row in run.metrics()]


@fault(
    "the last line of metrics.jsonl is torn, by a power cut or a full disk",
    happens="the training is gone on with from its checkpoint; whoever reads the file passes the torn line over",
    kept="every line before it; what the checkpoint does not know is done and logged again, once",
)
@can_signal
def test_a_torn_line_of_metrics_costs_nothing(typed: Typed, stopped: Callable[[], Run]) -> None:
    assert typed(*SHORT).status == 0
    whole = list_runs(require_project())[0]
    run = stopped()
    before = logged(run)
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 18, "epoch": 1, "train/lo')
    assert logged(run) == before
    assert typed("runs", "show", run.id).status == 0
    assert typed(*SHORT, "--resume", run.id).status == 0
    assert logged(read_run(run.path)) == logged(whole)


@fault(
    "run.json is damaged: by the disk, an editor, a merge in git",
    happens="`runs show` says so and shows the run all the same; `--resume` goes on with it and writes the file anew",
    kept="everything: the file's content is told from events.jsonl and metrics.jsonl",
)
@can_signal
@pytest.mark.parametrize(
    "content", [b"", b'{"schema": 2, "id": "2026', b"<<<<<<< HEAD\n"], ids=["empty", "torn", "merge"]
)
def test_a_damaged_run_json_is_told_from_the_other_files(
    typed: Typed, stopped: Callable[[], Run], content: bytes
) -> None:
    before = stopped()
    (before.path / "run.json").write_bytes(content)
    after = find_run(before.id, require_project())
    assert (after.status, after.reason, after.best, after.record) == (
        "interrupted",
        "signal",
        before.best,
        before.record,
    )
    shown = typed("runs", "show", before.id)
    assert shown.status == 0
    assert "run.json cannot be read" in shown.out + shown.err
    assert typed(*SHORT, "--resume", "auto").status == 0
    (mended,) = list_runs(require_project())
    assert (mended.id, mended.status, mended.damage) == (before.id, "finished", None)


@fault(
    "the clock is set back or forward by years while a run goes on",
    happens="nothing: how long something took, and whether a run's process is alive, is told by no clock on the wall",
    kept="everything; the times in metrics.jsonl go on rising",
)
@can_signal
@pytest.mark.parametrize("years", [-10, 10], ids=["back", "forward"])
def test_a_clock_that_jumps_harms_no_run(
    typed: Typed, stopped: Callable[[], Run], monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    run = stopped()
    jump = timedelta(days=365 * years)

    class Jumped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + jump

    for room in (record, ids):
        monkeypatch.setattr(room, "datetime", Jumped)
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + jump.total_seconds())
    assert typed(*SHORT, "--resume", "auto").status == 0
    (after,) = list_runs(require_project())
    assert (after.id, after.status) == (run.id, "finished")
    times = [row["time"] for row in after.metrics()]
    assert times == sorted(times)
    assert after.part("durations")["total_s"] < 60
    assert after.created == run.created
    assert typed("runs", "list").status == 0


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
        with pytest.raises(Exception, match="still going on"):
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
