"""What runs at the moment: everything that a segment and a single need for one epoch.

While batches run, the epoch loop's counters and results are behind: `settle` and `flush` bring them up to date when somebody reads them
(see `Settled`), and at the end, however it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytorch_lightning as pl
from torch import Tensor

from projectkit.training.loop.batches import BatchSource
from projectkit.training.loop.counters import Tally
from projectkit.training.loop.deferred_log import DeferredLog
from projectkit.training.loop.hooks import LiveHooks
from projectkit.training.loop.watch import Watch


class Step(Protocol):
    """What runs one batch; see `EagerStep` and `ProgrammedStep`."""

    watch: Watch | None
    output: Any  # of `training_step`
    loss: Tensor | None

    def prepare(self) -> None:
        """Look again at what may have changed since the last segment."""

    def __call__(self, batch: Any, batch_idx: int, steps: bool) -> None:
        """Run a batch on its device, by its number; whether the optimiser steps after it."""


class Runner:
    """The parts of an epoch that runs.

    Args:
        trainer: whose module is trained.
        loop: the epoch loop, whose counters are moved and whose `running` this is while batches run.
        hooks: that are live.
        source: of the batches.
        step: of a batch.
        tally: in which the step counts as well.
        log: that takes the place of the module's.
    """

    def __init__(
        self,
        trainer: pl.Trainer,
        loop: Any,
        *,
        hooks: LiveHooks,
        source: BatchSource,
        step: Step,
        tally: Tally,
        log: DeferredLog,
    ) -> None:
        self.trainer = trainer
        self.loop = loop
        self.hooks = hooks
        self.source = source
        self.step = step
        self.tally = tally
        self.log = log

    @contextmanager
    def running(self) -> Iterator[None]:
        """Batches run inside `with`; afterwards counters and results hold what came of them."""
        self.loop.running = self
        try:
            yield
        finally:
            self.log.remove()
            self.settle()
            self.log.flush()
            self.loop.running = None

    def settle(self) -> None:
        """Move Lightning's counters."""
        self.tally.settle(self.loop.__dict__, self.source.fetcher, self.source.iterator)

    def flush(self) -> None:
        """Fill Lightning's results."""
        self.log.flush()

    def step_schedulers(self) -> list[tuple[Callable[[], Any], int]]:
        """What steps with the optimiser: each scheduler's step, and every how many batches."""
        return [
            (config.scheduler.step, config.frequency)  # type: ignore[misc] # a plateau's step, left out below, takes a metric
            for config in self.trainer.lr_scheduler_configs
            if config.interval == "step" and not config.reduce_on_plateau
        ]
