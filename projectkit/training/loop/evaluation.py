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

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Self

import pytorch_lightning as pl
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from pytorch_lightning.strategies import SingleDeviceStrategy

from projectkit.training.loop.clock import Clock
from projectkit.training.loop.counters import Settled
from projectkit.training.loop.deferred_log import DeferredLog
from projectkit.training.loop.evaluation_batches import Batches, is_fresh, log_of, step_name
from projectkit.training.loop.lightning_names import (
    TheirEvaluationLoop,
    is_quiet,
    no_grad_context,
    wants_iterator,
)


class EvaluationLoop(TheirEvaluationLoop):
    """Lightning's evaluation loop without its cost for each batch."""

    # behind while batches run, brought up to date when they are read
    batch_progress = Settled("settle")
    _results = Settled("flush")

    def __init__(self, *arguments: Any, clock: Clock, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.clock = clock
        self.running: Batches | EpochEnd | None = None  # while batches run, or the hooks at the end
        # one a loader and one for the end: they know what the evaluation before logged
        self.logs: dict[Any, DeferredLog] = {}
        self._verified: tuple[Any, ...] = ()

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

    def _verify_dataloader_idx_requirement(self) -> None:
        """Lightning's look at signatures, once and not before each validation: it costs a third of a millisecond."""
        asked = (self.trainer.lightning_module, self.num_dataloaders, self._is_sequential, type(self._data_fetcher))
        if asked != self._verified:
            super()._verify_dataloader_idx_requirement()
            self._verified = asked

    def _on_evaluation_epoch_end(self) -> None:
        """Lightning's, with what is logged there put off as well: eight metrics would cost three milliseconds."""
        with nullcontext() if not_covered(self.trainer) else EpochEnd(self).running():
            super()._on_evaluation_epoch_end()

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
    step = step_name(trainer)
    return f"{step} of {type(module).__name__} takes the iterator" if wants_iterator(module, step) else None


class EpochEnd:
    """The hooks at the end of an evaluation.

    Args:
        loop: that evaluates.
    """

    def __init__(self, loop: EvaluationLoop) -> None:
        self.loop = loop
        hook = f"on_{step_name(loop.trainer).removesuffix('_step')}_epoch_end"
        self.log = log_of(loop, hook, hook)
        self.fresh = is_fresh(self.log.results, hook)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The hooks run inside `with`."""
        self.loop.running = self
        if self.fresh:
            self.log.install()
        try:
            yield
        finally:
            self.log.remove()
            self.log.flush()
            self.loop.running = None

    def settle(self) -> None:
        """Nothing: no batch runs."""

    def flush(self) -> None:
        """Fill Lightning's results."""
        self.log.flush()
