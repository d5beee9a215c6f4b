"""Forward and loss compiled; autograd calls their compiled backward, and torch's own optimiser makes its step.

It covers models that are no single graph, and gains less: on small models most of a step lies outside of what is compiled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from projectkit.training.loop.bound import Bound
from projectkit.training.loop.checked import CheckedProgram
from projectkit.training.loop.compiler import keep_compiled, missing_compiler
from projectkit.training.loop.onegraph import Graph
from projectkit.training.loop.plain import PlainStep, gradient_of
from projectkit.training.loop.shapes import Gather


class CompiledStep(CheckedProgram):
    """See `StepProgram`."""

    name = "compiled"
    beside = True

    def missing(self, device: torch.device) -> str | None:
        """See `CheckedProgram.missing`."""
        keep_compiled()
        return missing_compiler(device)

    def build(self, plain: PlainStep, bound: Bound, gather: Gather | None, written: Collection[str]) -> Graph:
        """See `CheckedProgram.build`; torch looks at each call whether what it compiled still fits."""
        loss_of: Any = torch.compile(plain.task.loss_of, dynamic=False)

        def step(
            batch: Any, parameters: Any, state: Any, rows: Any
        ) -> tuple[Tensor, Mapping[str, Tensor], Sequence[Tensor]]:
            plain.optimizer.zero_grad()
            with plain.autocast():
                loss, noted = loss_of(batch)
            loss.backward()
            plain.clip_gradients()
            return loss.detach(), noted, [gradient_of(parameter) for parameter in bound.owners]

        return step
