"""The metrics that depend on the order of the scores: area under the ROC curve, average precision.

With two classes the score of class 1 is ranked. With more, each class is ranked against the rest and the mean is
taken over the classes that have both kinds of samples; where there is no such class, there is no number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    both = [area_and_precision(target == index, score[:, index]) for index in ranked_classes(target, score.shape[1])]
    if not both:
        return None
    areas, precisions = zip(*both, strict=True)
    return float(np.mean(areas)), float(np.mean(precisions))


def area_and_precision(positive: NDArray[np.bool_], score: NDArray[Any]) -> tuple[float, float]:
    """The area under the ROC curve and the average precision, of samples of both kinds.

    Args:
        positive: (n,).
        score: any finite numbers, (n,).

    Source: the area by trapezoids, so that ties count one half; average precision without interpolation, a step a
    threshold.
    """
    hits, alarms, _ = cumulated(positive, score)
    area = float(np.trapezoid(hits, alarms) / (hits[-1] * alarms[-1]))
    return area, float(np.sum(np.diff(hits) * hits[1:] / (hits[1:] + alarms[1:])) / hits[-1])


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


def cumulated(positive: NDArray[np.bool_], score: NDArray[Any]) -> tuple[Array, Array, Array]:
    """Positives and negatives at or above each distinct score, from the highest on; the first point is (0, 0)."""
    order = np.argsort(score, kind="stable")[::-1]
    ranked = score[order]
    last_of_tie = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    hits = np.cumsum(positive[order], dtype=np.float64)[last_of_tie]
    alarms = 1.0 + last_of_tie - hits
    return np.append(0.0, hits), np.append(0.0, alarms), np.append(np.inf, ranked[last_of_tie])
