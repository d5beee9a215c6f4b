"""What Lightning's checkpoint leaves out of a training's state, as plain containers and tensors.

Lightning keeps weights, optimisers, schedulers, scaler, counters, and what callbacks and modules say about themselves. A training that goes
on needs as well: what was logged so far, metrics of torchmetrics that gather over an epoch, buffers that are not in the state dict,
gradients that a module gathers by hand, what was set in the trainer while it ran, and when the loaders were made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytorch_lightning as pl
from torch import Tensor
from torchmetrics import Metric

from projectkit.training.loop.logged_state import figures, set_figures, set_loop_iteration, set_sums, sums


def left_out(trainer: pl.Trainer, *, within: bool) -> dict[str, Any]:
    """The state; `within`: an epoch has been begun."""
    module, loops = trainer.lightning_module, trainer.fit_loop
    validation = loops.epoch_loop.val_loop
    state: dict[str, Any] = {
        "should_stop": trainer.should_stop,
        "accumulate": trainer.accumulate_grad_batches,  # a callback may change it from epoch to epoch
        "figures": figures(trainer),
        "metrics": {name: _gathered(metric) for name, metric in _metrics(module)},
        "buffers": dict(_other_buffers(module)),
        "loaders": {
            "train": _whole(loops._last_train_dl_reload_epoch),
            "val": _whole(validation._last_val_dl_reload_epoch),
            "val_made": validation._combined_loader is not None,
        },
    }
    if within:
        state["sums"] = sums(trainer)
    if not module.automatic_optimization:  # what is gathered for a step that the module makes by itself
        named = module.named_parameters()
        state["gradients"] = {name: each.grad for name, each in named if each.grad is not None}
    return state


def set_should_stop(trainer: pl.Trainer, state: Mapping[str, Any]) -> None:
    """A training that early stopping has ended does not go on; to be called before the loops look."""
    trainer.should_stop = trainer.should_stop or state["should_stop"]


def set_left_out(trainer: pl.Trainer, state: Mapping[str, Any]) -> None:
    """Put back what `left_out` gave; the loaders are as they were made at the start, or made anew."""
    module = trainer.lightning_module
    trainer.accumulate_grad_batches = state["accumulate"]
    metrics = dict(_metrics(module))
    for name, gathered in state["metrics"].items():
        if name in metrics:
            _set_gathered(metrics[name], gathered)
    buffers = dict(module.named_buffers())
    for name, tensor in state["buffers"].items():
        if name in buffers:
            buffers[name].copy_(tensor)
    for name, parameter in module.named_parameters():
        if name in state.get("gradients", {}):
            parameter.grad = state["gradients"][name].to(parameter.device)
    set_figures(trainer, state["figures"])
    if "sums" in state:
        set_sums(trainer, state["sums"])
        set_loop_iteration(trainer)


def set_loaders(trainer: pl.Trainer, state: Mapping[str, Any]) -> None:
    """Make the loaders of the validation if they had been made, and forget them if they had not; to be called before generators are set.

    Lightning draws from the global generator when it makes them, and makes them for the first validation or ahead of the first epoch.
    """
    loops, made = trainer.fit_loop, state["loaders"]
    validation = loops.epoch_loop.val_loop
    if made["val_made"] and validation._combined_loader is None:
        trainer.validating = True
        validation.setup_data()
        trainer.training = True
    elif not made["val_made"]:
        validation._combined_loader = None
    loops._last_train_dl_reload_epoch = _or_never(made["train"])
    validation._last_val_dl_reload_epoch = _or_never(made["val"])


def _metrics(module: pl.LightningModule) -> Iterator[tuple[str, Metric]]:
    return ((name, each) for name, each in module.named_modules() if isinstance(each, Metric))


def _gathered(metric: Metric) -> dict[str, Any]:
    last = metric._forward_cache
    return {
        "state": {name: getattr(metric, name) for name in metric._defaults},
        "updates": metric._update_count,
        "last": last if isinstance(last, Tensor) else None,
    }


def _set_gathered(metric: Metric, gathered: Mapping[str, Any]) -> None:
    for name, value in gathered["state"].items():
        moved = [each.to(metric.device) for each in value] if isinstance(value, list) else value.to(metric.device)
        setattr(metric, name, moved)
    metric._update_count, metric._computed, metric._forward_cache = gathered["updates"], None, gathered["last"]


def _other_buffers(module: pl.LightningModule) -> Iterator[tuple[str, Tensor]]:
    """Those that the state dict does not hold."""
    kept = module.state_dict().keys()
    return ((name, buffer) for name, buffer in module.named_buffers() if name not in kept)


def _whole(epoch: float) -> int | None:
    return None if epoch == float("-inf") else int(epoch)


def _or_never(epoch: int | None) -> float:
    return float("-inf") if epoch is None else epoch
