"""An eager step in parts, for a batch that does not fit into the memory of a GPU; see `memory.py`."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from projectkit.training.loop.eager import EagerStep
from projectkit.training.loop.lightning_names import FX, loss_of_output
from projectkit.training.loop.plain import is_pure
from projectkit.training.loop.shapes import samples_of
from projectkit.training.memory import BatchParts, parts_of


class HalvingStep(EagerStep):
    """An eager step whose batch is run in parts where it does not fit into the memory of a GPU.

    The gradient is that of the whole batch wherever the loss is a mean over samples; each part's counts by its share of them. What is
    computed from a whole batch, as the statistics of batch normalisation are, is computed from each part; a batch that fitted on the way
    forward and not on the way back has been logged once before it is cut. A task that says `whole_batches` is not cut: each of its steps is
    more than a function of the batch.

    Args:
        parts: shared by all steps of the training.
        arguments: of `EagerStep`.
    """

    def __init__(self, parts: BatchParts, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.parts = parts
        self._pure = is_pure(self.module)
        self._whole = getattr(self.module, "whole_batches", None) is not None

    def _closure(self) -> Tensor | None:
        tally = self.tally
        counted = tally.zero_ready, tally.zero_started, tally.zero_completed
        while True:
            if self.parts.count == 1:
                attempt: Callable[[], Tensor | None] = super()._closure
            else:
                attempt = self._closure_in_parts
            try:
                return attempt()
            except torch.cuda.OutOfMemoryError:
                # gradients of earlier batches cannot be told from what this one has added already
                accumulated = self._batch_idx % self._accumulate != 0
                if accumulated or self._whole or self.parts.count >= samples_of(self._batch):
                    raise
            # here and not above: as long as an exception is handled, its frames hold what did not fit
            self._make_room()
            self.parts.double()
            tally.zero_ready, tally.zero_started, tally.zero_completed = counted

    def _make_room(self) -> None:
        self.output = self.loss = None
        for parameter in self.module.parameters():
            parameter.grad = None
        gc.collect()
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call] # torch has no type for it
            torch.cuda.empty_cache()

    def _closure_in_parts(self) -> Tensor | None:
        if not torch.is_grad_enabled():
            with torch.enable_grad():
                return self._closure_in_parts()
        names, before = self._names, self._names[FX]
        if self._batch_idx % self._accumulate == 0:
            self._zero_grad()
        total, losses = samples_of(self._batch), []
        notes: list[tuple[Tensor, Any, int]] = []
        for part in parts_of(self._batch, self.parts.count):
            share = samples_of(part) / total
            names[FX] = "training_step"
            with self.trainer.precision_plugin.forward_context():
                if self._pure:
                    output, noted = self.module.loss_of(part)  # type: ignore[operator] # a PureTask
                    notes.append((output.detach(), noted, samples_of(part)))
                else:
                    output = self.forward(part, self._batch_idx)
            loss = loss_of_output(output, self._accumulate)
            if loss is None:
                continue
            weighted = loss * share
            names[FX] = "backward"
            scaled = weighted if self._scaler is None else self._scaler.scale(weighted)
            self.hooks.call("on_before_backward", scaled)
            scaled.backward()  # type: ignore[no-untyped-call] # torch has no type for it
            losses.append(weighted.detach())
        if losses:
            self.hooks.call("on_after_backward")
        names[FX] = before
        for loss, noted, samples in notes:  # only now: a part that did not fit must not be counted
            self.module.note_step(loss, noted, samples)  # type: ignore[operator] # a PureTask
        self.output = self.loss = torch.stack(losses).sum() if losses else None
        return self.loss
