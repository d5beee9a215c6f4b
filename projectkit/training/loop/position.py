"""Where a training stands between two batches, for a `batches_until_due` of ours or of one's own; see `due.py`."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass

import pytorch_lightning as pl

NEVER = sys.maxsize


@dataclass(frozen=True)
class Position:
    """Where a training stands between two batches."""

    batches: int  # of this epoch that have run
    batches_in_all: int  # of all epochs
    steps: int  # of the optimiser, all epochs
    logged_steps: int  # the same as the loggers count them
    accumulate: int  # batches a step
    pace_s: float  # seconds a batch, lately

    def before_step(self, count: int) -> int:
        """Batches that may run before the one that makes the `count`-th step from here; 1 is the next step."""
        return (self.batches // self.accumulate + count) * self.accumulate - self.batches - 1

    def before_multiple(self, every: int) -> int:
        """Batches that may run before the one after which the optimiser's steps are a multiple of `every`."""
        return self.before_step(every - self.steps % every)

    def within(self, seconds: float) -> int:
        """Batches that end within a time."""
        return max(0, int(seconds / self.pace_s)) if math.isfinite(seconds) else NEVER


def position(trainer: pl.Trainer, pace_s: float = 1.0) -> Position:
    """Where a training stands; also for a `batches_until_due` of one's own."""
    loop = trainer.fit_loop.epoch_loop
    progress = loop.batch_progress
    return Position(
        batches=progress.current.ready,
        batches_in_all=progress.total.ready,
        steps=loop.global_step,
        logged_steps=loop._batches_that_stepped,
        accumulate=trainer.accumulate_grad_batches,
        pace_s=pace_s,
    )


def until_time(trainer: pl.Trainer, moment: float) -> int:
    """Batches that end before a moment of `time.monotonic`, at the pace of late."""
    pace_s = trainer.fit_loop.epoch_loop.pace_s
    return position(trainer, pace_s).within(moment - time.monotonic())


def until_logging(trainer: pl.Trainer) -> int:
    """Batches that may run before one at whose end the step is a multiple of `log_every_n_steps`; for hooks `on_train_batch_end`."""
    every = trainer.log_every_n_steps  # type: ignore[attr-defined] # set by Lightning in passing
    return position(trainer).before_multiple(every) if every else NEVER
