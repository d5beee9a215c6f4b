"""The private names of Lightning that the loops need: what is imported, and in `TOUCHED` which attributes are read or set elsewhere.

Lightning promises nothing about these names. Until a version stands in `projectkit.training.loop.TESTED_WITH`, the Trainer leaves
Lightning's loops in place, and what a new version changes is looked for here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.precision.amp import _optimizer_handles_unscaling
from lightning_fabric.utilities.apply_func import move_data_to_device
from pytorch_lightning.loops.evaluation_loop import _EvaluationLoop
from pytorch_lightning.loops.fetchers import _DataFetcher, _DataLoaderIterDataFetcher, _PrefetchDataFetcher
from pytorch_lightning.loops.optimization.automatic import Closure, ClosureResult, _AutomaticOptimization
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.loops.utilities import _no_grad_context
from pytorch_lightning.profilers import PassThroughProfiler
from pytorch_lightning.trainer.connectors.logger_connector.result import (
    _Metadata,
    _ResultCollection,
    _ResultMetric,
    _Sync,
)
from pytorch_lightning.utilities.combined_loader import _Sequential
from pytorch_lightning.utilities.data import extract_batch_size
from pytorch_lightning.utilities.signature_utils import is_param_in_hook_signature
from torch import Tensor
from torch.optim import Optimizer

from projectkit.training.loop.naming import FX, connector, names_of

# by the object that has them; a test holds the list complete
TOUCHED = {
    "epoch loop": (
        "_batches_that_stepped",
        "_num_ready_batches_reached",
        "_results",
        "_should_accumulate",
        "_should_check_val_epoch",
    ),
    "epoch loop at a restart": ("_should_check_val_fx", "_skip_next_val"),
    "loops at a restart": ("_loaded_from_state_dict", "_restarting", "_resuming_from_checkpoint"),
    "evaluation loop": ("_data_fetcher", "_has_run", "_is_sequential", "_seen_batches_per_dataloader", "_stage"),
    "evaluation loop, outputs": ("_store_dataloader_outputs", "_trainer_fn"),
    "loops": ("_skip_backward", "_warning_cache"),
    "strategy": ("_lightning_optimizers",),
    "trainer": ("_data_connector", "_last_val_time", "_logger_connector", "_signal_connector"),
    "connectors": ("_current_fx", "_datahook_selector", "_first_loop_iter"),
    "combined loader": ("_idx", "_iterator"),
    "logged metric": ("_computed", "_forward_cache", "_update_count"),
    "callbacks": ("_every_n_train_steps", "_interval", "_last_time_checked", "_train_time_interval"),
}

EpochLoop = _TrainingEpochLoop
TheirEvaluationLoop = _EvaluationLoop
no_grad_context = _no_grad_context  # around a loop's `run`: inference_mode or no_grad, as the loop has it
Fetcher = _DataFetcher
Results = _ResultCollection
ResultMetric = _ResultMetric
LogMeta = _Metadata
LogSync = _Sync

__all__ = [
    "FX",
    "TOUCHED",
    "EpochLoop",
    "Fetcher",
    "LogMeta",
    "LogSync",
    "ResultMetric",
    "Results",
    "TheirEvaluationLoop",
    "connector",
    "extract_batch_size",
    "fetch_ahead",
    "handles_unscaling",
    "looks_ahead",
    "loss_of_output",
    "move_data_to_device",
    "names_of",
    "no_grad_context",
    "outputs_for_hooks",
    "received_sigterm",
    "refuse_unused_closure",
    "sequential_iterator",
    "single_iterator",
    "skips_backward",
    "takes_batch_idx",
    "takes_iterator",
    "transfer_owner",
    "untouched_optimisation",
    "val_time_interval",
    "wants_iterator",
    "warn_no_batch",
    "warn_no_loss",
]


def received_sigterm(trainer: pl.Trainer) -> Callable[[], bool]:
    """A quick way to ask whether SIGTERM came."""
    signals = trainer._signal_connector
    return lambda: bool(signals.received_sigterm)


def single_iterator(fetcher: Fetcher) -> tuple[Iterator[Any], Any] | None:
    """The loader's own iterator and the one of the combination that counts it, where a batch of the one is a batch of the other."""
    combined = fetcher.combined_loader
    counter = combined._iterator
    alone = len(combined.flattened) == 1 and combined.iterables is combined.flattened[0]
    if not alone or counter is None or getattr(fetcher, "batches", None):
        return None
    return counter.iterators[0], counter


def sequential_iterator(fetcher: Fetcher) -> Any:
    """What gives one loader's batches after the other's and numbers them; None where batches of loaders are combined, or fetched ahead."""
    counter = fetcher.combined_loader._iterator
    plain = type(fetcher) is _PrefetchDataFetcher and fetcher.length is not None and not fetcher.batches
    return counter if plain and type(counter) is _Sequential else None


