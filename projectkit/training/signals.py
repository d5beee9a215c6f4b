"""Stopping well: what a signal does depends on what the training is at.

| the training | first signal | Ctrl-C again |
|---|---|---|
| loads data, measures, validates | stops at once: nothing is torn, and what it was at is done again | - |
| trains | ends after the step (of all its accumulated batches), with a checkpoint | stops at once, with the checkpoint before |
| writes its end into the record | is noted | is noted |
| has ended, and waits for a tracker | the waiting is given up | - |

SIGINT is Ctrl-C; SIGTERM and SIGUSR1 come from clusters, SIGHUP from a terminal that was closed, SIGBREAK from Windows. One that the
process was told to ignore (`nohup`, a job in the background of a script) stays ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Literal, Self

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from projectkit.errors import ProjectkitError
from projectkit.training.screen import leave_terminal

NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP", "SIGBREAK")  # of these, a system has some
AGAIN = "stopping after this step; Ctrl-C again stops at once"


class StoppedError(ProjectkitError):
    """The training was stopped by a signal; the exit status is the one that shells and clusters expect.

    Args:
        what, where, remedy: as of every error.
        number: of the signal.
    """

    def __init__(
        self,
        what: str,
        *,
        number: int,
        where: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.number = number
        # a cluster that announces the end of a job's time by SIGUSR1 is told what it is told after SIGTERM
        asked_to_end = signal.Signals(number).name in ("SIGUSR1", "SIGBREAK")
        self.exit_status = 128 + (signal.SIGTERM if asked_to_end else number)


class StopAtOnceError(BaseException):
    """Raised by the handler itself, in whatever runs; no Exception, because much of what runs looks after those."""


class StopOnSignal(Callback):
    """A callback that is also a context: handlers are in place inside `with`, and the former ones afterwards."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.again = False  # whether Ctrl-C was pressed once more
        self.say: Callable[[str], None] | None = None  # tells the user that a step is waited for
        self._mode: Literal["at once", "after the step", "not"] = "at once"
        self._in_validation: pl.Trainer | None = None
        self._former: dict[int, Any] = {}
        self._process = 0
        self._unraisable = sys.unraisablehook

    def __enter__(self) -> Self:
        self._process = os.getpid()
        for name in NAMES:
            number = getattr(signal, name, None)
            former = None if number is None else signal.getsignal(number)
            if number is None or former == signal.SIG_IGN:
                continue
            try:
                self._former[number] = signal.signal(number, self._handle)
            except ValueError:  # not in the main thread, as in some notebooks: then signals stay as they are
                break
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._ignored
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former.clear()
        sys.unraisablehook = self._unraisable
        if isinstance(error, StopAtOnceError) and self.received is not None:
            what = f"stopped by {signal.Signals(self.received).name} before the training began"
            raise StoppedError(what, number=self.received, remedy="start it again") from None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Inside `with`, signals are noted and nothing more: what is written there is written whole."""
        mode, self._mode = self._mode, "not"
        try:
            yield
        finally:
            self._mode = mode

    def refuse_to_start(self) -> None:
        """Stop here, if a signal came while it was held."""
        if self.received is not None:
            raise StopAtOnceError

    def over(self) -> None:
        """The training has ended and is recorded: whatever is still waited for can be given up."""
        self._mode, self._in_validation = "at once", None

    def validating(self, trainer: pl.Trainer | None) -> None:
        """A validation begins, and can be left at any point; None: it is over, and counts."""
        self._in_validation = trainer
        self._mode = "after the step" if trainer is None else "at once"
        if trainer is not None and self.received is not None:
            self._leave_validation(trainer, self.received)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: Lightning has just put handlers of its own in the place of ours, which exit 0 and requeue jobs."""
        for number in self._former:
            signal.signal(number, self._handle)
        self._mode = "after the step"
        if self.received is not None:
            raise self.stopped(trainer)

    def stopped(self, trainer: pl.Trainer) -> StoppedError:
        """What is raised where the state is whole, see `Checkpoints`; a signal has come."""
        assert self.received is not None
        what = f"stopped by {signal.Signals(self.received).name} after step {trainer.global_step}"
        return StoppedError(what, number=self.received)

    def _leave_validation(self, trainer: pl.Trainer, number: int) -> None:
        name = signal.Signals(number).name
        raise StoppedError(f"stopped by {name} in the validation after step {trainer.global_step}", number=number)

    def _ignored(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Python cannot raise what a handler raises while it clears something away; the signal is noted, and looked for again."""
        if not isinstance(unraisable.exc_value, StopAtOnceError):
            self._unraisable(unraisable)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a loader's worker, forked with our handlers: its training ends it
            return
        if number == getattr(signal, "SIGHUP", None):
            leave_terminal()
        first, self.received = self.received is None, self.received or number
        if self._mode == "not" or not (first or number == signal.SIGINT):
            return
        self.again = not first
        if first and self._in_validation is not None:
            self._leave_validation(self._in_validation, number)
        if self.again or self._mode == "at once":
            raise StopAtOnceError
        if self.say is not None and number == signal.SIGINT:
            self.say(AGAIN)
