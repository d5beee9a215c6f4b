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

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.bootstrap import bootstrap
from projectkit.metrics.checks import checked_numbers
from projectkit.metrics.intervals import Interval

Array = NDArray[np.float64]


def mae(target: Array, predicted: Array) -> float:
    """The mean absolute error of (n, outputs)."""
    return float(np.abs(target - predicted).mean())


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


def spearman(target: Array, predicted: Array) -> float:
    """Spearman's rank correlation of (n, outputs), NaN where no output varies in both.

    Source: Spearman 1904, "The proof and measurement of association between two things"; Pearson's correlation of mean
    ranks.
    """
    varies = (np.ptp(target, axis=0) > 0) & (np.ptp(predicted, axis=0) > 0)
    found = [
        np.corrcoef(_ranks(target[:, output]), _ranks(predicted[:, output]))[0, 1] for output in np.flatnonzero(varies)
    ]
    return float(np.mean(found)) if found else float("nan")


REGRESSION_METRICS: Mapping[str, Callable[[Array, Array], float]] = {
    "mae": mae,
    "rmse": rmse,
    "r2": r2,
    "spearman": spearman,
}


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
    columns = _columns(target, predicted)
    values = {name: metric(*columns) for name, metric in REGRESSION_METRICS.items()}
    return {name: value for name, value in values.items() if not np.isnan(value)}


def regression_intervals(
    target: ArrayLike, predicted: ArrayLike, *, level: float = 0.95, seed: int = 0, groups: ArrayLike | None = None
) -> dict[str, Interval]:
    """Intervals around the numbers of `regression_metrics`, by the BCa bootstrap.

    Args:
        target: see `regression_metrics`.
        predicted: see `regression_metrics`.
        level: share of draws in which an interval holds the true value, in (0, 1).
        seed: of the bootstrap.
        groups: (n,) of any type; samples of one group are drawn together.

    Raises:
        UserError: as `regression_metrics`.
    """
    columns = _columns(target, predicted)
    return {
        name: bootstrap(REGRESSION_METRICS[name], columns, level=level, seed=seed, groups=groups)
        for name in regression_metrics(target, predicted)
    }


def _columns(target: ArrayLike, predicted: ArrayLike) -> tuple[Array, Array]:
    """Both as (n, outputs)."""
    true, said = checked_numbers(target, predicted, where="regression metrics")
    if true.ndim > 2:
        raise UserError(
            f"targets of shape {true.shape}", where="regression metrics", remedy="give (n,) or (n, outputs)"
        )
    return true.reshape(len(true), -1), said.reshape(len(said), -1)


def _ranks(values: Array) -> Array:
    """Ranks from 0 on, ties at their mean."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count + 1) / 2)[place])
