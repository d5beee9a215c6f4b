"""How many seeds or samples would tell two results apart, if what was measured is what is true.

The answer inherits the uncertainty of the measured difference: after 3 seeds it is an order of magnitude, no promise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from projectkit.metrics.paired import Difference

_LEVEL = 0.95  # of the test: p below 0.05
_MOST = 10_000_000  # more than this is as good as never


def seeds_needed(a: Sequence[float], b: Sequence[float], *, power: float = 0.8) -> int | None:
    """How many seeds of each configuration a t test needs to find the measured difference.

    Args:
        a: one number a seed, two or more.
        b: the same of the other configuration.
        power: how often the test should find it, at p < 0.05, in (0, 1).

    Returns:
        Seeds a configuration, at least 2; None where the difference is zero, or too small against the spread to be found at all.

    Source: Cohen 1988, "Statistical power analysis for the behavioral sciences", chapter 2; the noncentral t distribution.
    """
    spread = math.sqrt((float(np.var(a, ddof=1)) + float(np.var(b, ddof=1))) / 2)
    difference = abs(float(np.mean(a)) - float(np.mean(b)))
    if difference == 0 or not math.isfinite(spread):
        return None
    if spread == 0:
        return 2
    effect = difference / spread
    low, high = 1, 2
    while _power_of_t(effect, high) < power:
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _power_of_t(effect, middle) < power else (low, middle)
    return high


def samples_needed(difference: Difference, n: int, *, power: float = 0.8) -> int | None:
    """How many evaluated samples a test of the measured difference needs.

    Args:
        difference: of two results on `n` samples, with a 95% interval.
        n: how many samples (or groups) it was measured on.
        power: how often the test should find it, at p < 0.05, in (0, 1).

    Returns:
        Samples, at least 2; None where the difference is zero, or has no interval.

    Source: the interval shrinks with the root of n; (z of 0.975 + z of the power) standard errors are needed, as Cohen 1988, chapter 2.
    """
    normal = NormalDist()
    two_sided = normal.inv_cdf((1 + _LEVEL) / 2)
    error = (difference.high - difference.low) / (2 * two_sided)
    if difference.value == 0 or not error > 0:
        return None
    needed = n * ((two_sided + normal.inv_cdf(power)) * error / abs(difference.value)) ** 2
    return max(2, math.ceil(needed)) if needed < _MOST * 1000 else None


def _power_of_t(effect: float, seeds: int) -> float:
    """Of the two-sided two-sample t test, `effect` in standard deviations."""
    from scipy.special import nctdtr, stdtrit

    freedom, shift = 2.0 * (seeds - 1), effect * math.sqrt(seeds / 2)
    bound = float(stdtrit(freedom, (1 + _LEVEL) / 2))
    if shift > 30:  # beyond this nctdtr loses its digits, and the power is 1
        return 1.0 if shift > bound + 10 else 0.0
    return 1 - float(nctdtr(freedom, shift, bound)) + float(nctdtr(freedom, shift, -bound))
