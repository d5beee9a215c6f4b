"""How far the numbers of a classifier may be trusted: confidence intervals over the draw of the evaluated samples.

| metric | method | where that gives no width (all right, a constant prediction, one sample of a class) |
|---|---|---|
| accuracy | Wilson's score interval | it always does |
| balanced_accuracy | of two classes Wilson's intervals of the recalls, combined; of more the effective sample size | it always does |
| f1_macro, mcc | BCa bootstrap of the confusion matrix | posterior of the confusion matrix; also for two classes with a rare one |
| auroc | DeLong's variance, effective sample size | Wilson's interval a class, the classes combined |
| average_precision | jackknife variance, effective sample size | the same |
| ece | which true errors measure as much, by the noise of the bins | exact interval of none in n |
| loss | Student's t, skewness removed | the same |

They say nothing about another seed, another split or another time; each assumes that samples are drawn independently, or with `groups` that
groups are. `benchmarks/simulations.py` measures how often they hold the true value: 93 to 97 of 100, also with 25 positives among 500
samples, 1.5% of the samples in a class or 20 classes of 20 samples, and by 50 groups, also of uneven size. They do not hold, or hold too
often, here:

| where | of 100 intervals |
|---|---|
| 5 positives among 100 samples | loss 92 to 93; average precision 98; of a calibrated classifier ece 100 |
| 10 positives among 200 samples | auroc, average_precision and ece 97 |
| 20 classes with 7 to 75 samples | auroc and average_precision 99 |
| average precision .99 of 200 positives among 2,000 samples | average_precision 91, ece and auroc 93 |
| probabilities rounded to tenths, so that some are 0 | loss 78: a sample that is as wrong as can be is rare and costs 15.9 |
| 60 groups of 1 to 24 samples | auroc 98 |
| 25 groups | average_precision and ece 93: take the interval of fewer groups as a hint |
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.bootstrap import group_numbers
from projectkit.metrics.checks import checked
from projectkit.metrics.confusion_intervals import combined, confusion_intervals
from projectkit.metrics.influence import (
    Influence,
    auroc_influence,
    average_precision_influence,
    by_group,
    degrees_of_freedom,
)
from projectkit.metrics.intervals import Interval, checked_level, normal_quantile, share_interval, wilson
from projectkit.metrics.probability_intervals import calibration_interval, loss_interval
from projectkit.metrics.shares import share_of

# Degrees of freedom that the variance of a textbook form counts for. With 25 positives of AUROC 0.98, DeLong's variance alone
# gives intervals that cover 86 of 100.
_MODEL_FREEDOM = 15.0


def classification_intervals(
    target: ArrayLike, score: ArrayLike, *, level: float = 0.95, seed: int = 0, groups: ArrayLike | None = None
) -> dict[str, Interval]:
    """Intervals around every number that `classification_metrics` gives.

    Args:
        target: true class indices, (n,).
        score: probabilities, (n, classes).
        level: share of draws in which the interval holds the true value, in (0, 1).
        seed: of the bootstrap; the same seed gives the same interval.
        groups: (n,) of any type; samples of one group are not independent (frames of a track, requests of a host), and intervals are those
            of as many independent groups. The methods then end in `by group`.

    Returns:
        metric name -> interval, in the order of `classification_metrics`; `auroc` and `average_precision` are absent where the targets are
        all of one class.

    Raises:
        UserError: as `classification_metrics`, or groups of another length.
    """
    labels, scores = checked(target, score)
    checked_level(level)
    numbers = None if groups is None else checked_groups(groups, len(labels))
    predicted = scores.argmax(axis=1)
    found = {"accuracy": _accuracy_interval(labels == predicted, level, numbers)}
    found |= confusion_intervals(labels, predicted, scores.shape[1], level=level, seed=seed, groups=numbers)
    area, precision = auroc_influence(labels, scores), average_precision_influence(labels, scores)
    if area is not None and precision is not None:
        found["auroc"] = ranking_interval(area, labels, "delong", level, numbers)
        found["average_precision"] = ranking_interval(precision, labels, "jackknife", level, numbers)
    found["ece"] = calibration_interval(labels, scores, level=level, groups=numbers)
    found["loss"] = loss_interval(labels, scores, level=level, groups=numbers)
    return found


def checked_groups(groups: ArrayLike, n: int) -> NDArray[np.intp]:
    """Groups as numbers from 0 on, (n,).

    Raises:
        UserError: not one group a sample.
    """
    if np.shape(groups) != (n,):
        raise UserError(
            f"groups have shape {np.shape(groups)}, but there are {n} samples",
            where="metrics",
            remedy="give one group a sample, (n,)",
        )
    return group_numbers(groups)


def _accuracy_interval(right: NDArray[np.bool_], level: float, groups: NDArray[np.intp] | None) -> Interval:
    found = None if groups is None else share_of(right, np.ones(len(right), dtype=bool), level, groups)
    return wilson(float(right.mean()), len(right), level) if found is None else found


def ranking_interval(
    influence: Influence, target: NDArray[np.int64], method: str, level: float, groups: NDArray[np.intp] | None
) -> Interval:
    """The interval of AUROC or average precision from each sample's share in its error.

    A class with one sample, or in perfect order, shows no variance: that of Wilson's interval of as many samples as its smaller side has
    takes its place.
    """
    by = "" if groups is None else " by group"
    unknown = [wilson(value, size, level) for value, size in influence.sizes]
    if len(unknown) == influence.classes:
        whole = combined(influence.value, unknown)
        return replace(whole, method=whole.method + by)
    summed = by_group(influence.shares, target, groups)
    variance, freedom = float(np.sum(summed**2)), degrees_of_freedom(influence.shares, target, groups)
    if variance < 1e-18:  # a single group, whose errors cancel: it counts as one sample
        return replace(wilson(influence.value, len(summed), level), method="wilson" + by)
    if influence.model_variance:
        # of groups, the textbook variance grows as DeLong's does
        model = influence.model_variance * max(1.0, variance / float(np.sum(influence.shares**2)))
        variance = (freedom * variance + _MODEL_FREEDOM * model) / (freedom + _MODEL_FREEDOM)
        freedom += 0 if groups is not None else _MODEL_FREEDOM  # how much it grows is known from the groups alone
    quantile = normal_quantile(level)
    for part in unknown:
        half = max(part.value - part.low, part.high - part.value) / quantile / influence.classes
        variance += half**2
    return share_interval(influence.value, variance, freedom, level, method + by)
