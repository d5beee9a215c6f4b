"""Trainings that differ in the seed alone, and folds of one split: their mean, and the difference of two configurations.

An interval over the evaluated samples says nothing about another seed; one over seeds says nothing about other samples. Seeds are
few, so that tests that assume nothing about their distribution cannot reach a small p however large the difference is; the ones here
assume that the number is about normal over seeds, and say what the other kind could reach.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from projectkit.errors import UserError
from projectkit.metrics.intervals import Interval, student
from projectkit.metrics.paired import Difference

Array = NDArray[np.float64]


def mean_of_seeds(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """The mean over seeds, and where the mean over infinitely many would lie.

    Args:
        values: one number a seed, two or more.
        level: in (0, 1).

    Raises:
        UserError: fewer than two numbers, or one that is NaN.

    Source: Student 1908, "The probable error of a mean".
    """
    numbers = _checked(values)
    half = student(len(numbers) - 1, level) * float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    mean = float(numbers.mean())
    return Interval(mean, mean - half, mean + half, "t")


def seeds_difference(a: Sequence[float], b: Sequence[float], *, paired: bool, level: float = 0.95) -> Difference:
    """The difference of the means over seeds of two configurations, a less b.

    Args:
        a: one number a seed, two or more.
        b: the same of the other configuration.
        paired: whether a[i] and b[i] come from the same seed and share what it decides (split, order of the batches). A seed that only
            starts two different models shares nothing, and pairing it loses half of the degrees of freedom.
        level: of the interval, in (0, 1).

    Returns:
        The difference with the p of a t test; `test` says below which p no test without the normal assumption could go.

    Raises:
        UserError: fewer than two numbers a side, a number that is NaN, or pairs that do not match.

    Source: Welch 1947, "The generalization of Student's problem when several different population variances are involved". The bounds
    are one over the number of assignments: 2 / 2^n signs of n pairs, 2 over the ways to part the seeds into equal halves.
    """
    first, second = _checked(a), _checked(b)
    value = float(first.mean() - second.mean())
    if paired:
        if len(first) != len(second):
            raise UserError(
                f"{len(first)} and {len(second)} seeds are no pairs",
                where="seeds",
                remedy="compare runs of the same seeds",
            )
        differences = first - second
        error, freedom = float(differences.std(ddof=1)) / math.sqrt(len(first)), float(len(first) - 1)
        bound = 2 / 2 ** len(first)
        test, other = "paired t", "sign flips"
    else:
        parts = np.array([numbers.var(ddof=1) / len(numbers) for numbers in (first, second)])
        error = float(np.sqrt(parts.sum()))
        sizes = np.array([len(first), len(second)])
        freedom = float(parts.sum() ** 2 / np.sum(parts**2 / (sizes - 1))) if error else 1.0
        bound = 2 / math.comb(len(first) + len(second), len(first))
        bound = bound if len(first) == len(second) else bound / 2
        test, other = "Welch's t", "a permutation"
    told = f"{test} ({other} of {_seeds(first, second)} seeds cannot go under p = {bound:.2g})"
    return _t_difference(value, error, freedom, level, test.lower() if paired else "welch t", told)


def folds_difference(a: Sequence[float], b: Sequence[float], test_share: float, *, level: float = 0.95) -> Difference:
    """The difference of two configurations over the same folds (or repeated random splits), a less b.

    Folds share most of their training samples, so that a plain t test finds differences that are not there, in up to half of the cases.

    Args:
        a: one number a fold, two or more.
        b: the same folds of the other configuration.
        test_share: how many samples a fold is tested on for each that it is trained on, above 0; 1 / (k - 1) of k folds.
        level: of the interval, in (0, 1).

    Raises:
        UserError: fewer than two folds, a number that is NaN, or folds that do not match.

    Source: Nadeau & Bengio 2003, "Inference for the generalization error", section 3.4: the variance of k differences times
    (1 / k + test_share).
    """
    if not test_share > 0:
        raise ValueError(f"test_share is {test_share}, not above 0")
    first, second = _checked(a, what="fold"), _checked(b, what="fold")
    if len(first) != len(second):
        raise UserError(f"{len(first)} and {len(second)} folds", where="folds", remedy="compare runs of the same folds")
    differences = first - second
    factor = 1 / len(first) + test_share
    error = math.sqrt(factor) * float(differences.std(ddof=1))
    return _t_difference(
        float(differences.mean()), error, len(first) - 1.0, level, "corrected t", "corrected resampled t"
    )


def _t_difference(value: float, error: float, freedom: float, level: float, method: str, test: str) -> Difference:
    from scipy.special import stdtr

    if error < 1e-15:  # the same number from every seed: nothing is known about the spread
        p = 1.0 if abs(value) < 1e-15 else None
        return Difference(value, value, value, p, method, f"{test}; there is no spread to judge by")
    half = student(freedom, level) * error
    return Difference(value, value - half, value + half, float(2 * stdtr(freedom, -abs(value) / error)), method, test)


def _checked(values: Sequence[float], what: str = "seed") -> Array:
    numbers = np.asarray(values, dtype=np.float64)
    if len(numbers) < 2:
        raise UserError(
            f"{len(numbers)} {what}{'' if len(numbers) == 1 else 's'} have no spread",
            where=f"{what}s",
            remedy=f"train at least one more {what}, five or more to tell small differences",
        )
    if not np.isfinite(numbers).all():
        raise UserError(f"the number of a {what} is NaN", where=f"{what}s", remedy="leave out the run that diverged")
    return numbers


def _seeds(first: Array, second: Array) -> str:
    return str(len(first)) if len(first) == len(second) else f"{len(first)} and {len(second)}"
