"""The number that is explained: one a sample, differentiable where the network is."""

from __future__ import annotations

from collections.abc import Callable

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor

from projectkit.tasks import LogitsTask

_LEAST = 1e-12  # of a probability, whose logarithm is taken

Score = Callable[[Tensor], Tensor]
"""(batch, ...) inputs -> (batch,) numbers."""


def contrast(task: pl.LightningModule, towards: int, against: int) -> Score:
    """How much more one class is favoured than another: the difference of their logits, which is that of their log-probabilities.

    Args:
        task: in evaluation mode.
        towards: index of the class that is favoured where the number is positive.
        against: index of the other.
    """

    def score(x: Tensor) -> Tensor:
        logits = _logits(task, x)
        return logits[:, towards] - logits[:, against]

    return score


def alone(task: pl.LightningModule) -> Score:
    """The one number that a network gives for a sample: an anomaly score, or a predicted value."""

    def score(x: Tensor) -> Tensor:
        return _output(task, x).float().reshape(len(x))

    return score


def _logits(task: pl.LightningModule, x: Tensor) -> Tensor:
    if isinstance(task, LogitsTask):
        return _output(task, x, forward=True).float()
    given = _output(task, x).float()
    seen = given.detach()
    likely = bool(((seen.sum(dim=1) - 1).abs() <= 1e-3).all()) and bool((seen >= 0).all())
    return given.clamp(min=_LEAST).log() if likely else given


def _output(task: pl.LightningModule, x: Tensor, *, forward: bool = False) -> Tensor:
    """What the module says, in the way in which its predictions were made."""
    if forward or not is_overridden("predict_step", task):
        given: Tensor = task(x)
    else:
        nothing = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        given = task.predict_step((x, nothing), 0)
    return given
