"""The whole step as one function of tensors, compiled.

The loss is differentiated by `torch.func` (no autograd graph is built at run time), gradients are clipped and the parameters moved within
the same function. Gradients are given back as well: they lie in memory anyhow, and the comparison with the eager step wants them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value

from projectkit.training.loop.bound import Bound
from projectkit.training.loop.compiler import compile_step
from projectkit.training.loop.plain import PlainStep
from projectkit.training.loop.shapes import Gather

Graph = Callable[..., tuple[Tensor, Mapping[str, Tensor], Sequence[Tensor]]]


class _Loss(nn.Module):
    """A task's loss as a forward pass, which is what can be called with other parameters."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self.task = task

    def forward(self, batch: Any) -> Any:
        return self.task.loss_of(batch)


def one_graph(
    plain: PlainStep, bound: Bound, gather: Gather | None, written: Collection[str], *, guarded: bool
) -> Graph:
    """A step on a batch, or on row numbers where there is a `gather`: `graph(batch, parameters, state, rows)`.

    Args:
        plain: the eager step.
        bound: the parameters in the order in which they will be given.
        gather: makes a batch of row numbers.
        written: names of the buffers that a step changes, as batch normalisation does.
        guarded: see `compile_step`.

    Returns:
        A function that gives loss, notes and gradients, and has moved parameters, state and buffers; compiled in its first call.
    """
    task, loss_module = plain.task, _Loss(plain.task)
    names = [f"task.{name}" for name in bound.names]
    # parameters that are not trained take no part in autograd
    fixed = {f"task.{n}": p.detach() for n, p in task.named_parameters() if f"task.{n}" not in set(names)}
    buffers = {f"task.{name}": buffer for name, buffer in task.named_buffers() if name in written}
    autocast, clip, clip_by = plain.autocast, plain.clip, plain.clip_by
    arithmetic, groups, switches = bound.arithmetic, bound.groups, bound.switches

    def step(batch: Any, parameters: Any, state: Any, rows: Any) -> Any:
        if gather is not None:
            batch = gather(batch)

        def loss_of(values: Any) -> Any:
            # torch.func refuses to change a tensor from outside of it
            copies = {name: buffer.clone() for name, buffer in buffers.items()}
            with autocast():
                loss, noted = functional_call(loss_module, ({**values, **fixed, **copies},), (batch,))
            return loss, (noted, copies)

        by_name, (loss, (noted, changed)) = grad_and_value(loss_of, has_aux=True)(
            dict(zip(names, parameters, strict=True))
        )
        gradients = [by_name[name] for name in names]
        if clip:
            gradients = clipped(gradients, clip, clip_by)
        for name, buffer in buffers.items():
            buffer.copy_(changed[name])
        if arithmetic is not None:
            for i, gradient in enumerate(gradients):
                group = groups[i]
                arithmetic.update(parameters[i], gradient, state[i], rows[group], switches[group])
        return loss.detach(), {name: value.detach() for name, value in noted.items()}, gradients

    assert isinstance(step, FunctionType)
    return compile_step(step, guarded=guarded)


def clipped(gradients: Sequence[Tensor], limit: float, by: str) -> list[Tensor]:
    """As `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_` have it."""
    if by == "value":
        return [gradient.clamp(-limit, limit) for gradient in gradients]
    total = torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]).norm()
    factor = (limit / (total + 1e-6)).clamp(max=1.0)
    return [gradient * factor for gradient in gradients]
