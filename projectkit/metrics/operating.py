"""A detector at work: a threshold, what is found and missed there, and what that means a day at a stated prevalence.

A sample raises an alarm where its score is at or above the threshold. Thresholds are fitted on validation
(`best_threshold`, `threshold_at_fpr`) and judged on other samples (`at_threshold`, `tpr_at_fpr`), with exact intervals,
or by group where samples are not independent.
Everywhere `target` is (n,) of 0 and 1 and `score` is (n,), higher where more like 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.checks import checked_binary
from projectkit.metrics.classifier_intervals import checked_groups
from projectkit.metrics.intervals import Interval
from projectkit.metrics.ranking import cumulated
from projectkit.metrics.shares import f1_of, share_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Refused:
    """A number that the samples cannot support, and why."""

    reason: str


@dataclass(frozen=True)
class Alarms:
    """What a detector costs a day.

    Args:
        precision: the share of the alarms that are right, at the stated prevalence.
        false_alarms_per_day: alarms on negatives.
        missed_per_day: positives without an alarm.
    """

    precision: Interval
    false_alarms_per_day: Interval
    missed_per_day: Interval


def least_negatives(fpr: float, level: float = 0.95) -> int:
    """How many negatives it takes to support a false positive rate where none of them raises an alarm.

    Args:
        fpr: the rate, in (0, 1).
        level: of the one-sided exact interval whose upper end must not be above `fpr`.

    Returns:
        The least n with (1 - fpr) ** n <= 1 - level: 2,995 for 1e-3, 29,956 for 1e-4.

    Source: Hanley & Lippman-Hand 1983, "If nothing goes wrong, is everything all right?" (the rule of three).
    """
    _check_share(fpr, "fpr")
    _check_share(level, "level")
    return math.ceil(math.log(1 - level) / math.log1p(-fpr))


def threshold_at_fpr(target: ArrayLike, score: ArrayLike, fpr: float) -> float:
    """The lowest threshold at which no more than a share `fpr` of the negatives raises an alarm.

    Args:
        target: 0 or 1, of the validation set, (n,); positives are not needed.
        score: (n,).
        fpr: in (0, 1).

    Returns:
        A score that occurs; where even the highest would raise too many alarms, the next number above it of the scores' own type.

    Raises:
        UserError: no negatives, or else as `roc_curve`.
    """
    _check_share(fpr, "fpr")
    positive, scores = checked_binary(target, score, where="threshold", both=False)
    if positive.all():
        raise UserError("no sample is negative", where="threshold", remedy="choose a subset that has negatives")
    _, alarms, thresholds = cumulated(positive, scores)
    last = int(np.flatnonzero(alarms / alarms[-1] <= fpr)[-1])
    if last:
        return float(thresholds[last])
    # In float64 the next number above a float32 would be rounded back by who compares it with float32.
    own = np.asarray(score).dtype
    highest = thresholds[1].astype(own if np.issubdtype(own, np.floating) else np.float64)
    return float(np.nextafter(highest, np.inf, dtype=highest.dtype))


def best_threshold(target: ArrayLike, score: ArrayLike) -> float:
    """The threshold with the highest F1, of several the highest.

    Args:
        target: 0 or 1, of the validation set, (n,).
        score: (n,).

    Raises:
        UserError: as `roc_curve`.

    Source: Lipton et al. 2014, "Optimal thresholding of classifiers to maximize F1 measure"; the best F1 of the samples
    that it was chosen on flatters.
    """
    hits, alarms, thresholds = cumulated(*checked_binary(target, score, where="threshold"))
    f1 = 2 * hits[1:] / (hits[-1] + hits[1:] + alarms[1:])
    return float(thresholds[1 + int(f1.argmax())])


def at_threshold(
    target: ArrayLike, score: ArrayLike, threshold: float, level: float = 0.95, groups: ArrayLike | None = None
) -> dict[str, Interval]:
    """Precision, recall, false positive rate and F1 at a threshold that was fitted on other samples.

    Args:
        target: 0 or 1, (n,).
        score: (n,).
        threshold: a sample raises an alarm where its score is at or above it.
        level: of the intervals.
        groups: (n,) of any type; samples of one group are not independent, and the intervals are those of as many independent groups.

    Returns:
        name -> interval, exact without groups. Without alarms there is no `precision`, without positives no `recall`, without negatives
        no `fpr`, without both alarms and positives no `f1`.

    Raises:
        UserError: no samples, lengths that differ, targets other than 0 and 1, scores that are NaN or infinite.
    """
    positive, scores = checked_binary(target, score, where="threshold", both=False)
    raised = scores >= threshold
    numbers = None if groups is None else checked_groups(groups, len(positive))
    intervals = {
        "precision": share_of(positive, raised, level, numbers),
        "recall": share_of(raised, positive, level, numbers),
        "fpr": share_of(raised, ~positive, level, numbers),
        "f1": f1_of(positive, raised, level, numbers),
    }
    return {name: interval for name, interval in intervals.items() if interval is not None}


def tpr_at_fpr(
    target: ArrayLike,
    score: ArrayLike,
    fpr: float,
    *,
    threshold: float | None = None,
    level: float = 0.95,
    groups: ArrayLike | None = None,
) -> Interval | Refused:
    """The share of positives that are found while at most a share `fpr` of the negatives raises an alarm.

    Args:
        target: 0 or 1, (n,).
        score: (n,).
        fpr: in (0, 1).
        threshold: fitted with `threshold_at_fpr` on validation; unless given it is fitted on these samples, which
            flatters.
        level: of the interval.
        groups: see `at_threshold`; of negatives in groups, the groups are what has to be enough.

    Returns:
        The interval of the share, exact without groups; refused where there are fewer negatives than `least_negatives`, no positive, or
        where the threshold's false positive rate on these samples is above `fpr` beyond chance.

    Raises:
        UserError: no samples, lengths that differ, targets other than 0 and 1, scores that are NaN or infinite.

    Source: Carlini et al. 2022, "Membership inference attacks from first principles", on reporting at a low rate.
    """
    positive, scores = checked_binary(target, score, where="TPR at FPR", both=False)
    independent, kind = int((~positive).sum()), "negatives"
    if groups is not None:
        independent, kind = len(np.unique(checked_groups(groups, len(positive))[~positive])), "groups of negatives"
    needed = least_negatives(fpr)
    if independent < needed:
        return Refused(f"{independent:,} {kind} cannot show an FPR of {fpr:g}: it takes {needed:,} or more")
    if not positive.any():
        return Refused("no sample is positive")
    fitted = threshold_at_fpr(positive, scores, fpr) if threshold is None else threshold
    measured = at_threshold(positive, scores, fitted, level, groups)
    if measured["fpr"].low > fpr:
        seen = measured["fpr"]
        return Refused(f"at the threshold {fitted:.4g} the FPR is {seen.value:.2g}, above {fpr:g} beyond chance")
    return measured["recall"]


def alarms(recall: Interval, fpr: Interval, prevalence: float, per_day: float) -> Alarms:
    """Precision, false alarms and misses a day where the detector works, from what was measured in the laboratory.

    Args:
        recall: share of positives that raise an alarm.
        fpr: share of negatives that raise one.
        prevalence: share of positives where the detector works, in (0, 1).
        per_day: samples a day there.

    Returns:
        Three intervals of the level of the two that are given.

    Raises:
        UserError: a prevalence outside (0, 1), or no samples a day.

    Source: Axelsson 2000, "The base-rate fallacy and the difficulty of intrusion detection", Bayes' theorem;
    the ratio of recall and fpr by Zou & Donner 2008, "Construction of confidence limits about effect measures: a general
    approach" (MOVER), on logarithms.
    """
    _check_share(prevalence, "prevalence")
    if not per_day > 0:
        raise UserError(f"{per_day:g} samples a day", where="per_day", remedy="write a number above 0, as 10000")
    positives, negatives = prevalence * per_day, (1 - prevalence) * per_day
    low, high = _ratio(recall, fpr)
    odds = prevalence / (1 - prevalence)
    ends = [_share_of_odds(odds * ratio) for ratio in (low, _over(recall.value, fpr.value), high)]
    return Alarms(
        precision=Interval(ends[1], ends[0], ends[2], "mover"),
        false_alarms_per_day=_times(negatives, fpr.value, fpr.low, fpr.high, fpr.method),
        missed_per_day=_times(positives, 1 - recall.value, 1 - recall.high, 1 - recall.low, recall.method),
    )


def _times(number: float, value: float, low: float, high: float, method: str) -> Interval:
    return Interval(number * value, number * low, number * high, method)


def _ratio(above: Interval, below: Interval) -> tuple[float, float]:
    """The ends of a ratio of two independent shares; where one of them is 0, those of the worst and the best case."""
    if not (above.value and below.value):
        return _over(above.low, below.high), _over(above.high, below.low)
    middle = math.log(above.value / below.value)
    down = math.hypot(_log(above.value, above.low), _log(below.high, below.value))
    up = math.hypot(_log(above.high, above.value), _log(below.value, below.low))
    return math.exp(middle - down), math.exp(middle + up)


def _log(more: float, less: float) -> float:
    return math.log(more / less) if less else math.inf


def _over(above: float, below: float) -> float:
    if not above:
        return 0.0
    return above / below if below else math.inf


def _share_of_odds(odds: float) -> float:
    return odds / (1 + odds) if math.isfinite(odds) else 1.0


def _check_share(share: float, name: str) -> None:
    if not 0 < share < 1:
        raise UserError(f"{share:g} is no share between 0 and 1", where=name, remedy="write it as 0.001 for 1 in 1,000")
