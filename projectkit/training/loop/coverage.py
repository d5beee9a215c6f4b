"""What the loop does not cover, in words: then a training runs in Lightning's own loop.

Nothing of this is an error. Each entry is something whose exact behaviour the loop would have to take over from Lightning for few who
use it.
"""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch.optim import LBFGS, Optimizer

from projectkit.training.loop.hooks import overrides
from projectkit.training.loop.lightning_names import (
    EpochLoop,
    Fetcher,
    is_quiet,
    profiler_of,
    skips_backward,
    takes_iterator,
    untouched_optimisation,
)

# what the loop does in their place is what Lightning's versions do
REPLACED = (
    "backward",
    "optimizer_step",
    "optimizer_zero_grad",
    "lr_scheduler_step",
    "configure_gradient_clipping",
)


def not_covered(trainer: pl.Trainer, loop: EpochLoop, fetcher: Fetcher) -> str | None:
    """Why a training runs in Lightning's own loop; None where it does not."""
    module = trainer.lightning_module
    if trainer.fast_dev_run:  # type: ignore[attr-defined] # set by Lightning in passing
        return "fast_dev_run is for looking"
    return _of_the_module(module) or _of_the_trainer(trainer, module, loop, fetcher) or _of_the_optimizer(trainer)


def _of_the_module(module: pl.LightningModule) -> str | None:
    name = type(module).__name__
    if not module.automatic_optimization:
        return f"{name} optimises by hand (automatic_optimization = False)"
    for hook in REPLACED:
        if overrides(module, pl.LightningModule, hook):
            return f"{name} has its own {hook}"
    return None


def _of_the_trainer(trainer: pl.Trainer, module: pl.LightningModule, loop: EpochLoop, fetcher: Fetcher) -> str | None:
    if type(trainer.strategy) is not SingleDeviceStrategy or trainer.strategy.model is not module:
        return f"the strategy is {type(trainer.strategy).__name__}, not one device"
    if type(trainer.precision_plugin) not in (Precision, MixedPrecision):
        return f"the precision is {type(trainer.precision_plugin).__name__}"
    if not is_quiet(trainer):
        return f"the {type(profiler_of(trainer)).__name__} wants every call"
    if takes_iterator(fetcher):
        return f"training_step of {type(module).__name__} takes the iterator"
    if skips_backward(loop) or not untouched_optimisation(loop):
        return "somebody changed Lightning's optimisation"
    return None


def _of_the_optimizer(trainer: pl.Trainer) -> str | None:
    if len(trainer.optimizers) != 1 or not isinstance(trainer.optimizers[0], Optimizer):
        return "there is no optimiser"
    plugin = trainer.precision_plugin
    if isinstance(plugin, MixedPrecision) and plugin.scaler is not None and isinstance(trainer.optimizers[0], LBFGS):
        return "LBFGS does not go with a gradient scaler"  # which Lightning refuses
    return None
