"""The whole step as one compiled graph: gather, forward, backward, clipping, and the optimiser's arithmetic.

On small models most of an eager step is the price of calling some eighty operations; one graph calls a few kernels. Parameters, buffers
and the optimiser's state stay where torch keeps them and are changed in place, so checkpoints, schedulers and callbacks see what they
always see. An optimiser whose arithmetic is not written here makes its step itself, on the graph's gradients.
"""

from __future__ import annotations

from collections.abc import Collection

import torch

from projectkit.training.loop.bound import Bound
from projectkit.training.loop.checked import CheckedProgram
from projectkit.training.loop.compiler import keep_compiled, missing_compiler
from projectkit.training.loop.onegraph import Graph, one_graph
from projectkit.training.loop.plain import PlainStep
from projectkit.training.loop.shapes import Gather


class WholeStep(CheckedProgram):
    """See `StepProgram`. Row numbers are taken where the training set is resident and its samples have one shape."""

    name = "whole"
    gathers = True

    def missing(self, device: torch.device) -> str | None:
        """See `CheckedProgram.missing`."""
        keep_compiled()
        return missing_compiler(device)

    def build(self, plain: PlainStep, bound: Bound, gather: Gather | None, written: Collection[str]) -> Graph:
        """See `CheckedProgram.build`."""
        return one_graph(plain, bound, gather, written, guarded=self.guarded)
