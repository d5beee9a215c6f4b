"""Memory that a training takes: estimated before it is taken on a CPU, made to fit on a GPU.

A CPU without memory does not say so: the system swaps, or kills the process. So the need is estimated from two small batches, and a
training that cannot fit is refused. A GPU says so at once: then the batch is halved, and its parts' gradients are added up.
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from projectkit.errors import UserError
from projectkit.training.loop.eager import EagerStep
from projectkit.training.loop.lightning_names import FX, loss_of_output
from projectkit.training.loop.plain import is_pure
from projectkit.training.loop.shapes import samples_of, tensors_of
from projectkit.training.workbench import untouched

SMALL = (2, 4)  # samples of the batches that are measured; normalisation needs two


@dataclass(frozen=True)
class Need:
    """Bytes that a training takes beside weights and data, which are there already."""

    fixed: int  # gradients and the optimiser's state
    each_sample: (
        float  # what the forward pass keeps of a sample for the backward pass, and the largest gradient on the way
    )

    def of(self, samples: int) -> int:
        """Bytes of a training with batches of so many samples."""
        return self.fixed + round(self.each_sample * samples)

    def largest_batch(self, available: int) -> int:
        """Samples of the largest batch, a power of two, that fits into so many bytes; 0 where none does."""
        samples = int((available - self.fixed) / max(1.0, self.each_sample))
        return 1 << (samples.bit_length() - 1) if samples > 0 else 0


def need_of(
    task: pl.LightningModule, batch: Any, build: Callable[[Iterable[nn.Parameter]], Optimizer], available: int
) -> Need:
    """Estimate what a training on a CPU takes, from a copy of a `PureTask`.

    Args:
        task: whose `loss_of` is run on two small batches; it stays as it is.
        batch: that the small ones are the first samples of.
        build: the optimiser.
        available: bytes that are left; where a copy does not fit, nothing is run.
    """
    trained = [parameter for parameter in task.parameters() if parameter.requires_grad]
    weights = sum(map(_bytes, trained))
    fixed = weights + round(weights * _state_share(build))
    if samples_of(batch) < SMALL[1] or fixed + weights > available:
        return Need(fixed, 0.0)
    with untouched():
        model = copy.deepcopy(task).train()
        (less, _), (more, largest) = (_kept(model, _part(batch, slice(0, count))) for count in SMALL)
    return Need(fixed, (more - less) / (SMALL[1] - SMALL[0]) + largest / SMALL[1])


def refuse_too_large(need: Need, samples: int, available: int) -> None:
    """Refuse a training that cannot fit.

    Args:
        need: of the training.
        samples: of its batches.
        available: bytes that are left.

    Raises:
        UserError: it needs more; the message has both figures, and the batch size that fits.
    """
    if need.of(samples) <= available:
        return
    fits = need.largest_batch(available)
    raise UserError(
        f"training takes about {need.of(samples) / 1e9:.1f} GB of memory more, and {available / 1e9:.1f} GB are free",
        where="data.batch_size" if fits else "model",
        remedy=f"write data.batch_size={fits}, which fits" if fits else "take a smaller model, or close other programs",
    )


class BatchParts:
    """In how many parts the batches of a training are run; doubled whenever one does not fit.

    Args:
        count: to begin with, as a resumed run has it from its record.
        tell: is given the new count.
    """

    def __init__(self, count: int = 1, tell: Callable[[int], None] | None = None) -> None:
        self.count = count
        self._tell = tell

    def double(self) -> None:
        """From now on twice as many."""
        self.count *= 2
        if self._tell is not None:
            self._tell(self.count)

    def install(self, trainer: pl.Trainer) -> None:
        """Let a trainer's eager steps be run so; Lightning's own loop has no place for it."""
        loop = trainer.fit_loop.epoch_loop
        if hasattr(loop, "eager_step"):
            loop.eager_step = partial(HalvingStep, self)


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
        for part in _parts(self._batch, self.parts.count):
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


def _parts(batch: Any, count: int) -> list[Any]:
    """A batch cut into as equal parts as there can be."""
    cuts = torch.linspace(0, samples_of(batch), count + 1).round().long().tolist()
    return [_part(batch, slice(start, stop)) for start, stop in pairwise(cuts) if stop > start]


def _part(batch: Any, rows: slice) -> Any:
    """Some samples of a batch: of its tensors, and of lists that have one entry a sample."""
    return _cut(batch, rows, samples_of(batch))


def _cut(part: Any, rows: slice, samples: int) -> Any:
    if isinstance(part, Tensor):
        return part[rows] if part.ndim and len(part) == samples else part
    if isinstance(part, dict):
        return type(part)({name: _cut(each, rows, samples) for name, each in part.items()})
    if isinstance(part, list) and len(part) == samples and not any(isinstance(each, Tensor) for each in part):
        return part[rows]
    if isinstance(part, list):
        return [_cut(each, rows, samples) for each in part]
    if isinstance(part, tuple):
        cut = [_cut(each, rows, samples) for each in part]
        return type(part)(*cut) if hasattr(part, "_fields") else tuple(cut)
    return part


def _kept(model: Any, batch: Any) -> tuple[int, int]:
    """Bytes that a forward pass keeps for the backward pass, each storage once; and the largest of them."""
    there = {_place(each) for each in (*model.parameters(), *model.buffers(), *_tensors(batch))}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if _place(tensor) not in there:
            kept[_place(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss, _ = model.loss_of(batch)
        total = sum(kept.values()), max(kept.values(), default=0)
        del loss
    return total


def _state_share(build: Callable[[Iterable[nn.Parameter]], Optimizer]) -> float:
    """Bytes of the optimiser's state for each byte of weights, seen on a small parameter."""
    weight = nn.Parameter(torch.zeros(1024))
    optimizer = build([weight])
    weight.grad = torch.zeros_like(weight)
    try:
        optimizer.step()
    except TypeError:  # one that wants a closure, as LBFGS
        return 0.0
    state = [
        each for each in optimizer.state[weight].values() if isinstance(each, Tensor) and each.shape == weight.shape
    ]
    return sum(map(_bytes, state)) / _bytes(weight)


def _tensors(batch: Any) -> list[Tensor]:
    return [each for each in tensors_of(batch) if isinstance(each, Tensor)]


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _bytes(tensor: Tensor) -> int:
    return tensor.nbytes
