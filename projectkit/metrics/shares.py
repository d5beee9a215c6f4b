"""Intervals of the shares that a detector or a class is judged by: exact, or by group where samples are not independent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from projectkit.metrics.influence import equal_groups, within_groups
from projectkit.metrics.intervals import Interval, clopper_pearson, share_interval, wilson

Flags = NDArray[np.bool_]


def share_of(counted: Flags, among: Flags, level: float, groups: NDArray[np.intp] | None) -> Interval | None:
    """The share of some samples that count, None where there are none.

    Args:
        counted: (n,).
        among: which samples the share is of, (n,).
        level: in (0, 1).
        groups: number of each sample's group, (n,); None where samples are independent.

    Returns:
        Without groups the exact interval. With groups that of as many samples as have the variance of the groups' sums; where that is
        none (all count, or none do), each group counts as one sample.

    Source: Clopper & Pearson 1934; Korn & Graubard 1998, "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data".
    """
    hits, n = int((counted & among).sum()), int(among.sum())
    if not n:
        return None
    if groups is None:
        return clopper_pearson(hits, n, level)
    own = np.unique(groups[among], return_inverse=True)[1]
    value, number = hits / n, equal_groups(own)
    variance = float(np.sum(within_groups((counted[among] - value) / n, own) ** 2))
    if variance < 1e-18:
        return replace(wilson(value, number, level), method="wilson by group")
    return share_interval(value, variance, number - 1, level, "wilson by group")


def f1_of(positive: Flags, raised: Flags, level: float, groups: NDArray[np.intp] | None) -> Interval | None:
    """F1 of one class, None where there is neither a positive nor an alarm.

    Of the samples that are positive, or raise an alarm, or both, a share J are both. F1 is 2 J / (1 + J), which grows with J, so that the
    ends of J's interval are those of F1's.

    Args:
        positive: samples of the class, (n,).
        raised: samples that were taken for it, (n,).
        level: in (0, 1).
        groups: see `share_of`.

    Source: Jaccard's index J and Dice's coefficient F1 are monotone in each other; `share_of` for J.
    """
    both = share_of(positive & raised, positive | raised, level, groups)
    if both is None:
        return None
    value = 2 * int((positive & raised).sum()) / (int(positive.sum()) + int(raised.sum()))
    low, high = (2 * end / (1 + end) for end in (both.low, both.high))
    return Interval(value, min(value, low), max(value, high), both.method)
