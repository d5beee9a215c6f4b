"""Stopping well: the first Ctrl-C or SIGTERM ends the training after the current epoch's step, with everything kept.

A signal sets a flag; the training stops at the next batch's end. The second Ctrl-C stops at once.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from projectkit.errors import ProjectkitError


class StoppedError(ProjectkitError):
    """The training was stopped by a signal; the exit status is the one that shells and clusters expect."""

    def __init__(
        self, what: str, *, where: str | None = None, remedy: str | None = None, number: int = signal.SIGINT
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.number = number
        self.exit_status = 128 + number


class StopOnSignal(Callback):
    """A callback that is also a context: handlers are in place inside `with`, and the former ones afterwards."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGUSR1"):  # Windows has none; clusters send it ahead of the time limit
            numbers.append(signal.SIGUSR1)
        for number in numbers:
            try:
                self._former[number] = signal.signal(number, self._handle)
            except ValueError:  # not in the main thread, as in some notebooks: then signals stay as they are
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former.clear()

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """Lightning's hook: the place where a training can stop without tearing a step."""
        if self.received is not None:
            raise StoppedError(
                f"stopped by {signal.Signals(self.received).name} after step {trainer.global_step}",
                number=self.received,
            )

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
