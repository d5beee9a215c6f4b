"""Shares of samples that are not independent of one another: frames of one video, texts of one template."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.metrics import Interval, clopper_pearson


def depending(groups: NDArray[Any] | None) -> NDArray[np.intp] | None:
    """Groups numbered from 0, (n,); None where each sample is a group of its own."""
    if groups is None or not len(groups):
        return None
    numbers = np.asarray(np.unique(groups, return_inverse=True)[1]).reshape(-1)
    return None if int(numbers.max()) + 1 == len(numbers) else numbers


def effective(hits: ArrayLike, groups: NDArray[Any] | None) -> tuple[int, int]:
    """Hits and samples of as many independent samples as these are worth.

    As many as would have the variance that the share has when whole groups are drawn; where all or none are hits, one a group.

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
        variance = count / (count - 1) * float(np.square(sums).sum()) / n**2
        worth = share * (1 - share) / variance if variance > 0 else math.inf
    number = max(1, round(min(worth, n)))
    return round(share * number), number


def by_group(hits: ArrayLike, groups: NDArray[Any]) -> Interval:
    """The exact interval of a share, as wide as the effective number of samples makes it."""
    values = np.asarray(hits, dtype=np.float64)
    share, exact = float(values.mean()), clopper_pearson(*effective(values, groups))
    return Interval(share, min(share, exact.low), max(share, exact.high), f"{exact.method} by group")


def widened(
    found: Mapping[str, Interval], positive: NDArray[np.bool_], alarm: NDArray[np.bool_], groups: NDArray[Any]
) -> dict[str, Interval]:
    """Exact intervals of a detector, or of one class against the rest, as wide as so many independent samples would make them.

    Args:
        found: those of `precision`, `recall`, `fpr` and `f1` that are defined, of samples that are taken for independent.
        positive: whether a sample is of the class, (n,).
        alarm: whether it was taken for it, (n,).
        groups: (n,).
    """
    # F1 is a function of the share of hits among what is positive or an alarm, see `metrics.operating.f1_interval`
    counted = {"precision": alarm, "recall": positive, "fpr": ~positive, "f1": positive | alarm}
    hits = {"precision": positive, "recall": alarm, "fpr": alarm, "f1": positive & alarm}
    wide = {name: by_group(hits[name][counted[name]], groups[counted[name]]) for name in found}
    if "f1" in wide:
        low, high = (2 * end / (1 + end) for end in (wide["f1"].low, wide["f1"].high))
        wide["f1"] = Interval(found["f1"].value, low, high, wide["f1"].method)
    return wide
