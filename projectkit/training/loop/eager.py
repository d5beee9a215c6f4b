"""One batch, eagerly: forward, backward, clipping and the optimiser's step, in Lightning's order.

The optimiser is called as Lightning calls it, `optimizer.step(closure)`, so that LBFGS, an optimiser's hooks and a scheduler's wrapper
around `step` behave the same.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor
from torch.optim import Optimizer

from projectkit.training.loop.counters import Tally
from projectkit.training.loop.hooks import LiveHooks, overrides
from projectkit.training.loop.lightning_names import (
    FX,
    handles_unscaling,
    loss_of_output,
    names_of,
    refuse_unused_closure,
    takes_batch_idx,
    warn_no_loss,
)
from projectkit.training.loop.watch import Watch

NOT_CALLED = object()  # the output of a step whose optimiser has not called the closure


class EagerStep:
    """Runs batches of one module and optimiser.

    After a call, `output` is what `training_step` returned and `loss` its loss as it went into the backward pass.

    Args:
        trainer: with the module, the optimiser and the precision plugin.
        hooks: that are called between forward and step.
        tally: where steps are counted.
    """

    def __init__(self, trainer: pl.Trainer, hooks: LiveHooks, tally: Tally) -> None:
        self.trainer = trainer
        self.module = trainer.lightning_module
        self.hooks = hooks
        self.tally = tally
        self.watch: Watch | None = None
        self.output: Any = None
        self.loss: Tensor | None = None
        self._names = names_of(self.module)
        self._takes_batch_idx = takes_batch_idx(self.module)
        self._batch: Any = None
        self._batch_idx = 0
        self._groups = -1
        self.prepare()

    def prepare(self) -> None:
        """Look again at what a hook may have changed since the last segment."""
        trainer = self.trainer
        plugin = trainer.precision_plugin
        self._training_step = self.module.training_step
        self._accumulate = trainer.accumulate_grad_batches
        self._clips = bool(trainer.gradient_clip_val) or overrides(self.module, pl.LightningModule, "clip_gradients")
        self._optimizer: Optimizer = trainer.optimizers[0]
        self._zero_by_hand = type(self._optimizer).zero_grad is Optimizer.zero_grad and "zero_grad" not in vars(
            self._optimizer
        )
        self._groups = -1
        mixed = plugin if isinstance(plugin, MixedPrecision) else None
        # one context for all batches: making one costs more than entering it
        self._context = None if mixed is None else mixed.autocast_context_manager()
        self._scaler = None if mixed is None else mixed.scaler
        self._unscales = self._scaler is not None and not handles_unscaling(self._optimizer)

    def __call__(self, batch: Any, batch_idx: int, steps: bool) -> None:
        """Run one batch.

        Args:
            batch: on its device.
            batch_idx: its number in the epoch.
            steps: whether the optimiser steps after it, or gradients are accumulated.
        """
        self._batch, self._batch_idx = batch, batch_idx
        if not steps:
            self._closure()
        else:
            self.tally.step_ready += 1
            self._names[FX] = "optimizer_step"
            self.output = NOT_CALLED
            if self._scaler is None:
                self._optimizer.step(closure=self._closure_and_clip)  # type: ignore[arg-type] # torch asks for a float, a tensor goes as well
            else:
                self._scaled_step(self._scaler)
            self.tally.step_completed += 1
        self._names[FX] = None
        if self.output is NOT_CALLED:
            refuse_unused_closure()
        self._batch = None
        if self.watch is not None:
            self.watch.mark("optimizer")

    def forward(self, batch: Any, batch_idx: int) -> Any:
        """What `training_step` returns; the place to split a batch that does not fit."""
        if self._takes_batch_idx:
            return self._training_step(batch, batch_idx)
        return self._training_step(batch)

    def _closure(self) -> Tensor | None:
        """Forward and backward; the loss, detached, as optimisers are given it."""
        if not torch.is_grad_enabled():  # torch's own optimisers enable it, others may not
            with torch.enable_grad():
                return self._closure()
        names, before = self._names, self._names[FX]
        names[FX] = "training_step"
        if self._context is None:
            output = self.forward(self._batch, self._batch_idx)
        else:
            with self._context:
                output = self.forward(self._batch, self._batch_idx)
        names[FX] = before
        self.output = output
        loss = (
            output if self._accumulate == 1 and isinstance(output, Tensor) else loss_of_output(output, self._accumulate)
        )
        self.loss = loss
        if self.watch is not None:
            self.watch.mark("forward")
        if loss is None:
            warn_no_loss()
        if self._batch_idx % self._accumulate == 0:
            self._zero_grad()
        if loss is None:
            return None
        names[FX] = "backward"
        scaled = loss if self._scaler is None else self._scaler.scale(loss)
        self.hooks.call("on_before_backward", scaled)
        scaled.backward()  # type: ignore[no-untyped-call] # torch has no type for it
        self.hooks.call("on_after_backward")
        names[FX] = before
        if self.watch is not None:
            self.watch.mark("backward")
        return loss.detach()

    def _zero_grad(self) -> None:
        tally, optimizer = self.tally, self._optimizer
        tally.zero_ready += 1
        self.hooks.call("on_before_zero_grad", optimizer)
        tally.zero_started += 1
        if self._zero_by_hand:
            if len(optimizer.param_groups) != self._groups:
                self._groups = len(optimizer.param_groups)
                self._parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            for parameter in self._parameters:
                parameter.grad = None
        else:
            before, self._names[FX] = self._names[FX], "optimizer_zero_grad"
            optimizer.zero_grad()
            self._names[FX] = before
        tally.zero_completed += 1

    def _closure_and_clip(self) -> Tensor | None:
        loss = self._closure()
        self._clip_gradients()
        return loss

    def _clip_gradients(self) -> None:
        self.hooks.call("on_before_optimizer_step", self._optimizer)
        if self._clips:
            before, self._names[FX] = self._names[FX], "configure_gradient_clipping"
            self.module.clip_gradients(
                self._optimizer,
                gradient_clip_val=self.trainer.gradient_clip_val,
                gradient_clip_algorithm=self.trainer.gradient_clip_algorithm,
            )
            self._names[FX] = before

    def _scaled_step(self, scaler: torch.amp.GradScaler) -> None:
        """As `MixedPrecision` does: gradients are unscaled before anybody looks at them, and a step with an overflow is left out."""
        loss = self._closure()
        if loss is not None and self._unscales:
            scaler.unscale_(self._optimizer)
        self._clip_gradients()
        if loss is not None:
            scaler.step(self._optimizer)
            scaler.update()
