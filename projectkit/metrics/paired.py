"""Two classifiers on the same samples: the difference of one metric, its interval, and whether chance explains it.

| metric | interval | test |
|---|---|---|
| accuracy | Newcombe's score interval of paired shares | exact McNemar |
| balanced_accuracy | Newcombe's, class by class, combined | permutation of predictions |
| f1_macro, mcc | paired BCa bootstrap | permutation of predictions |
| auroc | DeLong, paired | the same |
| average_precision | jackknife, paired | the same |
| ece | the intervals of both, combined | permutation of predictions |
| loss | Student's t of the differences | permutation of predictions |

A permutation gives each sample's two predictions to the two models at random, and asks how often they differ as much. Where samples come in
groups, groups are what is drawn, permuted and counted.

Of 100 intervals 93 to 97 hold the true difference (`benchmarks/simulations.py`), but of average precision by 60 groups 92 to 99, and of the
calibration error where one in ten samples is positive, or of 60 samples, 98 to 99. Of macro F1 and MCC 91 to 93 do with 20 positives among
1,000 samples, and where the two classifiers nearly always agree. Of 20 classes with 7 to 75 samples AUROC and average precision find hardly
anything: 99.9 of 100 intervals hold. No test finds a difference of equal classifiers in more than 6.5 of 100 draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError, did_you_mean
from projectkit.metrics.bootstrap import bca_ends
from projectkit.metrics.checks import checked
from projectkit.metrics.classification import sample_losses
from projectkit.metrics.classifier_intervals import checked_groups
from projectkit.metrics.confusion import CONFUSION_METRICS, Margins
from projectkit.metrics.confusion_intervals import metrics_left_out, resampled_metrics
from projectkit.metrics.influence import (
    Influence,
    auroc_influence,
    average_precision_influence,
    by_group,
    degrees_of_freedom,
    equal_groups,
    within_groups,
)
from projectkit.metrics.intervals import checked_level, normal_quantile, student, wilson
from projectkit.metrics.permutation import permuted_calibration, permuted_margins, permuted_mean, share_as_large
from projectkit.metrics.probability_intervals import calibration

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A difference, its interval and its test.

    Args:
        value: the first less the second.
        low: lower end of the interval.
        high: upper end.
        p: how often chance alone differs as much, two-sided; None where there is no test.
        method: how the interval was made.
        test: how p was found.
    """

    value: float
    low: float
    high: float
    p: float | None
    method: str
    test: str

    def as_dict(self) -> dict[str, float | str | None]:
        """Plain values, for `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class _Pair:
    """What was checked: class indices (n,), probabilities (n, classes) of both, numbers of the groups (n,) or None."""

    target: NDArray[np.int64]
    first: NDArray[Any]
    second: NDArray[Any]
    groups: NDArray[np.intp] | None
    level: float
    seed: int

    @property
    def by(self) -> str:
        return "" if self.groups is None else " by group"

    @property
    def units(self) -> int:
        return len(self.target) if self.groups is None else int(self.groups.max()) + 1

    @property
    def told(self) -> float:
        """Units of one size that tell as much about a variance."""
        return float(self.units) if self.groups is None else equal_groups(self.groups)


def paired_difference(
    target: ArrayLike,
    score_a: ArrayLike,
    score_b: ArrayLike,
    metric: str,
    *,
    level: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> Difference:
    """The difference of two classifiers on the same samples, a less b.

    Args:
        target: true class indices, (n,).
        score_a: probabilities of the first, (n, classes).
        score_b: probabilities of the second, (n, classes), sample by sample as those of the first.
        metric: a name that `classification_metrics` gives.
        level: share of draws in which the interval holds the true difference, in (0, 1).
        seed: of bootstrap and permutations.
        groups: (n,) of any type; samples of one group are not independent.

    Raises:
        UserError: no such metric, one that these targets do not define, or scores that do not fit each other.
    """
    if metric not in _DIFFERENCES:
        raise UserError(f"no difference of {metric!r}", where="metrics", remedy=did_you_mean(metric, _DIFFERENCES))
    labels, first = checked(target, score_a)
    second = checked(labels, score_b)[1]
    if first.shape != second.shape:
        raise UserError(
            f"scores of {first.shape[1]} and of {second.shape[1]} classes",
            where="metrics",
            remedy="compare runs on the same target",
        )
    numbers = None if groups is None else checked_groups(groups, len(labels))
    if len(labels) < 2 or (numbers is not None and not numbers.any()):
        one = "sample" if numbers is None else "group"
        raise UserError(f"one {one} has no spread", where="metrics", remedy=f"compare on more than one {one}")
    return _DIFFERENCES[metric](_Pair(labels, first, second, numbers, checked_level(level), seed))


def _accuracy(pair: _Pair) -> Difference:
    right_a, right_b = pair.first.argmax(axis=1) == pair.target, pair.second.argmax(axis=1) == pair.target
    if pair.groups is not None:
        return _mean_difference(right_a.astype(float) - right_b, pair)
    from scipy.stats import binomtest

    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    value, low, high = newcombe(int(np.sum(right_a & right_b)), only_a, only_b, len(pair.target), pair.level)
    p = float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    return Difference(value, low, high, p, "newcombe", "exact McNemar")


def newcombe(both: int, only_a: int, only_b: int, n: int, level: float) -> tuple[float, float, float]:
    """The difference of two shares of the same samples, and the ends of its interval.

    Args:
        both: samples that count for both.
        only_a: that count for the first alone.
        only_b: for the second alone.
        n: all samples.
        level: in (0, 1).

    Source: Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on paired data", method 10.
    """
    a, b = (wilson((both + only) / n, n, level) for only in (only_a, only_b))
    neither = n - both - only_a - only_b
    odds = both * neither - only_a * only_b
    scale = np.sqrt(float((both + only_a) * (only_b + neither)) * float((both + only_b) * (only_a + neither)))
    phi = (max(odds - n / 2, 0) if odds > 0 else odds) / scale if scale else 0.0
    value = (only_a - only_b) / n
    below, above = a.value - a.low, b.high - b.value
    low = value - np.sqrt(max(below**2 - 2 * phi * below * above + above**2, 0))
    below, above = b.value - b.low, a.high - a.value
    high = value + np.sqrt(max(below**2 - 2 * phi * below * above + above**2, 0))
    return value, float(low), float(high)


def _loss(pair: _Pair) -> Difference:
    losses = sample_losses(pair.target, pair.first) - sample_losses(pair.target, pair.second)
    return _mean_difference(losses, pair)


def _mean_difference(numbers: Array, pair: _Pair) -> Difference:
    """Of a mean over samples: Student's interval, and a permutation that turns signs.

    The skewness that a mean loss has cancels in the difference of two; to remove it nevertheless would cost 2 of 100 intervals.
    """
    value = float(numbers.mean())
    if not numbers.any():
        return _nothing(value, "t" + pair.by, "permutation" + pair.by)
    shares = within_groups(numbers - value, pair.groups) / len(numbers)
    error = float(np.sqrt(np.sum(shares**2) * (1.0 if pair.groups is not None else pair.units / (pair.units - 1))))
    half = student(pair.told - 1, pair.level) * error
    p = share_as_large(permuted_mean(numbers, pair.groups, pair.seed), value)
    return Difference(value, value - half, value + half, p, "t" + pair.by, "permutation" + pair.by)


def _balanced(pair: _Pair) -> Difference:
    """Recalls of different classes are independent: their paired intervals are combined (MOVER, as one classifier's)."""
    if pair.groups is not None:
        return _confusion("balanced_accuracy", pair)
    right_a, right_b = pair.first.argmax(axis=1) == pair.target, pair.second.argmax(axis=1) == pair.target
    parts = []
    for index in np.unique(pair.target):
        own = pair.target == index
        counts = [int(np.sum(own & chosen)) for chosen in (right_a & right_b, right_a & ~right_b, right_b & ~right_a)]
        parts.append(newcombe(counts[0], counts[1], counts[2], int(own.sum()), pair.level))
    values, lows, highs = (np.array(column) for column in zip(*parts, strict=True))
    value = float(values.mean())
    below = float(np.sqrt(np.sum((values - lows) ** 2)) / len(parts))
    above = float(np.sqrt(np.sum((highs - values) ** 2)) / len(parts))
    p = share_as_large(_permuted("balanced_accuracy", pair), value)
    return Difference(value, max(-1.0, value - below), min(1.0, value + above), p, "newcombe", "permutation")


def _confusion(metric: str, pair: _Pair) -> Difference:
    """Drawing samples is drawing the cells of the table target x first x second."""
    first, second, counts = paired_units(pair.target, pair.first.argmax(axis=1), pair.second.argmax(axis=1), pair)
    whole = [CONFUSION_METRICS[metric](_total(units, counts)) for units in (first, second)]
    value = float(whole[0] - whole[1])
    drawn = resampled_metrics([first, second], counts, [metric], np.random.default_rng(pair.seed))
    difference = drawn[0][metric] - drawn[1][metric]
    if np.ptp(difference) < 1e-9:
        return _nothing(value, "bca" + pair.by, "permutation" + pair.by)
    left_out = metrics_left_out(first, counts, metric) - metrics_left_out(second, counts, metric)
    low, high = bca_ends(value, difference, left_out, level=pair.level, units=pair.told, weights=counts)
    p = share_as_large(_permuted(metric, pair), value)
    return Difference(value, min(value, low), max(value, high), p, "bca" + pair.by, "permutation" + pair.by)


def paired_units(
    target: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], pair: _Pair
) -> tuple[Margins, Margins, Array]:
    """The margins of both classifiers for each kind of unit (a cell of the table, a group), and how many units there are of it."""
    classes = pair.first.shape[1]
    if pair.groups is None:
        cell = (target * classes + first) * classes + second
        kinds, counts = np.unique(cell, return_counts=True)
        rows, numbers = np.arange(len(kinds)), counts.astype(np.float64)
        target, first, second = kinds // classes**2, kinds // classes % classes, kinds % classes
    else:
        rows, numbers = pair.groups, np.ones(pair.units)
    shape = (len(numbers), classes)
    true, said_a, said_b, hits_a, hits_b = (np.zeros(shape) for _ in range(5))
    np.add.at(true, (rows, target), 1)
    for said, hits, predicted in ((said_a, hits_a, first), (said_b, hits_b, second)):
        np.add.at(said, (rows, predicted), 1)
        np.add.at(hits, (rows[predicted == target], target[predicted == target]), 1)
    return Margins(hits_a, true, said_a), Margins(hits_b, true, said_b), numbers


