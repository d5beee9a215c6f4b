"""Differences that stand between the tests: of two intervals alone, of one number and several seeds, of two regressions.

The tests of predictions, seeds and folds are those of `metrics`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from projectkit.metrics import Difference
from projectkit.runs.evidence import Matched

LEVEL = 0.95


def of_intervals(one: Mapping[str, Any], other: Mapping[str, Any]) -> Difference | None:
    """The difference of two numbers from their intervals, as if the samples of the two were not the same: wider than a paired one.

    Source: Zou & Donner 2008 (MOVER).
    """
    ends = [one.get(key) for key in ("value", "low", "high")] + [other.get(key) for key in ("value", "low", "high")]
    known = [float(end) for end in ends if isinstance(end, int | float)]
    if len(known) < 6 or not all(map(math.isfinite, known)):
        return None
    a, a_low, a_high, b, b_low, b_high = known
    low, high = a - b - math.hypot(a - a_low, b_high - b), a - b + math.hypot(a_high - a, b - b_low)
    return Difference(a - b, low, high, None, "mover", "no test, the two intervals alone")


def one_and_seeds(one: Sequence[float], other: Sequence[float], *, fixed: bool) -> Difference:
    """One number against several: whether it could be a further draw of theirs, or where it is fixed their mean.

    Args:
        one: a number, or the several.
        other: the other of the two.
        fixed: the one is no draw: a baseline, which a seed hardly moves, is taken as it is.

    Source: Crawford & Howell 1998, "Comparing an individual's test score against norms derived from small samples"; fixed: Student's t.
    """
    from scipy import stats

    several, single = (other, one[0]) if len(one) == 1 else (one, other[0])
    sign, k = (1 if len(one) == 1 else -1), len(several)
    mean = sum(several) / k
    error = math.sqrt(sum((value - mean) ** 2 for value in several) / (k - 1) * ((0 if fixed else 1) + 1 / k))
    value = sign * (single - mean)
    half = error * float(stats.t.ppf((1 + LEVEL) / 2, k - 1))
    p = (
        2 * float(stats.t.sf(abs(value) / error, k - 1)) if error > 0 else None
    )  # the same number from every seed says nothing
    test = f"t test of {k} seeds against {'a fixed number' if fixed else 'one further seed'}"
    return Difference(value, value - half, value + half, p, "t", test)


def regressed(pair: Matched, metric: str) -> Difference:
    """Of two predictions of a number, by drawing the samples again; there is no test of it, so that the interval decides."""
    from projectkit.metrics import bootstrap, regression

    measure = getattr(regression, metric)
    arrays = [each.reshape(len(pair.target), -1).astype("float64") for each in (pair.target, *pair.scores)]
    found = bootstrap(lambda true, a, b: measure(true, a) - measure(true, b), arrays, groups=pair.group)
    return Difference(found.value, found.low, found.high, None, found.method, "none: the paired interval alone")
