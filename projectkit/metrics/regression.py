"""Every number of a prediction that is a number, from targets and predictions.

| metric | definition | left out |
|---|---|---|
| mae | mean absolute error, in the target's unit | never |
| rmse | root of the mean squared error, in the target's unit | never |
| r2 | share of the target's variance that is explained; 0 for predicting its mean, below 0 for less | targets that are all the same |
| spearman | correlation of the ranks, ties at their mean rank | targets or predictions that are all the same |

Of several outputs each number is the mean over the outputs that define it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.bootstrap import bootstrap
from projectkit.metrics.checks import checked_numbers
from projectkit.metrics.intervals import Interval
from projectkit.metrics.means import mean_interval

Array = NDArray[np.float64]


def mae(target: Array, predicted: Array) -> float:
    """The mean absolute error of (n, outputs)."""
    return float(np.abs(target - predicted).mean(axis=1).mean())


def rmse(target: Array, predicted: Array) -> float:
    """The root of the mean squared error of each output of (n, outputs), the mean over outputs."""
    return float(np.sqrt(((target - predicted) ** 2).mean(axis=0)).mean())


def r2(target: Array, predicted: Array) -> float:
    """The coefficient of determination of (n, outputs), NaN where no output varies.

    Source: Kvalseth 1985, "Cautionary note about R2", equation 1.
    """
    left = ((target - predicted) ** 2).sum(axis=0)
    whole = ((target - target.mean(axis=0)) ** 2).sum(axis=0)
    varies = np.ptp(target, axis=0) > 0
    return float(np.mean(1 - left[varies] / whole[varies])) if varies.any() else float("nan")


def spearman(target: NDArray[np.intp], predicted: NDArray[np.intp]) -> float:
    """Spearman's rank correlation of dense ranks (n, outputs), NaN where no output varies in both.

    Source: Spearman 1904, "The proof and measurement of association between two things"; Pearson's correlation of mean
    ranks.
    """
    varies = (np.ptp(target, axis=0) > 0) & (np.ptp(predicted, axis=0) > 0)
    found = [
        np.corrcoef(_ranks(target[:, output]), _ranks(predicted[:, output]))[0, 1] for output in np.flatnonzero(varies)
    ]
    return float(np.mean(found)) if found else float("nan")


def regression_metrics(target: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """All metrics of a regression.

    Args:
        target: true numbers, (n,) or (n, outputs).
        predicted: of the same shape.

    Returns:
        metric name -> value, in the order of the table above.

    Raises:
        UserError: no samples, shapes that differ, or numbers that are NaN or infinite.
    """
    true, said = _columns(target, predicted)
    values = {
        "mae": mae(true, said),
        "rmse": rmse(true, said),
        "r2": r2(true, said),
        "spearman": spearman(*_dense_ranks(true, said)),
    }
    return {name: value for name, value in values.items() if not np.isnan(value)}


def regression_intervals(
    target: ArrayLike, predicted: ArrayLike, *, level: float = 0.95, seed: int = 0, groups: ArrayLike | None = None
) -> dict[str, Interval]:
    """Intervals around the numbers of `regression_metrics`.

    Args:
        target: see `regression_metrics`.
        predicted: see `regression_metrics`.
        level: share of draws in which an interval holds the true value, in (0, 1).
        seed: of the bootstrap.
        groups: (n,) of any type; samples of one group are drawn together.

    Returns:
        metric name -> interval: `mean_interval` for `mae` and, of one output, `rmse`; the BCa bootstrap for the others. A number of samples
        that tell nothing about its spread (a single one, all predictions right) has none.

    Raises:
        UserError: as `regression_metrics`.
    """
    true, said = _columns(target, predicted)
    error = np.abs(true - said)
    squared = mean_interval((error**2).mean(axis=1), level=level, groups=groups)
    found = {
        "mae": mean_interval(error.mean(axis=1), level=level, groups=groups),
        "rmse": _root(squared) if true.shape[1] == 1 else _drawn(rmse, (true, said), level, seed, groups),
        "r2": _drawn(r2, (true, said), level, seed, groups),
        "spearman": _drawn(spearman, _dense_ranks(true, said), level, seed, groups),
    }
    return {name: interval for name, interval in found.items() if interval is not None}


def _root(squared: Interval | None) -> Interval | None:
    if squared is None:
        return None
    value, low, high = (float(np.sqrt(end)) for end in (squared.value, squared.low, squared.high))
    return Interval(value, low, high, squared.method)


def _drawn(
    metric: Callable[..., float], arrays: tuple[NDArray[Any], NDArray[Any]], level: float, seed: int, groups: Any
) -> Interval | None:
    """The BCa interval, None where the number is not defined, most resamples leave it undefined, or none of them differ."""
    if np.isnan(metric(*arrays)):
        return None
    try:
        found = bootstrap(metric, arrays, level=level, seed=seed, groups=groups)
    except UserError:
        return None
    return None if found.method == "point" else found


def _columns(target: ArrayLike, predicted: ArrayLike) -> tuple[Array, Array]:
    """Both as (n, outputs)."""
    true, said = checked_numbers(target, predicted, where="regression metrics")
    if true.ndim > 2:
        raise UserError(
            f"targets of shape {true.shape}", where="regression metrics", remedy="give (n,) or (n, outputs)"
        )
    return true.reshape(len(true), -1), said.reshape(len(said), -1)


def _dense_ranks(true: Array, said: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The place of each value among the distinct ones of its output, from 0, (n, outputs) each: sorted once, not in every resample."""
    codes = [
        np.stack([np.unique(column, return_inverse=True)[1] for column in both.T], axis=1) for both in (true, said)
    ]
    return codes[0], codes[1]


def _ranks(codes: NDArray[np.intp]) -> Array:
    """Ranks from dense ones, of which some may be missing, ties at their mean, (n,)."""
    count = np.bincount(codes)
    return np.asarray((np.cumsum(count) - (count + 1) / 2)[codes])
