"""An exponential moving average of the weights, which is validated and kept in their place."""

from __future__ import annotations

import sys
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from projectkit.errors import UserError

RAW = "current_model_state"  # the key that Lightning's WeightAveraging uses


class EMA(Callback):
    """Averages the weights after optimiser steps: average = decay * average + (1 - decay) * weights.

    The first average is a copy of the weights. Buffers of floats, such as the statistics of a batch norm, are averaged like the weights;
    other buffers, such as its count of batches, are copied. Before the first average nothing differs from a training without.

    | what | which weights |
    |---|---|
    | training | those that the optimiser has |
    | validation, and so `best.ckpt` | the averaged ones |
    | `state_dict` of every checkpoint, `last.ckpt` as well as `best.ckpt`; what `projectkit evaluate` measures | the averaged ones |
    | `current_model_state` of every checkpoint; what a resumed training goes on with | those that the optimiser has |
    | the module after `fit` | the averaged ones |

    A training that is resumed ends with the same bits as one that was never stopped. The updates are
    `torch.optim.swa_utils.get_ema_multi_avg_fn`'s to the bit.

    Args:
        decay: share of the average that stays at each update, in [0, 1]; 0.999 averages over about the last thousand updates.
        every_n_steps: optimiser steps between updates.
        start_step: optimiser steps before the first update.

    Raises:
        UserError: a number is out of its range.

    Source: Polyak & Juditsky 1992; with exponential weights, Tarvainen & Valpola 2017, section 2.
    """

    def __init__(self, decay: float = 0.999, every_n_steps: int = 1, start_step: int = 0) -> None:
        for name, value, fits, range_ in (
            ("decay", decay, 0.0 <= decay <= 1.0, "in [0, 1], such as 0.999"),
            ("every_n_steps", every_n_steps, every_n_steps >= 1, "1 or more"),
            ("start_step", start_step, start_step >= 0, "0 or more"),
        ):
            if not fits:
                raise UserError(
                    f"{name} is {value}", where="projectkit.training.EMA", remedy=f"write a number {range_}"
                )
        self.decay = decay
        self.every_n_steps = every_n_steps
        self.start_step = start_step
        self.updates = 0
        self._step = 0  # optimiser steps done
        self._swapped = False  # whether the module holds the averages, and `_averages` the weights
        self.torn = False  # whether a signal came in the middle of an exchange: what the module holds is neither
        self._slots: list[tuple[dict[str, Any], str]] = []  # where the module keeps what is averaged
        self._averages: list[Tensor] = []
        self._counters: list[tuple[dict[str, Any], str]] = []  # the same for buffers that are no floats
        self._counts: list[Tensor] = []

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Lightning's hook: each training has an average of its own."""
        if stage == "fit":
            self.updates, self._swapped, self._averages, self._counts = 0, False, [], []

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Lightning's hook: the module has just been given the averages; it is given the weights instead."""
        if trainer.state.fn == "fit" and RAW in checkpoint:
            self._gather(pl_module)
            pl_module.load_state_dict(checkpoint[RAW])

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: the module is on its device by now."""
        self._gather(pl_module)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: where the training starts, which is not 0 for a resumed one."""
        self._step = trainer.global_step

    def after_step(self) -> None:
        """After each optimiser step: what a loop calls that runs many steps between two `on_train_batch_end`."""
        self._step += 1
        if self._step > self.start_step and (self._step - 1) % self.every_n_steps == 0:
            self._update()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Lightning's hook: a step may have been made, or gradients accumulated."""
        if trainer.global_step > self._step:
            self._step = trainer.global_step - 1
            self.after_step()

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        """A loop that asks is one that calls `after_step`; `on_train_batch_end` is never needed then."""
        return sys.maxsize

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: validate the averages."""
        if trainer.state.fn == "fit" and self.updates:
            self._swap()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: train the weights."""
        if trainer.state.fn == "fit" and self._swapped:
            self._swap()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: leave the averages in the module."""
        if self.updates:
            self._swap()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Lightning's hook: an error in a validation leaves the module as the training had it."""
        if self._swapped:
            self._swap()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback; the weights are beside it."""
        return {"updates": self.updates}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up again."""
        self.updates = state_dict["updates"]

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Lightning's hook: the averages under `state_dict`, the weights beside them."""
        if trainer.state.fn != "fit" or not self.updates:
            return
        held = _copied(checkpoint["state_dict"])
        self._swap()
        other = _copied(trainer.strategy.lightning_module_state_dict())
        self._swap()
        checkpoint["state_dict"], checkpoint[RAW] = (held, other) if self._swapped else (other, held)

    @torch.no_grad()
    def _gather(self, module: pl.LightningModule) -> None:
        """Find what is averaged; averages that are there, from a checkpoint, are kept and follow the module to its device."""
        parameters, buffers = _slots(module, "_parameters"), _slots(module, "_buffers")
        # asked of each slot and not looked up in a list of them: two slots are compared by their tensors' numbers
        self._slots = parameters + [slot for slot in buffers if _averaged(slot)]
        self._counters = [slot for slot in buffers if not _averaged(slot)]
        self._averages = _following(self._averages, self._slots)
        self._counts = _following(self._counts, self._counters)

    @torch.no_grad()
    def _update(self) -> None:
        weights = [_tensor(slot) for slot in self._slots]
        if self.updates:
            torch._foreach_lerp_(self._averages, weights, 1 - self.decay)
        else:
            torch._foreach_copy_(self._averages, weights)
        for count, slot in zip(self._counts, self._counters, strict=True):
            count.copy_(_tensor(slot))
        self.updates += 1

    @torch.no_grad()
    def _swap(self) -> None:
        """Exchange contents and not tensors: optimisers, compiled steps and CUDA graphs hold on to the module's own."""
        self.torn = True
        for slots, others in ((self._slots, self._averages), (self._counters, self._counts)):
            own = [_tensor(slot) for slot in slots]
            held = [tensor.clone() for tensor in own]
            for mine, other, kept in zip(own, others, held, strict=True):
                mine.copy_(other)
                other.copy_(kept)
        self._swapped = not self._swapped
        self.torn = False


def _slots(module: pl.LightningModule, kind: str) -> list[tuple[dict[str, Any], str]]:
    """Each parameter or buffer once, by the dictionary that holds it: a buffer may be replaced by another tensor while training."""
    seen: set[int] = set()
    slots = []
    for part in module.modules():
        held: dict[str, Any] = getattr(part, kind)
        for name, tensor in held.items():
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                slots.append((held, name))
    return slots


def _tensor(slot: tuple[dict[str, Any], str]) -> Tensor:
    held, name = slot
    tensor: Tensor = held[name]
    return tensor


def _averaged(slot: tuple[dict[str, Any], str]) -> bool:
    return _tensor(slot).is_floating_point() or _tensor(slot).is_complex()


def _following(former: list[Tensor], slots: list[tuple[dict[str, Any], str]]) -> list[Tensor]:
    """Copies of what stands in the slots, or the former ones, on the same devices."""
    tensors = [_tensor(slot) for slot in slots]
    source = former or [tensor.detach().clone() for tensor in tensors]
    return [each.to(tensor.device) for each, tensor in zip(source, tensors, strict=True)]


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    """A state that stays as it is when the weights move on."""
    for name, value in state.items():
        if isinstance(value, Tensor):
            state[name] = value.clone()
    return state
