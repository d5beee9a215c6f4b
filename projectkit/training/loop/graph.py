"""The eager step recorded as one CUDA graph: a small model's kernels are launched at once, and not one after the other from Python.

Nothing is compiled. Forward, backward, clipping and the optimiser's arithmetic (`arithmetic.py`) are recorded on buffers that stay where
they are; a batch is copied into them. Source: Nguyen et al. 2021, "Accelerating PyTorch with CUDA Graphs".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from projectkit.training.loop.bound import Bound
from projectkit.training.loop.checked import CheckedProgram
from projectkit.training.loop.onegraph import Graph, clipped
from projectkit.training.loop.plain import PlainStep
from projectkit.training.loop.shapes import Gather, tensors_of
from projectkit.training.loop.verify import Snapshot

WARM_UP = (
    3  # eager runs on a side stream before a step is recorded, in which libraries choose their kernels and workspaces
)


class GraphStep(CheckedProgram):
    """See `StepProgram`. A step that waits for the device (`.item()`, a mask as an index) can't be recorded and is run eagerly."""

    name = "graph"
    gathers = True
    guards = False  # a recording looks at nothing

    def missing(self, device: torch.device) -> str | None:
        """See `CheckedProgram.missing`."""
        return None if device.type == "cuda" else f"CUDA graphs are for CUDA, not for {device.type}"

    def build(self, plain: PlainStep, bound: Bound, gather: Gather | None, written: Collection[str]) -> Graph:
        """See `CheckedProgram.build`."""
        recording: _Recording | None = None

        def step(batch: Any, parameters: Sequence[Tensor], state: Sequence[Sequence[Tensor]], rows: Any) -> Any:
            nonlocal recording
            if recording is None or not recording.is_of(parameters, state):
                recording = _Recording(plain, bound, gather, batch, parameters, state, rows)
            return recording.replay(batch, rows)

        return step


class _Recording:
    """One recorded step and its buffers; of the tensors that it was recorded with, since replaying writes where they were."""

    def __init__(
        self,
        plain: PlainStep,
        bound: Bound,
        gather: Gather | None,
        batch: Any,
        parameters: Sequence[Tensor],
        state: Sequence[Sequence[Tensor]],
        rows: Tensor | None,
    ) -> None:
        self._plain, self._bound, self._gather = plain, bound, gather
        self._batch = _copy_of(batch)
        self._parts = list(tensors_of(self._batch))
        self._rows = None if rows is None else rows.clone()
        self._parameters, self._state = parameters, state
        self._pointers = _pointers_of(parameters, state)
        moved = [tensor for tensors in state for tensor in tensors]
        here = torch.cuda.current_stream(plain.device)
        aside: Any = torch.cuda.Stream(plain.device)  # type: ignore[no-untyped-call]
        with Snapshot([*parameters, *moved, *plain.task.buffers()]).undone():
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                for _ in range(WARM_UP):
                    self._once()
            here.wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = self._once()

    def is_of(self, parameters: Sequence[Tensor], state: Sequence[Sequence[Tensor]]) -> bool:
        """Whether these tensors lie where those of the recording did."""
        if parameters is self._parameters and state is self._state:
            return True
        same = self._pointers == _pointers_of(parameters, state)
        if same:
            self._parameters, self._state = parameters, state
        return same

    def replay(self, batch: Any, rows: Tensor | None) -> tuple[Tensor, dict[str, Tensor], list[Tensor]]:
        """A step on this batch; loss and notes are copies, since the next replay writes over them."""
        for kept, part in zip(self._parts, tensors_of(batch), strict=True):
            kept.copy_(part, non_blocking=True)
        if self._rows is not None and rows is not None:
            self._rows.copy_(rows, non_blocking=True)
        self._graph.replay()
        loss, noted, gradients = self._outputs
        return loss.clone(), {name: value.clone() for name, value in noted.items()}, gradients

    def _once(self) -> tuple[Tensor, dict[str, Tensor], list[Tensor]]:
        plain, bound = self._plain, self._bound
        batch = self._batch if self._gather is None else self._gather(self._batch)
        with plain.autocast():
            loss, noted = plain.task.loss_of(batch)
        gradients = list(torch.autograd.grad(loss, bound.owners))
        with torch.no_grad():
            if plain.clip:
                gradients = clipped(gradients, plain.clip, plain.clip_by)
            if bound.arithmetic is not None and self._rows is not None:
                for i, (parameter, gradient) in enumerate(zip(self._parameters, gradients, strict=True)):
                    group = bound.groups[i]
                    bound.arithmetic.update(
                        parameter, gradient, self._state[i], self._rows[group], bound.switches[group]
                    )
        return loss.detach(), {name: value.detach() for name, value in noted.items()}, gradients


def _copy_of(batch: Any) -> Any:
    """The same structure around tensors of its own."""
    if isinstance(batch, Mapping):
        return {name: _copy_of(part) for name, part in batch.items()}
    if isinstance(batch, list | tuple):
        return [_copy_of(part) for part in batch]
    return batch.clone()


def _pointers_of(parameters: Sequence[Tensor], state: Sequence[Sequence[Tensor]]) -> list[int]:
    return [tensor.data_ptr() for tensor in (*parameters, *(each for tensors in state for each in tensors))]
