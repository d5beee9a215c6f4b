"""Intervals of the two numbers that depend on the probabilities themselves: calibration error and loss.

Both have a bootstrap that fails. The calibration error of few samples is too large, of a calibrated classifier by many times, and that of
resamples larger still: 2 of 3 bootstrap intervals would exclude the truth. A loss is skewed by a few samples that are very wrong, and
samples without one of them have intervals that are too low.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.metrics.calibration import BINS, binned
from projectkit.metrics.classification import WORST_LOSS, sample_losses
from projectkit.metrics.influence import equal_groups, variance_seen, within_groups
from projectkit.metrics.intervals import Interval, clopper_pearson, normal_quantile, student

Array = NDArray[np.float64]

# Samples a bin that have the variance of a calibrated classifier: a bin with one sample has none of its own.
_PRIOR = 2.0
_FARTHEST = 1e6  # times the measured gaps: where noise is all there is


def loss_interval(
    target: NDArray[np.int64], score: NDArray[Any], *, level: float, groups: NDArray[np.intp] | None
) -> Interval:
    """The interval of the mean negative log likelihood.

    Args:
        target: class indices, (n,).
        score: probabilities, (n, classes).
        level: in (0, 1).
        groups: numbers of the groups, (n,), or None.

    Returns:
        By Hall's transformation, `hall`. Where all losses are equal they have no spread, and the upper end is that of the worst loss in as
        many samples as may hide behind none in n: `clopper-pearson`.
    """
    losses = sample_losses(target, score)
    units = len(losses) if groups is None else int(groups.max()) + 1
    by = "" if groups is None else " by group"
    value = float(losses.mean())
    if units < 2 or np.ptp(losses) < 1e-12:
        hidden = clopper_pearson(0, units, level).high
        return Interval(value, value * (1 - hidden), value + (WORST_LOSS - value) * hidden, "clopper-pearson" + by)
    low, high = skewed_mean(losses, level=level, groups=groups)
    return Interval(value, min(value, max(0.0, low)), max(value, min(WORST_LOSS, high)), "hall" + by)


def skewed_mean(numbers: Array, *, level: float, groups: NDArray[np.intp] | None = None) -> tuple[float, float]:
    """The interval of a mean by Student's t after a transformation that takes the skewness out of it.

    Args:
        numbers: (n,), not all equal.
        level: in (0, 1).
        groups: numbers of the groups, (n,), or None.

    Source: Hall 1992, "On the removal of skewness by transformation", the cubic with an inverse.
    """
    mean = float(numbers.mean())
    shares = within_groups(numbers - mean, groups) / len(numbers)
    count = len(shares)
    spread = float(np.sqrt(np.sum(shares**2) * (count / (count - 1) if groups is None else 1.0)))
    if spread == 0:
        return mean, mean
    skew = float(np.mean(shares**3) / np.mean(shares**2) ** 1.5) / np.sqrt(count)
    quantile = student((count if groups is None else equal_groups(groups)) - 1, level)
    low, high = (_untransformed(end, skew) for end in (quantile, -quantile))
    return mean - spread * low, mean - spread * high


def _untransformed(studentised: float, skew: float) -> float:
    """The root T of T + skew T^2 / 3 + skew^2 T^3 / 27 + skew / 6 = studentised."""
    if abs(skew) < 1e-6:
        return studentised
    return float(3 / skew * (np.cbrt(1 + skew * (studentised - skew / 6)) - 1))


def calibration_interval(
    target: NDArray[np.int64], score: NDArray[Any], *, level: float, groups: NDArray[np.intp] | None
) -> Interval:
    """The interval of the expected calibration error in 15 bins that infinitely many samples would show.

    The measured error is the sum of the bins' absolute gaps, and each gap is its true one plus noise, so that the sum is too large
    where gaps are smaller than their noise. A true error is inside if one measures as much under it: the true gaps are taken as a
    multiple of those measured, and mean and variance of the sum follow from the normal noise of each gap.

    Args:
        target: class indices, (n,).
        score: probabilities, (n, classes).
        level: in (0, 1).
        groups: numbers of the groups, (n,), or None.

    Returns:
        `folded normal`. The value, which is biased, often lies in the upper part of its interval, and is its upper end where the
        interval would end below it. Of a calibrated classifier 96 to 100 of 100 intervals hold the true error: it is 0, the edge of
        what an error can be. `clopper-pearson` where no bin has a gap, or there is one sample or group alone: the error of as many
        wrong predictions as may hide behind none.

    Source: the bias as Bröcker 2012, "Estimating reliability and resolution of probability forecasts", and Roelofs et al. 2022, "Mitigating
    bias in calibration error estimation"; the moments as Leone, Nelson & Nottingham 1961, "The folded normal distribution".
    """
    found = calibration(target, score, level=level, groups=groups)
    by = "" if groups is None else " by group"
    method = "folded normal" if found.noisy else "clopper-pearson"
    return Interval(found.value, found.low, max(found.value, found.high), method + by)


@dataclass(frozen=True)
class Calibration:
    """A calibration error, taken apart from its noise.

    Args:
        value: as measured.
        estimate: the true error under which one measures as much on average; 0 where noise alone measures more.
        low: lower end of the true errors that fit.
        high: their upper end; below `value` where nearly all of that is noise.
        shares: of each sample in the error's noise, (n,).
        noisy: whether any bin has a gap, or may have one by chance.
    """

    value: float
    estimate: float
    low: float
    high: float
    shares: Array
    noisy: bool


def calibration(
    target: NDArray[np.int64], score: NDArray[Any], *, level: float, groups: NDArray[np.intp] | None
) -> Calibration:
    """What `calibration_interval` reports, and what differences of two classifiers are made of."""
    bins, units = _Bins.of(target, score, groups), len(target) if groups is None else int(groups.max()) + 1
    value, spread = float(np.abs(bins.gaps).sum()), np.sqrt(np.maximum(np.diag(bins.covariance), 1e-30))
    if units < 2 or (value < 1e-9 and spread.max() < 1e-9):
        hidden = clopper_pearson(0, units, level).high
        return Calibration(value, 0.0, 0.0, max(hidden, value), np.zeros(len(target)), noisy=False)
    quantile = normal_quantile(level) if groups is None else student(equal_groups(groups) - 1, level)
    signs = np.sign(bins.gaps)

    def surprise(multiple: float) -> float:
        """By how many standard deviations the error is above its mean, if the true gaps are a multiple of those measured."""
        mean, variance = _folded(multiple * np.abs(bins.gaps), signs, bins.covariance)
        return (value - mean) / float(np.sqrt(max(variance, 1e-30)))

    low, middle, high = (
        0.0 if surprise(0.0) <= bound else _crossing(surprise, bound) for bound in (quantile, 0.0, -quantile)
    )
    sure = _direction(middle * np.abs(bins.gaps) / spread) * signs
    return Calibration(value, middle * value, low * value, min(1.0, high * value), bins.noise * sure[bins.place], True)


@dataclass(frozen=True)
class _Bins:
    """The bins that have samples.

    Args:
        gaps: accuracy less confidence, as a share of all samples, (bins,).
        place: the bin of each sample, (n,).
        noise: what each sample adds to the noise of its bin's gap, (n,).
        covariance: of the noise of the gaps, (bins, bins).
    """

    gaps: Array
    place: NDArray[np.intp]
    noise: Array
    covariance: Array

    @classmethod
    def of(cls, target: NDArray[np.int64], score: NDArray[Any], groups: NDArray[np.intp] | None) -> _Bins:
        confidence, right, bin_of = binned(target, score, BINS)
        n, filled = len(target), np.unique(bin_of)
        place = np.searchsorted(filled, bin_of)
        count = np.bincount(place).astype(np.float64)
        gaps = np.bincount(place, weights=right - confidence) / n
        noise = (right - confidence - (gaps * n / count)[place]) / n  # the gap of its bin is taken off each sample
        calibrated = np.bincount(place, weights=confidence * (1 - confidence)) / n**2
        if groups is None:
            variance = (np.bincount(place, weights=noise**2) * count + _PRIOR * calibrated) / (count + _PRIOR)
            how_many = (
                np.diag(gaps**2 / count) - np.outer(gaps, gaps) / n
            )  # as many samples as fall into a bin by chance
            return cls(gaps, place, noise, np.diag(variance) + how_many)
        table = np.zeros((int(groups.max()) + 1, len(filled)))
        np.add.at(table, (groups, place), right - confidence)
        residual = table / n - np.bincount(groups)[:, None] / n * gaps
        seen = residual.T @ residual / variance_seen(groups)
        prior = np.diag(calibrated) * _PRIOR / (count + _PRIOR)
        return cls(gaps, place, noise, seen + prior)


def _folded(gaps: Array, signs: Array, covariance: Array) -> tuple[float, float]:
    """Mean and variance of the sum of absolute values of normal numbers.

    Args:
        gaps: absolute means, (bins,).
        signs: of the means, (bins,).
        covariance: (bins, bins).
    """
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-30))
    ratio, direction = gaps / spread, _direction(gaps / spread)
    mean = spread * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + gaps * direction
    own = gaps**2 + spread**2 - mean**2
    together = np.outer(direction * signs, direction * signs) * covariance
    return float(mean.sum()), float(own.sum() + together.sum() - np.trace(together))


def _direction(ratio: Array) -> Array:
    """How sure the sign of a gap is, in [0, 1], from gap over noise, (bins,): the share of the noise that the absolute value keeps."""
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(ratio) - 1)


def _crossing(surprise: Callable[[float], float], quantile: float) -> float:
    """Where `surprise`, which falls, crosses a quantile; it is above it at 0."""
    from scipy.optimize import brentq

    high = 2.0
    while surprise(high) > quantile and high < _FARTHEST:
        high *= 2
    return (
        float(brentq(lambda multiple: surprise(multiple) - quantile, 0.0, high, xtol=1e-5))
        if high < _FARTHEST
        else high
    )
