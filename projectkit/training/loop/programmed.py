"""A batch run by a program in place of the eager step."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from projectkit.training.loop.counters import Tally
from projectkit.training.loop.program import StepProgram
from projectkit.training.loop.watch import Watch


class ProgrammedStep:
    """Hands batches to a program and counts as an eager step would.

    Args:
        trainer: whose batches are run.
        program: that was started.
        tally: where steps are counted.
    """

    def __init__(self, trainer: pl.Trainer, program: StepProgram, tally: Tally) -> None:
        self.trainer = trainer
        self.tally = tally
        self.watch: Watch | None = None
        self.output: Any = None
        self.loss: Tensor | None = None
        self._step = program.step

    def prepare(self) -> None:
        """Nothing: a program looks for itself."""

    def __call__(self, batch: Any, batch_idx: int, steps: bool) -> None:
        """Run one batch, see `EagerStep`."""
        tally = self.tally
        tally.step_ready += steps
        self.output = self.loss = self._step(batch, batch_idx)
        if batch_idx % self.trainer.accumulate_grad_batches == 0:
            tally.zero_ready += 1
            tally.zero_started += 1
            tally.zero_completed += 1
        tally.step_completed += steps
        if self.watch is not None:
            self.watch.mark("step")
