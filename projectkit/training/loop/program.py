"""What can take the place of an eager step: a program that runs forward, backward and the optimiser's step as one.

The loop asks a program once, at the start of a training, whether it can run this one; from then on it hands it whole batches. What a
task must be for that is `PureTask`: its loss is a function of parameters and batch, and everything else that its `training_step` does
stands apart.

| file | program |
|---|---|
| compiled.py | `compiled`: forward and loss compiled, autograd and torch's optimiser beside them |
| whole.py | `whole`: gather, forward, backward, clipping and the optimiser's arithmetic as one compiled graph |
| graph.py | `graph`: all of the eager step recorded as one CUDA graph |
| checked.py | what they share: which batches are covered, the comparison with the eager step, the way back |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import pytorch_lightning as pl
from torch import Tensor


@runtime_checkable
class PureTask(Protocol):
    """A LightningModule whose training step is a pure loss and a note of it."""

    def loss_of(self, batch: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of a batch and what is to be noted of it: a function of parameters, buffers and batch that logs and keeps nothing."""

    def note_step(self, loss: Tensor, noted: Mapping[str, Tensor], samples: int) -> None:
        """What `training_step` does besides: sums for the logs. All tensors are detached."""


class StepProgram(Protocol):
    """Runs whole optimiser steps.

    A program never fails for being a program: a batch that it does not cover, and every batch after something went wrong with it, is run
    eagerly. `fallback` then says why. It is no one's gradient store: between two steps a parameter's `.grad` is None.
    """

    name: str  # as in the record: compiled, whole, graph
    takes_rows: (
        bool  # once started: whether batches may be row numbers of the resident training set, to be gathered inside
    )
    fallback: str | None  # why it runs eagerly since some step, although it started; for the record

    def start(self, trainer: pl.Trainer) -> str | None:
        """Called once, with everything on its device. None: ready; else the reason why this training is run eagerly."""

    def step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """Zero the gradients, forward, backward, clip, and the optimiser's step; the detached loss, None where no step was made.

        Args:
            batch: on the device; or row numbers, (batch,) int64, as the loader's `next_rows` gives them.
            batch_idx: number of the batch in its epoch.
        """

    def finish(self) -> None:
        """Called when the training ends, however it ends: parameters and optimiser hold everything."""
