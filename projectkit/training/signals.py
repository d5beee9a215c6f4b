"""Stopping well: the first Ctrl-C or SIGTERM ends the training after the current step, with everything kept.

A signal sets a flag; the training stops at the next batch's end. The second Ctrl-C stops at once.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from projectkit.errors import ProjectkitError
from projectkit.training.loop.naming import FX, connector, names_of
from projectkit.training.loop.position import NEVER


class StoppedError(ProjectkitError):
    """The training was stopped by a signal; the exit status is the one that shells and clusters expect.

    Args:
        what, where, remedy: as of every error.
        number: of the signal.
        at_epoch_start: whether the checkpoint of the epoch before holds everything.
    """

    def __init__(
        self,
        what: str,
        *,
        number: int,
        where: str | None = None,
        remedy: str | None = None,
        at_epoch_start: bool = False,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.number = number
        self.at_epoch_start = at_epoch_start
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

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Lightning's hook: where a training can stop without tearing a step; the last batch goes on to the end of its epoch."""
        # a checkpoint holds no gradients: in the middle of an accumulation they would be lost
        steps = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if self.received is not None and steps and not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._end_batch(trainer, pl_module, outputs, batch, batch_idx)
            self._stop(trainer, self.received, at_epoch_start=False)

    def _end_batch(self, trainer: pl.Trainer, pl_module: Any, *arguments: Any) -> None:
        """What Lightning does after the callbacks' hooks, and would be lost: the module's own, and the numbers of a log step."""
        logs, names = connector(trainer), names_of(pl_module)
        before, names[FX] = names[FX], "on_train_batch_end"
        pl_module.on_train_batch_end(*arguments)
        names[FX] = before
        logs.on_batch_end()
        logs.update_train_step_metrics()

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        """For the segment loop: there is nothing to do until a signal came."""
        return NEVER if self.received is None else 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: the epoch before is complete and its checkpoint written."""
        if self.received is not None:
            self._stop(trainer, self.received, at_epoch_start=trainer.global_step > 0)

    def _stop(self, trainer: pl.Trainer, number: int, *, at_epoch_start: bool) -> None:
        what = f"stopped by {signal.Signals(number).name} after step {trainer.global_step}"
        raise StoppedError(what, number=number, at_epoch_start=at_epoch_start)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
