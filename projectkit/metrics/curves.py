"""The curves of a binary target, as points: ROC, precision against recall, false alarms against misses (DET).

Each curve goes from the highest threshold, above every score, to the lowest; a sample raises an alarm where its score
is at or above the threshold. Points that lie on a straight line between their neighbours are left out; `thinned` makes
a curve small enough for a file or a picture.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.checks import checked_binary
from projectkit.metrics.ranking import cumulated

Array = NDArray[np.float64]

_RAREST = 1e-6  # rate that a DET curve can tell from 0
_INVISIBLE = 2e-4  # of an axis: 0.02 mm on a figure that is 100 mm wide


def roc_curve(target: ArrayLike, score: ArrayLike) -> tuple[Array, Array, Array]:
    """The corners of the ROC curve of a binary target.

    Args:
        target: 0 or 1, or False and True, (n,).
        score: higher means more like 1, (n,).

    Returns:
        (fpr, tpr, thresholds), from (0, 0) at an infinite threshold to (1, 1); points on a straight line are left out.

    Raises:
        UserError: only one kind of sample, lengths that differ, or scores that are NaN or infinite.
    """
    hits, alarms, thresholds = cumulated(*checked_binary(target, score, where="ROC curve"))
    corner = _ends(len(hits))
    corner[1:-1] = (np.diff(hits, 2) != 0) | (np.diff(alarms, 2) != 0)
    return alarms[corner] / alarms[-1], hits[corner] / hits[-1], thresholds[corner]


def precision_recall_curve(target: ArrayLike, score: ArrayLike) -> tuple[Array, Array, Array]:
    """Precision against recall; draw it as steps, since a straight line between two points promises too much.

    Args:
        target: 0 or 1, or False and True, (n,).
        score: higher means more like 1, (n,).

    Returns:
        (recall, precision, thresholds), recall ascending from 0 at an infinite threshold, where precision is set to 1,
        to 1 at the lowest score, where precision is the share of positives. Points between two others of the same
        recall are left out. The sum of precision times the step in recall is the average precision.

    Raises:
        UserError: as `roc_curve`.

    Source: Davis & Goadrich 2006, "The relationship between precision-recall and ROC curves", on interpolation.
    """
    hits, alarms, thresholds = cumulated(*checked_binary(target, score, where="precision-recall curve"))
    corner = _ends(len(hits))
    corner[1:-1] = (np.diff(hits)[:-1] != 0) | (np.diff(hits)[1:] != 0)
    hits, alarms, thresholds = hits[corner], alarms[corner], thresholds[corner]
    precision = np.ones(len(hits))
    precision[1:] = hits[1:] / (hits[1:] + alarms[1:])
    return hits / hits[-1], precision, thresholds


def det_curve(target: ArrayLike, score: ArrayLike) -> tuple[Array, Array, Array]:
    """The share of positives that are missed against the share of negatives that raise an alarm.

    Args:
        target: 0 or 1, or False and True, (n,).
        score: higher means more like 1, (n,).

    Returns:
        (fpr, fnr, thresholds), from (0, 1) at an infinite threshold to (1, 0). Points on a horizontal or vertical line
        are left out, those on a slope are not: a figure's axes are normal deviates, where a slope bends.

    Raises:
        UserError: as `roc_curve`.

    Source: Martin et al. 1997, "The DET curve in assessment of detection task performance".
    """
    hits, alarms, thresholds = cumulated(*checked_binary(target, score, where="DET curve"))
    corner = _ends(len(hits))
    still = (np.diff(hits) == 0, np.diff(alarms) == 0)
    corner[1:-1] = ~((still[0][:-1] & still[0][1:]) | (still[1][:-1] & still[1][1:]))
    return alarms[corner] / alarms[-1], 1 - hits[corner] / hits[-1], thresholds[corner]


def thinned(x: ArrayLike, y: ArrayLike, most: int = 200, *, deviates: bool = False) -> tuple[Array, Array]:
    """A curve with at most `most` of its points, those that straight lines between them cannot do without.

    Args:
        x: (k,), finite.
        y: (k,), finite.
        most: points that are kept, at least 2; fewer where further ones would move the curve by less than 0.02% of
            an axis.
        deviates: the curve is drawn on axes of normal deviates, as a DET curve, where 0.1% is as far from 1% as 1% is from 6%; its
            numbers are rates, and those below one in a million count as that.

    Returns:
        (x, y) of the points that are kept, in their order, the ends among them.

    Source: Douglas & Peucker 1973, "Algorithms for the reduction of the number of points required to represent a
    digitized line", with the worst stretch split first, so that the number of points can be given.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if xs.shape != ys.shape or xs.ndim != 1 or not len(xs) or most < 2:
        raise UserError(
            f"a curve of {xs.shape} and {ys.shape} in {most} points",
            where="thinned",
            remedy="give (k,), (k,), 2 or more",
        )
    points = np.stack([xs, ys])
    if deviates:
        from scipy.special import ndtri

        points = ndtri(np.clip(points, _RAREST, 1 - _RAREST))
    spread = np.ptp(points, axis=1, keepdims=True)
    points = points / np.where(spread > 0, spread, 1)
    kept = {0, len(xs) - 1}
    stretches = [_farthest(points, 0, len(xs) - 1)]
    while stretches and len(kept) < most:
        distance, first, middle, last = heapq.heappop(stretches)
        if -distance < _INVISIBLE:
            break
        kept.add(middle)
        for part in ((first, middle), (middle, last)):
            heapq.heappush(stretches, _farthest(points, *part))
    rows = sorted(kept)
    return xs[rows], ys[rows]


def _ends(points: int) -> NDArray[np.bool_]:
    kept = np.zeros(points, dtype=bool)
    kept[[0, -1]] = True
    return kept


def _farthest(points: Array, first: int, last: int) -> tuple[float, int, int, int]:
    """(minus the distance, first, the point that is farthest from the line between first and last, last)."""
    if last - first < 2:
        return 0.0, first, first, last
    between = points[:, first + 1 : last] - points[:, first : first + 1]
    along = points[:, last] - points[:, first]
    length = float(np.hypot(*along))
    if length:
        share = np.clip(along @ between / length**2, 0, 1)
        between = between - along[:, None] * share
    distance = np.hypot(between[0], between[1])
    worst = int(distance.argmax())
    return -float(distance[worst]), first, first + 1 + worst, last