def _permuted(metric: str, pair: _Pair) -> Array:
    first, second, counts = paired_units(pair.target, pair.first.argmax(axis=1), pair.second.argmax(axis=1), pair)
    return permuted_margins(CONFUSION_METRICS[metric], first, second, counts, pair.seed)


def _total(units: Margins, counts: Array) -> Margins:
    return Margins(counts @ units.hits, counts @ units.true, counts @ units.said)


def _ranking(
    influence: Callable[[NDArray[np.int64], NDArray[Any]], Influence | None], method: str, test: str, pair: _Pair
) -> Difference:
    """Each sample's share in the difference is the difference of its shares; the rest is a t test of the sum.

    Source: DeLong et al. 1988, "Comparing the areas under two or more correlated ROC curves: a nonparametric approach".
    """
    a, b = influence(pair.target, pair.first), influence(pair.target, pair.second)
    if a is None or b is None:
        raise UserError("all targets are of one class", where="metrics", remedy="choose a subset that has both")
    value, shares = a.value - b.value, a.shares - b.shares
    if np.array_equal(pair.first, pair.second):
        return _nothing(value, method + pair.by, test + pair.by)
    variance, quantile = float(np.sum(by_group(shares, pair.target, pair.groups) ** 2)), normal_quantile(pair.level)
    freedom = degrees_of_freedom(shares, pair.target, pair.groups)
    for side in (a, b):  # a class with one sample, or in perfect order, shows no variance of its own
        for known, size in side.sizes:
            part = wilson(known, size, pair.level)
            variance += (max(part.value - part.low, part.high - part.value) / quantile / side.classes) ** 2
    if variance < 1e-18:
        return _nothing(value, method + pair.by, test + pair.by)
    from scipy.special import stdtr

    error = float(np.sqrt(variance))
    half = student(freedom, pair.level) * error
    p = float(2 * stdtr(max(freedom, 1.0), -abs(value) / error))
    return Difference(value, max(-1.0, value - half), min(1.0, value + half), p, method + pair.by, test + pair.by)


