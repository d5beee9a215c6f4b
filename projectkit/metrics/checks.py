"""What goes into a metric, checked once: wrong input is an error that names the first sample at fault."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError

_SUM_TOLERANCE = 0.02  # softmax in bfloat16 is off by 0.4%; sigmoids of several labels are off by far more


def checked_target(target: ArrayLike, *, num_classes: int, what: str = "target") -> NDArray[np.int64]:
    """Class indices as (n,) int64 in [0, num_classes).

    Raises:
        UserError: none at all, not whole numbers, or out of range.
    """
    labels = np.asarray(target)
    if labels.size == 0:
        raise UserError("no samples", where="metrics", remedy="choose a subset that has samples")
    if labels.ndim != 1 or not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == np.bool_):
        raise UserError(
            f"{what} has shape {labels.shape} and type {labels.dtype}",
            where="metrics",
            remedy="give class indices (n,)",
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if len(wrong):
        raise UserError(
            f"{what} of sample {wrong[0]} is {labels[wrong[0]]}, but there are {num_classes} classes",
            where="metrics",
            remedy=f"classes are numbered from 0 to {num_classes - 1}",
        )
    return labels.astype(np.int64)


def checked(target: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Class indices (n,) and probabilities (n, classes) that fit each other.

    Raises:
        UserError: shapes that differ, labels out of range, scores that are NaN or not probabilities.
    """
    scores = np.asarray(score)
    if scores.ndim != 2 or scores.shape[1] < 2 or not np.issubdtype(scores.dtype, np.floating):
        raise UserError(
            f"score has shape {scores.shape} and type {scores.dtype}",
            where="metrics",
            remedy="give probabilities (n, classes), two columns for two classes",
        )
    labels = checked_target(target, num_classes=scores.shape[1])
    if len(labels) != len(scores):
        raise UserError(
            f"{len(labels)} targets but {len(scores)} scores", where="metrics", remedy="predict each sample once"
        )
    _check_probabilities(scores)
    return labels, scores


def _check_probabilities(scores: NDArray[Any]) -> None:
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(broken):
        raise UserError(
            f"the score of sample {broken[0]} is NaN or infinite ({len(broken)} of {len(scores)} samples)",
            where="metrics",
            remedy="the model diverged: lower the learning rate",
        )
    sums = scores.sum(axis=1, dtype=np.float64)
    outside = (scores.min(axis=1) < 0) | (scores.max(axis=1) > 1 + _SUM_TOLERANCE) | (np.abs(sums - 1) > _SUM_TOLERANCE)
    wrong = np.flatnonzero(outside)
    if len(wrong):
        raise UserError(
            f"the scores of sample {wrong[0]} are no probabilities (they add up to {sums[wrong[0]]:.4g})",
            where="metrics",
            remedy="return softmax(logits) from predict_step",
        )
