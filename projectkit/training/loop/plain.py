"""The eager step written down: what a program takes the place of, is checked against, and runs for batches that it does not cover.

`refusal` says in words which trainings a program cannot take over: those where somebody stands between the forward pass and the step.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, GradientAccumulationScheduler
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch import Tensor, nn
from torch.optim import Optimizer

from projectkit.training.loop.hooks import STEP_HOOKS, overrides
from projectkit.training.loop.program import PureTask
from projectkit.training.loop.shapes import samples_of

# hooks of the module alone that change how a step is made
_MODULE_HOOKS = ("optimizer_step", "optimizer_zero_grad", "backward", "configure_gradient_clipping")


def refusal(trainer: pl.Trainer) -> str | None:
    """Why no program can run the steps of this training, in words; None where one can."""
    module = trainer.lightning_module
    if not isinstance(module, PureTask):
        return f"{type(module).__name__} has no loss_of and note_step, which make a loss that can be compiled with its step"
    if _training_step_is_newer(module):
        return f"{type(module).__name__} has a training_step of its own that need not be its loss_of"
    return _refused_settings(trainer) or _refused_hooks(trainer) or _refused_optimizer(trainer)


class PlainStep:
    """Zero the gradients, forward under autocast, backward, clip, step, note: in Lightning's order.

    Args:
        trainer: one that `refusal` has nothing against.
    """

    def __init__(self, trainer: pl.Trainer) -> None:
        self.task: Any = trainer.lightning_module  # a PureTask, and a LightningModule
        self.optimizer: Optimizer = trainer.optimizers[0]
        self.device = trainer.strategy.root_device
        self.clip = float(trainer.gradient_clip_val or 0.0)
        self.clip_by = str(trainer.gradient_clip_algorithm or "norm")
        self.mixed = isinstance(trainer.precision_plugin, MixedPrecision)

    def autocast(self) -> AbstractContextManager[Any]:
        """What the forward pass runs under."""
        return torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False) if self.mixed else nullcontext()

    def parameters(self) -> list[nn.Parameter]:
        """Those that the optimiser has, in its order."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def gradients(self, batch: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss and notes, detached; the gradients stand in the parameters, clipped."""
        self.optimizer.zero_grad()
        with self.autocast():
            loss, noted = self.task.loss_of(batch)
        loss.backward()
        self.clip_gradients()
        return loss.detach(), noted

    def clip_gradients(self) -> None:
        """As the trainer was told."""
        if not self.clip:
            return
        if self.clip_by == "value":
            nn.utils.clip_grad_value_(self.parameters(), self.clip)
        else:
            nn.utils.clip_grad_norm_(self.parameters(), self.clip)

    def step(self, batch: Any) -> Tensor:
        """One step on a batch; its detached loss."""
        loss, noted = self.gradients(batch)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.task.note_step(loss, noted, samples_of(batch))
        return loss


def is_pure(module: pl.LightningModule) -> bool:
    """Whether a training step is `loss_of` and `note_step`, and nothing else."""
    return isinstance(module, PureTask) and not _training_step_is_newer(module)


def gradient_of(parameter: Tensor) -> Tensor:
    """The gradient of a parameter that is known to have one."""
    assert parameter.grad is not None, "a bound parameter is one that the eager step gave a gradient"
    return parameter.grad


def _training_step_is_newer(module: pl.LightningModule) -> bool:
    """Whether a class below the one with `loss_of`, or the object itself, brings a training_step: what it does is not known."""
    family = type(module).__mro__
    home = {name: next(cls for cls in family if name in vars(cls)) for name in ("training_step", "loss_of")}
    return "training_step" in vars(module) or family.index(home["training_step"]) < family.index(home["loss_of"])


def _refused_settings(trainer: pl.Trainer) -> str | None:
    if not trainer.lightning_module.automatic_optimization:
        return "the optimisation is manual"
    changing = any(isinstance(callback, GradientAccumulationScheduler) for callback in _callbacks(trainer))
    if trainer.accumulate_grad_batches != 1 or changing:
        return "gradients are accumulated over several batches"
    if not isinstance(trainer.strategy, SingleDeviceStrategy):
        return f"the strategy {type(trainer.strategy).__name__} is not for a single device"
    if torch.is_anomaly_enabled():
        return "anomalies are looked for (detect_anomaly)"
    precision = trainer.precision_plugin
    mixed = type(precision) is MixedPrecision and precision.precision == "bf16-mixed" and precision.scaler is None
    return (
        None
        if mixed or type(precision) is Precision
        else f"precision {precision.precision} is not 32-true or bf16-mixed"
    )


def _refused_hooks(trainer: pl.Trainer) -> str | None:
    module = trainer.lightning_module
    for hook in (*STEP_HOOKS, *_MODULE_HOOKS):
        if overrides(module, pl.LightningModule, hook):
            return f"{type(module).__name__} overrides {hook}"
    for hook in STEP_HOOKS:
        for callback in _callbacks(trainer):
            if overrides(callback, Callback, hook):
                return f"{type(callback).__name__} overrides {hook}"
    return None


def _refused_optimizer(trainer: pl.Trainer) -> str | None:
    if len(trainer.optimizers) != 1:
        return f"there are {len(trainer.optimizers)} optimisers"
    optimizer = trainer.optimizers[0]
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        return f"{type(optimizer).__name__} calls the loss itself"
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    # set by register_hook and register_post_accumulate_grad_hook, which have no public way to ask for them
    if any(getattr(p, "_backward_hooks", None) or getattr(p, "_post_accumulate_grad_hooks", None) for p in parameters):
        return "a hook waits for the gradient of a parameter"
    return None


def _callbacks(trainer: pl.Trainer) -> list[Callback]:
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined] # set by Lightning in passing
    return callbacks
