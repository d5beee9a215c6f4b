"""Clocks that jump, and runs that begin in one second."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from faultcommands import Typed
from pytorch_lightning.callbacks import Callback
from table import fault

from projectkit.project import require_project
from projectkit.runs import Run, find_run, ids, list_runs, record

pytestmark = pytest.mark.slow  # each row trains


@fault(
    "the clock is set back or forward while a training runs, or between its death and its resumption",
    happens="the training goes on, and is gone on with; times within a run are counted, not read from the clock",
    kept="everything; the times of metrics never fall",
)
@pytest.mark.parametrize("hours", [-30, 30], ids=["back", "forward"])
def test_a_clock_that_is_set(
    typed: Typed,
    stopped: Run,
    beside: Callable[[object], None],
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
) -> None:
    class Set(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(hours=hours)

    def set_clock() -> None:
        clock = time.time
        monkeypatch.setattr(time, "time", lambda: clock() + 3600 * hours)
        for module in (ids, record):
            monkeypatch.setattr(module, "datetime", Set)

    class SetInTheMiddle(Callback):
        def on_train_epoch_start(self, trainer, *_: object) -> None:
            if trainer.current_epoch == 1:
                set_clock()

    beside(SetInTheMiddle())
    whole = typed("train")
    resumed = typed("train", "--resume", stopped.id)
    for ended in (whole, resumed):
        assert ended.status == 0, ended.err
        run = find_run(ended.out.strip(), require_project())
        assert run.status == "finished"
        times = [line["time"] for line in run.metrics()]
        assert times == sorted(times)
        assert 0 <= times[-1] < 600
    assert typed("runs", "list").status == 0


@fault(
    "two runs of one name begin in the same second, and draw the same number",
    happens="one of them draws again",
    kept="both, in folders of their own",
)
def test_two_runs_in_the_same_second(typed: Typed, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 21, 10, 0, 0, tzinfo=tz)

    drawn = iter(["aaaaaa", "aaaaaa", "bbbbbb"])
    real = ids.secrets.token_hex
    monkeypatch.setattr(ids, "datetime", Stopped)
    monkeypatch.setattr(ids.secrets, "token_hex", lambda count: next(drawn, "cccccc") if count == 3 else real(count))
    names = [typed("train", "trainer.max_epochs=1").out.strip() for _ in range(2)]
    assert names == ["20261121-100000-small-aaaaaa", "20261121-100000-small-bbbbbb"]
    assert {run.status for run in list_runs(require_project())} == {"finished"}
