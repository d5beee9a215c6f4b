"""The bootstrap: how far any number may be trusted, by drawing the samples again and again.

`bootstrap` takes any function of the samples. `bca_ends` turns resampled values into an interval; the metrics of the confusion matrix
use it with draws of their own, which cost less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.influence import equal_groups
from projectkit.metrics.intervals import Interval, checked_level

Array = NDArray[np.float64]

RESAMPLES = 2000
_BLOCKS = 200  # of samples, left out in turn: the acceleration from 200 blocks is off by 0.002, and one of n samples costs n calls
_LEAST_DRAWS = 0.5  # a number that more than half of the resamples leave undefined has no interval
ROUNDING = 1e-9  # draws that differ by less are the same number
_NORMAL = NormalDist()


def bootstrap(
    metric: Callable[..., float],
    arrays: Sequence[ArrayLike],
    *,
    level: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> Interval:
    """The BCa bootstrap interval of any number of the samples.

    Args:
        metric: takes the arrays, gives the number; NaN where a resample does not define it, and that resample is not counted.
        arrays: of the same length n each; drawn together, sample by sample (paired).
        level: share of draws in which the interval holds the true value, in (0, 1).
        seed: of the resamples; the same seed gives the same interval.
        groups: (n,) of any type; samples of one group are drawn together, for they tell less than as many independent ones.

    Returns:
        The interval, of method `bca` or `bca by group`. `point` where no two resamples differ (all predictions right, one sample, one
        group): low and high are the value, and nothing is known about its spread.

    Raises:
        UserError: no samples, lengths that differ, or a number that most resamples leave undefined.

    Source: Efron 1987, "Better bootstrap confidence intervals"; the quantiles are those of Student's t as Hesterberg 2015, "What
    teachers should know about the bootstrap", 5.4, widens them for few samples; groups as Field & Welsh 2007, "Bootstrapping
    clustered data".
    """
    checked_level(level)
    columns = [np.asarray(array) for array in arrays]
    units = _units(columns, groups)
    number = int(units.max()) + 1
    value = float(metric(*columns))
    rng = np.random.default_rng(seed)
    drawn = _values(metric, columns, _resamples(units, number, rng))
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(known) < _LEAST_DRAWS * len(drawn):
        raise UserError(
            f"the number is not defined on {len(drawn) - len(known)} of {len(drawn)} resamples",
            where="bootstrap",
            remedy="evaluate on more samples",
        )
    if np.ptp(known) < ROUNDING:
        return Interval(value, value, value, "point")
    left_out = _values(metric, columns, _without_each_block(units, number, rng))
    low, high = bca_ends(value, known, left_out[np.isfinite(left_out)], level=level, units=equal_groups(units))
    method = "bca" if groups is None else "bca by group"
    return Interval(value, min(value, low), max(value, high), method)


def bca_ends(
    value: float, drawn: Array, left_out: Array, *, level: float, units: float, weights: ArrayLike | None = None
) -> tuple[float, float]:
    """The ends of a BCa interval.

    Args:
        value: the number on all samples.
        drawn: of each resample, (resamples,).
        left_out: with one sample (group, block) left out, (k,); their skewness gives the acceleration.
        level: in (0, 1).
        units: how many independent samples, or groups of one size (`influence.equal_groups`), were drawn from; few make the interval wider.
        weights: how many samples each of `left_out` stands for, (k,).
    """
    below = (np.sum(drawn < value - ROUNDING) + np.sum(np.abs(drawn - value) <= ROUNDING) / 2) / len(drawn)
    bias = _NORMAL.inv_cdf(float(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn))))
    counts = np.ones(len(left_out)) if weights is None else np.asarray(weights, dtype=np.float64)
    deviation = np.average(left_out, weights=counts) - left_out
    spread = float(np.sum(counts * deviation**2)) ** 1.5
    acceleration = float(np.sum(counts * deviation**3)) / (6 * spread) if spread > 0 else 0.0
    wide = expanded_quantile(level, units)
    shares = []
    for quantile in (-wide, wide):
        shifted = bias + quantile
        shares.append(_NORMAL.cdf(bias + shifted / max(1 - acceleration * shifted, ROUNDING)))
    low, high = np.quantile(drawn, shares)
    return float(low), float(high)


def expanded_quantile(level: float, units: float) -> float:
    """The normal quantile, widened for few units: the bootstrap's spread lacks n - 1, and its shape the uncertainty of the spread.

    Source: Hesterberg 2015, 5.4: sqrt(n / (n - 1)) times the quantile of Student's t with n - 1 degrees of freedom.
    """
    if units < 2:
        return _NORMAL.inv_cdf((1 + level) / 2)
    from scipy.special import stdtrit

    return float(np.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 + level) / 2))


def _units(columns: Sequence[NDArray[Any]], groups: ArrayLike | None) -> NDArray[np.intp]:
    """What is drawn, numbered from 0: of each sample (n,) its group, or itself."""
    lengths = [len(column) for column in columns] + ([] if groups is None else [len(np.asarray(groups))])
    if not columns or lengths[0] == 0:
        raise UserError("no samples", where="bootstrap", remedy="choose a subset that has samples")
    if len(set(lengths)) > 1:
        raise UserError(
            f"arrays of {lengths} samples", where="bootstrap", remedy="give each sample once in all of them"
        )
    return np.arange(lengths[0]) if groups is None else group_numbers(groups)


def group_numbers(groups: ArrayLike) -> NDArray[np.intp]:
    """Groups of any type (n,) as numbers from 0 on, (n,)."""
    return np.asarray(np.unique(np.asarray(groups), return_inverse=True)[1]).reshape(-1)


def _values(
    metric: Callable[..., float], columns: Sequence[NDArray[Any]], rows: Iterator[NDArray[np.intp]]
) -> NDArray[np.float64]:
    return np.array([float(metric(*(column[chosen] for column in columns))) for chosen in rows])


def _resamples(units: NDArray[np.intp], number: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    every = np.arange(len(units))
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, number, number)
        yield drawn if number == len(units) else np.repeat(every, np.bincount(drawn, minlength=number)[units])


def _without_each_block(units: NDArray[np.intp], number: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """The rows without one unit, or without one of `_BLOCKS` random blocks of units."""
    blocks = rng.permutation(number) % min(number, _BLOCKS)
    of_sample = blocks[units]
    for block in range(min(number, _BLOCKS)):
        yield np.flatnonzero(of_sample != block)
