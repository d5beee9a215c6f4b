"""The batches of a validation or test: tightly where nobody looks between them, as singles where somebody does."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.plugins.precision import Precision
from pytorch_lightning.utilities.exceptions import SIGTERMException

from projectkit.training.loop.batches import mover
from projectkit.training.loop.deferred_log import DeferredLog
from projectkit.training.loop.due import Position, until_due
from projectkit.training.loop.hooks import LiveHooks
from projectkit.training.loop.lightning_names import (
    FX,
    Fetcher,
    Results,
    connector,
    names_of,
    received_sigterm,
    sequential_iterator,
    takes_batch_idx,
)


class Batches:
    """The batches of one loader.

    Args:
        loop: that evaluates.
        fetcher: of the loop.
        dataloader_idx: which of its loaders.
    """

    def __init__(self, loop: Any, fetcher: Fetcher, dataloader_idx: int = 0) -> None:
        trainer = loop.trainer
        self.loop = loop
        self.trainer = trainer
        self.fetcher = fetcher
        self.dataloader_idx = dataloader_idx
        # several loaders one after the other: hooks and steps are told which
        self.which = (dataloader_idx,) if loop._is_sequential and loop.num_dataloaders > 1 else ()
        self.name = step_name(trainer)
        self.start, self.end = (self.name.replace("_step", f"_batch_{side}") for side in ("start", "end"))
        self.start, self.end = f"on_{self.start}", f"on_{self.end}"
        self.hooks = LiveHooks(trainer, self.settle, (self.start, self.end))
        self.results = vars(loop)["_results"]
        module = trainer.lightning_module
        self.log = log_of(loop, dataloader_idx, self.name)
        self.move, _ = mover(trainer, dataloader_idx)
        self.names = names_of(module)
        self.takes_index = takes_batch_idx(module, self.name)
        plain = type(trainer.precision_plugin) is Precision and trainer.strategy.model is module
        self.step = getattr(module if plain else trainer.strategy, self.name)
        self.pace_s = math.inf
        # taken from the loader, started and done since the counters were last settled
        self.fetched = self.started = self.done = 0
        self.counter: Any = None

    def single(self, batch: Any, batch_idx: int) -> None:
        """Run a batch with everything that Lightning does around it, as far as somebody has a hook for it."""
        began = time.perf_counter()
        with self._running():
            self._single(batch, batch_idx)
        self.pace_s = time.perf_counter() - began
        if not self.loop.batch_progress.is_last_batch and self.trainer.received_sigterm:
            raise SIGTERMException

    def _single(self, batch: Any, batch_idx: int) -> None:
        progress, logs = vars(self.loop)["batch_progress"], connector(self.trainer)
        batch = self.move(batch)
        progress.increment_ready()
        # as `on_batch_start`, which asks the trainer five times whose results these are
        logs._first_loop_iter = logs._first_loop_iter is None
        self.results.batch, self.results.batch_size = batch, None
        self.results.dataloader_idx = self.which[0] if self.which else None
        self.hooks.call(self.start, batch, batch_idx, *self.which)
        progress.increment_started()
        if not logs.should_reset_tensors(self.name) or is_fresh(self.results, self.name):
            self.log.install()
        self.names[FX] = self.name
        output = self.step(*((batch, batch_idx) if self.takes_index else (batch,)), *self.which)
        self.names[FX] = None
        self.log.remove()
        progress.increment_processed()
        self.hooks.call(self.end, output, batch, batch_idx, *self.which)
        if self._logs_steps():
            logs.on_batch_end()
            progress.increment_completed()
            self._log_step()
        else:
            self.results.batch = self.results.batch_size = None
            progress.increment_completed()
            self._note(1)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Batches run inside `with`; afterwards counters and results hold what came of them."""
        self.loop.running = self
        try:
            yield
        finally:
            self.log.remove()
            self.settle()
            self.log.flush()
            self.loop.running = None
            self.names[FX] = None

    def tightly(self) -> None:
        """Run batches until somebody looks at one, or the loader ends; none where the next one is a single."""
        count = self._until_looked_at()
        if count < 1:
            return
        began = time.perf_counter()
        known = len(self.results)
        connector(self.trainer)._first_loop_iter = False
        with self._running():
            self.log.install()
            ran = self._run(count, known)
        self.pace_s = (time.perf_counter() - began) / max(ran, 1)
        if len(self.results) != known:  # what is logged for the first time may be logged for each batch
            connector(self.trainer).on_batch_end()
            self._note(-1)
            self._log_step()
        self.results.batch = self.results.batch_size = None
        if self.trainer.received_sigterm:
            raise SIGTERMException

    def _run(self, count: int, known: int) -> int:
        """Run `count` batches; fewer where the loader has no more, a signal came, or something was logged for the first time."""
        results, names, name, move, step = self.results, self.names, self.name, self.move, self.step
        which, takes_index, stopped = self.which, self.takes_index, received_sigterm(self.trainer)
        first, ran = self.counter._idx, 0
        for batch in islice(self.counter.iterators[0], count):
            self.fetched += 1
            moved = move(batch)
            results.batch, results.batch_size = moved, None
            self.started += 1
            names[FX] = name
            if takes_index:
                step(moved, first + ran, *which)
            else:
                step(moved, *which)
            self.done += 1
            ran += 1
            if len(results) != known or stopped():
                break
        return ran

    def settle(self) -> None:
        """Move Lightning's counters by what was counted."""
        fetched, started, done = self.fetched, self.started, self.done
        self.fetched = self.started = self.done = 0
        if fetched:
            self.counter._idx += fetched
            self.fetcher.fetched += fetched
        progress = vars(self.loop)["batch_progress"]
        for side in (progress.total, progress.current):
            side.ready += started
            side.started += started
            side.processed += done
            side.completed += done
        self._note(done)

    def flush(self) -> None:
        """Fill Lightning's results."""
        self.log.flush()

    def _log_step(self) -> None:
        """Hand what was logged for this batch to the loggers."""
        if not self.trainer.sanity_checking:
            connector(self.trainer).update_eval_step_metrics(
                self.loop._seen_batches_per_dataloader[self.dataloader_idx]
            )
        self._note(1)

    def _note(self, batches: int) -> None:
        if batches and not self.trainer.sanity_checking:
            self.loop._has_run = True
            self.loop._seen_batches_per_dataloader[self.dataloader_idx] += batches

    def _logs_steps(self) -> bool:
        """Whether something is logged for each batch, and so goes to the loggers after each."""
        return any(metric.meta.on_step for metric in self.results.values())

    def _until_looked_at(self) -> int:
        self.counter = sequential_iterator(self.fetcher)
        if self.counter is None or self._logs_steps():
            return 0
        left = self.counter.limits[self.dataloader_idx] - self.counter._idx
        # the last of all is a single: a step may ask whether it is
        count = min(left, (self.fetcher.length or 0) - self.fetcher.fetched - 1)
        ready = self.loop.batch_progress.current.ready
        here = Position(self.counter._idx, ready, steps=0, logged_steps=ready, accumulate=1, pace_s=self.pace_s)
        for hook, owner in self.hooks.owners():
            count = min(count, until_due(owner, hook, self.trainer, here))
        return int(count)


def is_fresh(results: Results, method: str) -> bool:
    """Whether nothing is left of what was logged in a method; what an evaluation that failed left is reset by Lightning's own `log`."""
    return all(metric.has_reset for metric in results.values() if metric.meta.fx == method)


def log_of(loop: Any, key: Any, method: str) -> DeferredLog:
    """What stands in for the module's `log` in a method; the same one as in the evaluation before."""
    if key not in loop.logs or loop.logs[key].module is not loop.trainer.lightning_module:
        loop.logs[key] = DeferredLog(loop.trainer, vars(loop)["_results"], method)
    log: DeferredLog = loop.logs[key]
    return log


def step_name(trainer: pl.Trainer) -> str:
    """`validation_step` or `test_step`."""
    return "test_step" if trainer.testing else "validation_step"
