"""Shares of samples that are not independent of one another: frames of one video, texts of one template."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.metrics.influence import variance_seen
from projectkit.metrics.intervals import normal_quantile, student

_LEVEL = 0.95  # of the tests and intervals that are made of the counts


def effective(hits: ArrayLike, groups: NDArray[Any] | None) -> tuple[int, int]:
    """Hits and samples of as many independent samples as these are worth.

    As many as would have the variance that the share has when whole groups are drawn, less what Student's t asks for few groups; where
    all or none are hits, one a group.

    Args:
        hits: 0 or 1, (n,), at least one.
        groups: (n,), or None where the samples are independent.

    Source: Korn & Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts estimated from
    survey data".
    """
    values = np.asarray(hits, dtype=np.float64)
    n, share = len(values), float(values.mean())
    if groups is None:
        return int(values.sum()), n
    places = np.asarray(np.unique(groups, return_inverse=True)[1]).reshape(-1)
    count = int(places.max()) + 1
    if share in (0.0, 1.0) or count == 1:
        worth = float(count)
    else:
        sums = np.bincount(places, weights=values - share)
        variance = float(np.square(sums).sum()) / n**2 / variance_seen(places)
        known = normal_quantile(_LEVEL) / student(count - 1, _LEVEL)  # few groups: the variance is a guess, too
        worth = known**2 * share * (1 - share) / variance if variance > 0 else math.inf
    number = max(1, round(min(worth, n)))
    return round(share * number), number
