"""Validation and test at the price of a loop written by hand.

`EvaluationLoop` takes the place of Lightning's, in `fit`, `validate` and `test`. A batch can run in one of three ways:

| way | when |
|---|---|
| tightly | nobody looks between two batches: no hook is due, nothing is logged for each batch |
| as a single | the first batch of each loader, the last of all, and each at which somebody looks; with live hooks, in Lightning's order |
| Lightning's own | another strategy or precision than the usual ones, a profiler, steps that take `dataloader_iter` |

All three leave the same logged values, metrics and counters. When a callback's batch hooks are due is asked as in training (`due.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Self

import pytorch_lightning as pl
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from pytorch_lightning.strategies import SingleDeviceStrategy
from pytorch_lightning.utilities.exceptions import SIGTERMException

from projectkit.training.loop.batches import mover
from projectkit.training.loop.clock import Clock
from projectkit.training.loop.counters import Settled
from projectkit.training.loop.deferred_log import DeferredLog
from projectkit.training.loop.due import Position, until_due
from projectkit.training.loop.hooks import LiveHooks
from projectkit.training.loop.lightning_names import (
    FX,
    Fetcher,
    TheirEvaluationLoop,
    connector,
    is_quiet,
    names_of,
    no_grad_context,
    received_sigterm,
    sequential_iterator,
    takes_batch_idx,
    wants_iterator,
)


class EvaluationLoop(TheirEvaluationLoop):
    """Lightning's evaluation loop without its cost for each batch."""

    # behind while batches run tightly, brought up to date when they are read
    batch_progress = Settled("settle")
    _results = Settled("flush")

    def __init__(self, *arguments: Any, clock: Clock, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.clock = clock
        self.running: Batches | None = None  # while batches run
        self.logs: dict[int, DeferredLog] = {}  # one a loader, which knows what is logged from the evaluation before

    @classmethod
    def instead_of(cls, theirs: TheirEvaluationLoop, clock: Clock) -> Self:
        """One for the same stage, with the same settings, that tells a clock how long it took."""
        fn, stage = theirs._trainer_fn, theirs._stage
        named = {"verbose": theirs.verbose, "inference_mode": theirs.inference_mode}
        return cls(theirs.trainer, fn, stage, clock=clock, **named)

    def run(self) -> Any:
        """Evaluate; Lightning's own way where something is not covered."""
        with self.clock.phase("validation"):
            return super().run() if not_covered(self.trainer) else self._run()

    @no_grad_context
    def _run(self) -> Any:
        self.setup_data()
        if self.skip:
            return []
        self.reset()
        self.on_run_start()
        fetcher = self._data_fetcher
        assert fetcher is not None
        batches = Batches(self, fetcher)
        before = 0
        while True:
            try:
                batch, batch_idx, dataloader_idx = next(fetcher)
                if before != dataloader_idx:
                    self._store_dataloader_outputs()
                    batches = Batches(self, fetcher, dataloader_idx)
                before = dataloader_idx
                self.batch_progress.is_last_batch = fetcher.done
                batches.single(batch, batch_idx)
                batches.tightly()
            except StopIteration:
                break
            finally:
                self.on_iteration_done()
        self._store_dataloader_outputs()
        return self.on_run_end()


def not_covered(trainer: pl.Trainer) -> str | None:
    """Why an evaluation runs in Lightning's own loop; None where it does not."""
    strategy, precision, module = trainer.strategy, trainer.precision_plugin, trainer.lightning_module
    if type(strategy) is not SingleDeviceStrategy:
        return f"the strategy is {type(strategy).__name__}, not one device"
    if type(precision) not in (Precision, MixedPrecision):
        return f"the precision is {type(precision).__name__}"
    if not is_quiet(trainer):
        return "a profiler wants every call"
    step = _step_name(trainer)
    return f"{step} of {type(module).__name__} takes the iterator" if wants_iterator(module, step) else None


class Batches:
    """The batches of one loader.

    Args:
        loop: that evaluates.
        fetcher: of the loop.
        dataloader_idx: which of its loaders.
    """

    def __init__(self, loop: EvaluationLoop, fetcher: Fetcher, dataloader_idx: int = 0) -> None:
        trainer = loop.trainer
        self.loop = loop
        self.trainer = trainer
        self.fetcher = fetcher
        self.dataloader_idx = dataloader_idx
        # several loaders one after the other: hooks and steps are told which
        self.which = (dataloader_idx,) if loop._is_sequential and loop.num_dataloaders > 1 else ()
        self.name = _step_name(trainer)
        self.start, self.end = (self.name.replace("_step", f"_batch_{side}") for side in ("start", "end"))
        self.start, self.end = f"on_{self.start}", f"on_{self.end}"
        self.hooks = LiveHooks(trainer, self.settle, (self.start, self.end))
        self.results = vars(loop)["_results"]
        module = trainer.lightning_module
        if dataloader_idx not in loop.logs or loop.logs[dataloader_idx].module is not module:
            loop.logs[dataloader_idx] = DeferredLog(trainer, self.results, self.name)
        self.log = loop.logs[dataloader_idx]
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
        logs.on_batch_start(batch, *self.which)
        self.hooks.call(self.start, batch, batch_idx, *self.which)
        progress.increment_started()
        # the first batch resets the metrics of the evaluation before, which is left to Lightning's own `log`
        if not logs._first_loop_iter:
            self.log.install()
        self.names[FX] = self.name
        output = self.step(*((batch, batch_idx) if self.takes_index else (batch,)), *self.which)
        self.names[FX] = None
        self.log.remove()
        progress.increment_processed()
        self.hooks.call(self.end, output, batch, batch_idx, *self.which)
        logs.on_batch_end()
        progress.increment_completed()
        self._log_step()

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
            self.loop._seen_batches_per_dataloader[self.dataloader_idx] -= 1
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
        if done and not self.trainer.sanity_checking:
            self.loop._seen_batches_per_dataloader[self.dataloader_idx] += done

    def flush(self) -> None:
        """Fill Lightning's results."""
        self.log.flush()

    def _log_step(self) -> None:
        """Hand what was logged for this batch to the loggers."""
        if not self.trainer.sanity_checking:
            self.loop._has_run = True
            connector(self.trainer).update_eval_step_metrics(
                self.loop._seen_batches_per_dataloader[self.dataloader_idx]
            )
            self.loop._seen_batches_per_dataloader[self.dataloader_idx] += 1

    def _until_looked_at(self) -> int:
        self.counter = sequential_iterator(self.fetcher)
        # what is logged for each batch goes to the loggers after each batch
        if self.counter is None or any(metric.meta.on_step for metric in self.results.values()):
            return 0
        left = self.counter.limits[self.dataloader_idx] - self.counter._idx
        # the last of all is a single: a step may ask whether it is
        count = min(left, (self.fetcher.length or 0) - self.fetcher.fetched - 1)
        ready = self.loop.batch_progress.current.ready
        here = Position(self.counter._idx, ready, steps=0, logged_steps=ready, accumulate=1, pace_s=self.pace_s)
        for hook, owner in self.hooks.owners():
            count = min(count, until_due(owner, hook, self.trainer, here))
        return int(count)


def _step_name(trainer: pl.Trainer) -> str:
    return "test_step" if trainer.testing else "validation_step"
