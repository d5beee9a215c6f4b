"""What the tests of faults share: a deadline, commands typed in this process and in one of their own, a callback beside a training."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from faultcommands import Child, Ended, Started, Typed
from table import DEADLINE_S

from projectkit import cli
from projectkit.project import require_project
from projectkit.runs import Run, list_runs

GRACE_S = 20  # from a test's deadline to that of its process


class DeadlineError(BaseException):
    """A test hangs; not an Exception, so that no code under test takes it for a failure of its own."""


@pytest.fixture(autouse=True)
def deadline(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test hangs: it fails after its deadline; stuck outside of Python, it ends its process with every thread's traceback."""
    mark = request.node.get_closest_marker("fault")
    seconds = mark.kwargs["deadline_s"] if mark else DEADLINE_S

    def fail(number: int, frame: FrameType | None) -> None:
        raise DeadlineError(f"the test hangs: {seconds} s are over")

    # sys.__stderr__: pytest's own has no file number
    faulthandler.dump_traceback_later(seconds + GRACE_S, exit=True, file=sys.__stderr__)
    alarm = hasattr(signal, "SIGALRM")
    former = signal.signal(signal.SIGALRM, fail) if alarm else None
    if alarm:
        signal.alarm(seconds)
    yield
    if alarm:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """Type `projectkit <words>` in this process, where torch is loaded already."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str | Path, store: Path = tmp_path / "store") -> Ended:
        monkeypatch.setenv("PROJECTKIT_STORE", str(store))
        capsys.readouterr()
        given = [str(word) for word in words]
        monkeypatch.setattr(sys, "argv", ["projectkit", *given])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        seen = capsys.readouterr()
        return Ended(int(ended.value.code or 0), seen.out, seen.err)

    return run


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Start `projectkit <words>` in a process of its own, for faults that this process would not survive; it ends with the test."""
    children: list[subprocess.Popen[str]] = []

    def run(*words: str | Path, program: str = "", env: dict[str, str] | None = None, **more: Any) -> Child:
        """`program` is run in the process before the command is; `more` is of `subprocess.Popen`."""
        code = f"{program}\nfrom projectkit.cli import main\nmain()"
        environment = {**os.environ, "PROJECTKIT_STORE": str(tmp_path / "store"), "COLUMNS": "200", **(env or {})}
        child = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
            **more,
        )
        children.append(child)
        return Child(child)

    yield run
    for child in children:
        if child.poll() is None:
            child.kill()
        child.communicate()


@pytest.fixture
def only_run(project: Path) -> Callable[[], Run]:
    """The one run of the project, read anew at each call."""

    def read() -> Run:
        (run,) = list_runs(require_project())
        return run

    return read


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Put a callback before those of the training."""
    from projectkit.training.session import Session

    def put(callback: object) -> None:
        real = Session._callbacks
        monkeypatch.setattr(Session, "_callbacks", lambda self: [callback, *real(self)])

    return put


@pytest.fixture
def stop(
    typed: Typed, config: Path, only_run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Run]:
    """Start a run that fails in its second epoch: its last checkpoint is of the end of the first."""
    from pytorch_lightning.callbacks import Callback

    from projectkit.training.session import Session

    class Fails(Callback):
        def on_train_batch_start(self, trainer, *_: object) -> None:
            if trainer.current_epoch == 1 and trainer.fit_loop.epoch_loop.batch_idx == 2:
                raise RuntimeError("the team's own mistake")

    def run(*overrides: str) -> Run:
        real = Session._callbacks
        with monkeypatch.context() as patch:
            patch.setattr(Session, "_callbacks", lambda self: [Fails(), *real(self)])
            assert typed("train", *overrides).status == 1
        assert only_run().status == "failed"
        return only_run()

    return run


@pytest.fixture
def stopped(stop: Callable[..., Run]) -> Run:
    """Such a run of the small config."""
    return stop()
