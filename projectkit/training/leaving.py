"""A validation that is left because of a signal: it does not count, and a resumed training does all of it again.

A long validation must not keep a job from ending in time. So the checkpoint that is written then holds the state before it began: the
generators as they were, and counters that say that a validation is under way of which no batch is done, with which the loops begin.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from projectkit.training.random_state import random_state, set_random_state
from projectkit.training.signals import StopOnSignal, StoppedError


class LeftValidation(Callback):
    """Stands before the callback that writes checkpoints.

    Args:
        stop: is told when a validation begins and when it counts.
    """

    def __init__(self, stop: StopOnSignal) -> None:
        self.stop = stop
        self._random: dict[str, Any] | None = None

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: from here on it can be left."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        total = _progress(trainer).total
        total.ready = total.started = total.completed  # of one that was left, there is a batch too many
        self._random = random_state()
        self.stop.validating(trainer)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: its last batch is done, so it counts."""
        if self._random is not None:
            self._random = None
            self.stop.validating(None)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Lightning's hook: the state before the validation, for the checkpoint that is written next."""
        if self._random is None or not isinstance(exception, StoppedError):
            return
        set_random_state(self._random)
        progress = _progress(trainer)
        done = progress.total.completed - progress.current.completed
        progress.is_last_batch = False
        for side, completed in ((progress.current, 0), (progress.total, done)):
            side.ready = side.started = completed + 1
            side.processed = side.completed = completed


def _progress(trainer: pl.Trainer) -> Any:
    return trainer.fit_loop.epoch_loop.val_loop.batch_progress