def looks_ahead(fetcher: Fetcher) -> bool:
    """Whether a fetcher holds the next batch already, because its loader has no length."""
    return type(fetcher) is _PrefetchDataFetcher and fetcher.length is None and len(fetcher.batches) == 1


def fetch_ahead(fetcher: Any) -> Any:
    """The batch that a fetcher holds, once another has taken its place."""
    fetcher.batches.append(_DataFetcher.__next__(fetcher))
    return fetcher.batches.pop(0)


def refuse_unused_closure() -> None:
    """Raise in Lightning's words that the optimiser has not called the closure that it was given."""
    Closure(lambda: ClosureResult(None)).consume_result()


def skips_backward(loop: EpochLoop) -> bool:
    """Whether somebody wants forward passes only, as stochastic weight averaging does in its last epoch."""
    return bool(loop.automatic_optimization._skip_backward)


# methods of strategy, precision plugin and LightningOptimizer that Lightning calls for a batch, and the loop does not
CALLED_FOR_A_STEP = frozenset(
    ("training_step", "backward", "pre_backward", "post_backward", "clip_gradients", "optimizer_step", "step")
)


def untouched_optimisation(loop: EpochLoop) -> bool:
    """Whether the loop below is Lightning's own class, and nobody put a method of another into strategy, precision or optimiser."""
    strategy = loop.trainer.strategy
    owners = (strategy, strategy.precision_plugin, *strategy._lightning_optimizers)
    patched = any(vars(owner).keys() & CALLED_FOR_A_STEP for owner in owners)
    return type(loop.automatic_optimization) is _AutomaticOptimization and not patched


def takes_iterator(fetcher: Fetcher) -> bool:
    """Whether `training_step` wants the loader's iterator in place of a batch."""
    return isinstance(fetcher, _DataLoaderIterDataFetcher)


def takes_batch_idx(module: pl.LightningModule, step: str = "training_step") -> bool:
    """Whether a step has room for the number of the batch."""
    return bool(is_param_in_hook_signature(getattr(module, step), "batch_idx", min_args=2))


def wants_iterator(module: pl.LightningModule, step: str) -> bool:
    """Whether a step will be given the loader's iterator, see `takes_iterator`."""
    return bool(is_param_in_hook_signature(getattr(module, step), "dataloader_iter", explicit=True))


def is_quiet(trainer: pl.Trainer) -> bool:
    """Whether nothing is profiled."""
    return type(profiler_of(trainer)) is PassThroughProfiler


def profiler_of(trainer: pl.Trainer) -> object:
    """What profiles a training."""
    return trainer.profiler  # type: ignore[attr-defined] # set by Lightning in passing


def transfer_owner(trainer: pl.Trainer, hook: str) -> pl.LightningModule | pl.LightningDataModule:
    """Who is asked for a hook around the transfer of a batch: the module, or the data module where that has its own."""
    selector = trainer._data_connector._datahook_selector
    assert selector is not None
    owner: pl.LightningModule | pl.LightningDataModule = selector.get_instance(hook)
    return owner


def handles_unscaling(optimizer: Optimizer) -> bool:
    """Whether an optimiser divides the gradients by the scaler's factor itself, as fused ones do."""
    return bool(_optimizer_handles_unscaling(optimizer))


def loss_of_output(output: Any, accumulate: int) -> Tensor | None:
    """The loss in what `training_step` returned, divided by the batches of a step; refuses what Lightning refuses."""
    return ClosureResult.from_training_step_output(output, accumulate).closure_loss


def outputs_for_hooks(output: Any, loss: Tensor | None) -> dict[str, Any]:
    """What `on_train_batch_end` is given: a copy of the loss and whatever else `training_step` returned; nothing without a loss."""
    if loss is None:
        return {}
    extra = {} if isinstance(output, Tensor) else {name: value for name, value in output.items() if name != "loss"}
    return {"loss": loss.detach().clone(), **extra}


def warn_no_loss() -> None:
    """Once a process, as Lightning does."""
    Closure.warning_cache.warn("`training_step` returned `None`. If this was on purpose, ignore this warning...")


def warn_no_batch(loop: EpochLoop) -> None:
    """Once a training, as Lightning does."""
    loop._warning_cache.warn("train_dataloader yielded None. If this was on purpose, ignore this warning...")


def val_time_interval(trainer: pl.Trainer) -> tuple[float, float] | None:
    """Seconds between validations that are due by time, and when the last one was (`time.monotonic`)."""
    interval = getattr(trainer, "_val_check_time_interval", None)
    return None if interval is None else (float(interval), float(trainer._last_val_time))  # type: ignore[attr-defined] # the same
