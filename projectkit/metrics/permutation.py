"""Permutation tests of two classifiers on the same samples: each sample's (or group's) two predictions change places by a coin.

If the two were alike, every assignment would be as likely as the one seen. The number of each assignment comes from sums, without computing
the metric anew from the samples.

Source: Fisher 1935, "The design of experiments", section 21; Yeh 2000, "More accurate tests for the statistical significance of result
differences", for metrics of predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.metrics.bootstrap import RESAMPLES, ROUNDING
from projectkit.metrics.calibration import BINS, binned
from projectkit.metrics.confusion import Margins
from projectkit.metrics.confusion_intervals import CHUNK_NUMBERS

Array = NDArray[np.float64]

_EXACT = 10  # so many units have at most 1,024 assignments: all of them are looked at


def share_as_large(drawn: Array, value: float) -> float:
    """Two-sided p: how many assignments differ by as much, the one seen among them.

    Source: Phipson & Smyth 2010, "Permutation p-values should never be zero".
    """
    as_large = int(np.sum(np.abs(drawn) >= abs(value) - ROUNDING))
    return (as_large + 1) / (len(drawn) + 1)


def permuted_mean(numbers: Array, groups: NDArray[np.intp] | None, seed: int) -> Array:
    """Means of differences (n,) whose signs are turned sample by sample, or group by group; without the one seen.

    Returns:
        (RESAMPLES,), or of few units each assignment.
    """
    sums = numbers if groups is None else np.bincount(groups, weights=numbers)
    sums = sums[sums != 0] / len(numbers)  # to turn a zero changes nothing
    return _over_flips(len(sums), seed, lambda swapped: sums.sum() - 2 * (swapped @ sums))


def permuted_margins(
    metric: Callable[[Margins], Array], first: Margins, second: Margins, counts: Array, seed: int
) -> Array:
    """Differences of a metric of the confusion matrix.

    Args:
        metric: of `CONFUSION_METRICS`.
        first: the first classifier's margins of one unit of each kind, (kinds, classes).
        second: the second's.
        counts: how many units of each kind there are, (kinds,).
        seed: of the coins.
    """
    told = np.flatnonzero(((first.hits != second.hits) | (first.said != second.said)).any(axis=1))
    change_hits, change_said = (second.hits - first.hits)[told], (second.said - first.said)[told]
    true = counts @ first.true
    whole_a, whole_b = (Margins(counts @ each.hits, true, counts @ each.said) for each in (first, second))
    rng, coins = np.random.default_rng(seed), counts[told].astype(np.int64)
    size = max(1, min(RESAMPLES, CHUNK_NUMBERS // max(len(told), first.true.shape[1])))
    drawn = []
    for start in range(0, RESAMPLES, size):
        swapped = rng.binomial(coins, 0.5, size=(min(size, RESAMPLES - start), len(told))).astype(np.float64)
        hits, said = swapped @ change_hits, swapped @ change_said
        trues = np.broadcast_to(true, hits.shape)
        a = metric(Margins(whole_a.hits + hits, trues, whole_a.said + said))
        drawn.append(a - metric(Margins(whole_b.hits - hits, trues, whole_b.said - said)))
    return np.concatenate(drawn)


def permuted_calibration(
    target: NDArray[np.int64],
    first: NDArray[Any],
    second: NDArray[Any],
    groups: NDArray[np.intp] | None,
    seed: int,
) -> Array:
    """Differences of the expected calibration error: the gap of each bin is a sum over the samples in it."""
    tables = []
    for score in (first, second):
        confidence, right, bin_of = binned(target, score, BINS)
        rows = np.arange(len(target)) if groups is None else groups
        table = np.zeros((int(rows.max()) + 1, BINS))
        np.add.at(table, (rows, bin_of), (right - confidence) / len(target))
        tables.append(table)
    whole_a, whole_b = (table.sum(axis=0) for table in tables)
    change = tables[1] - tables[0]
    change = change[change.any(axis=1)]

    def difference(swapped: Array) -> Array:
        moved = swapped @ change
        return np.asarray(np.abs(whole_a + moved).sum(axis=1) - np.abs(whole_b - moved).sum(axis=1))

    return _over_flips(len(change), seed, difference)


def _over_flips(units: int, seed: int, number: Callable[[Array], Array]) -> Array:
    """A number of assignments, given as 0 and 1 (some, units): all but the one seen of few units, else random ones."""
    if units <= _EXACT:
        every = (np.arange(1, 2**units)[:, None] >> np.arange(units)) & 1
        return number(every.astype(np.float64)) if units else np.zeros(0)
    rng = np.random.default_rng(seed)
    size = max(1, min(RESAMPLES, CHUNK_NUMBERS // units))
    drawn = []
    for start in range(0, RESAMPLES, size):
        coins = rng.integers(0, 2, size=(min(size, RESAMPLES - start), units), dtype=np.int8)
        drawn.append(number(coins.astype(np.float64)))
    return np.concatenate(drawn)
