"""Many runs at once on one folder, and clocks that jump."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from faultcommands import Typed
from pytorch_lightning.callbacks import Callback
from table import fault

from projectkit.project import Project, require_project
from projectkit.runs import Run, find_run, ids, list_runs, record


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


MANY = """
import sys
from pathlib import Path
from projectkit.runs import RunWriter
root = Path(sys.argv[1])
sys.stdin.readline()
for number in range(50):
    writer = RunWriter.create(root, "same", config_yaml="name: same\\n", command=["projectkit", "train"], source=root.parent)
    for step in range(3):
        writer.log(step, 0, {"train/loss": step / 2})
    writer.finish("finished")
"""


@fault(
    "two hundred runs are started at once, from several processes, on one folder",
    happens="each has an id and a folder of its own; no locks are relied on",
    kept="all of them, no record torn",
)
def test_two_hundred_runs_at_once(project: Path, typed: Typed) -> None:
    root = project / "runs"
    command = [sys.executable, "-c", MANY, str(root)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=50)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors
    runs = list_runs(Project(root=project))
    assert len({run.id for run in runs}) == 200
    assert {run.status for run in runs} == {"finished"}
    assert all([line["step"] for line in run.metrics()] == [0, 1, 2] for run in runs)
    assert typed("runs", "list", "--json").out.count('"finished"') >= 200
