"""Memory that a training takes: estimated before it is taken on a CPU, made to fit on a GPU.

A CPU without memory does not say so: the system swaps, or kills the process. So the need is estimated from two small batches, and a
training that cannot fit is refused. A GPU says so at once: then the batch is halved, and its parts' gradients are added up.
"""

from __future__ import annotations

import copy
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
from projectkit.training.loop.shapes import samples_of, tensors_of
from projectkit.training.workbench import untouched

SMALL = (2, 4)  # samples of the batches that are measured; normalisation needs two


def peak_of_gpu() -> dict[str, float]:
    """For the record: the most that tensors took of the GPU that computes, in MiB; empty where none was used."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call] # to ask would take hold of every GPU
        return {}
    return {"cuda_peak_mib": round(torch.cuda.max_memory_allocated() / 2**20, 1)}


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
            # not above: what the step is made of needs a version of Lightning that the loop was tested with
            from projectkit.training.halving import HalvingStep

            loop.eager_step = partial(HalvingStep, self)


def parts_of(batch: Any, count: int) -> list[Any]:
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