def _calibration(pair: _Pair) -> Difference:
    """The errors without their noise, and their intervals combined with the correlation of the noise.

    Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general approach" (MOVER).
    """
    a, b = (
        calibration(pair.target, score, level=pair.level, groups=pair.groups) for score in (pair.first, pair.second)
    )
    value = a.value - b.value
    shares = [within_groups(each.shares, pair.groups) for each in (a, b)]
    scale = float(np.sqrt(np.sum(shares[0] ** 2) * np.sum(shares[1] ** 2)))
    rho = float(np.sum(shares[0] * shares[1])) / scale if scale > 0 else 0.0

    def reach(below: float, above: float) -> float:
        return float(np.sqrt(max(below**2 - 2 * rho * below * above + above**2, 0.0)))

    middle = a.estimate - b.estimate
    low = middle - reach(a.estimate - a.low, b.high - b.estimate)
    high = middle + reach(b.estimate - b.low, a.high - a.estimate)
    p = share_as_large(permuted_calibration(pair.target, pair.first, pair.second, pair.groups, pair.seed), value)
    return Difference(value, min(value, low), max(value, high), p, "folded normal" + pair.by, "permutation" + pair.by)


def _nothing(value: float, method: str, test: str) -> Difference:
    """Both say the same of every sample: no difference, and nothing that chance could change."""
    return Difference(value, value, value, 1.0, method, test)


_DIFFERENCES: dict[str, Callable[[_Pair], Difference]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    "f1_macro": lambda pair: _confusion("f1_macro", pair),
    "mcc": lambda pair: _confusion("mcc", pair),
    "auroc": lambda pair: _ranking(auroc_influence, "delong", "DeLong", pair),
    "average_precision": lambda pair: _ranking(average_precision_influence, "jackknife", "jackknife t", pair),
    "ece": _calibration,
    "loss": _loss,
}
