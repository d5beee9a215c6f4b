"""The metrics that depend on the order of the scores: ROC curve, area under it, average precision.

With two classes the score of class 1 is ranked. With more, each class is ranked against the rest and the mean is
taken over the classes that have both kinds of samples; where there is no such class, there is no number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError

Array = NDArray[np.float64]


def ranked_classes(target: NDArray[np.int64], num_classes: int) -> list[int]:
    """The classes that are ranked: those with samples inside and outside; of two classes, class 1 alone."""
    sizes = np.bincount(target, minlength=num_classes)
    both = [index for index in range(num_classes) if 0 < sizes[index] < len(target)]
    return [index for index in both if index == 1] if num_classes == 2 else both


def auroc_and_average_precision(target: NDArray[np.int64], score: NDArray[Any]) -> tuple[float, float] | None:
    """Both numbers from one sort a class, None where the targets are all of one class.

    Args:
        target: class indices (n,).
        score: probabilities (n, classes).
    """
    areas, precisions = [], []
    for index in ranked_classes(target, score.shape[1]):
        hits, alarms, _ = _cumulated(target == index, score[:, index])
        areas.append(float(np.trapezoid(hits, alarms) / (hits[-1] * alarms[-1])))
        precisions.append(float(np.sum(np.diff(hits) * hits[1:] / (hits[1:] + alarms[1:])) / hits[-1]))
    return (float(np.mean(areas)), float(np.mean(precisions))) if areas else None


def roc_curve(target: ArrayLike, score: ArrayLike) -> tuple[Array, Array, Array]:
    """The corners of the ROC curve of a binary target.

    Args:
        target: 0 or 1, or False and True, (n,).
        score: higher means more like 1, (n,).

    Returns:
        (fpr, tpr, thresholds), from (0, 0) at an infinite threshold to (1, 1); points on a straight line are left out.

    Raises:
        UserError: only one kind of sample, lengths that differ, or scores that are NaN.
    """
    positive, scores = np.asarray(target).astype(bool), np.asarray(score)
    if positive.shape != scores.shape or positive.ndim != 1:
        raise UserError(
            f"targets {positive.shape} but scores {scores.shape}",
            where="ROC curve",
            remedy="give one score a sample, (n,)",
        )
    if np.isnan(scores).any():
        raise UserError("a score is NaN", where="ROC curve", remedy="the model diverged: lower the learning rate")
    if positive.all() or not positive.any():
        raise UserError("all samples are of one kind", where="ROC curve", remedy="choose a subset that has both")
    hits, alarms, thresholds = _cumulated(positive, scores)
    corner = np.ones(len(hits), dtype=bool)
    corner[1:-1] = (np.diff(hits, 2) != 0) | (np.diff(alarms, 2) != 0)
    return alarms[corner] / alarms[-1], hits[corner] / hits[-1], thresholds[corner]


def placements(positive: NDArray[np.bool_], score: NDArray[Any]) -> tuple[Array, Array]:
    """The share of the other kind that each sample is ranked rightly against; ties count one half.

    Returns:
        Of each positive (m,): the share of negatives below it. Of each negative (n - m,): the share of positives
        above it. The mean of either is the area under the ROC curve.

    Source: DeLong et al. 1988, "Comparing the areas under two or more correlated ROC curves", structural components.
    """
    above, below = np.sort(score[positive]), np.sort(score[~positive])
    high, low = score[positive], score[~positive]
    beats = np.searchsorted(below, high, "left") + np.searchsorted(below, high, "right")
    beaten = 2 * len(above) - np.searchsorted(above, low, "left") - np.searchsorted(above, low, "right")
    return beats / (2 * len(below)), beaten / (2 * len(above))


def _cumulated(positive: NDArray[np.bool_], score: NDArray[Any]) -> tuple[Array, Array, Array]:
    """Positives and negatives at or above each distinct score, from the highest on; the first point is (0, 0)."""
    order = np.argsort(score, kind="stable")[::-1]
    ranked = score[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits = np.cumsum(positive[order], dtype=np.float64)[last_of_tie]
    alarms = 1.0 + last_of_tie - hits
    return np.append(0.0, hits), np.append(0.0, alarms), np.append(np.inf, ranked[last_of_tie])
