"""What an interval is, and the intervals of shares: exact, Wilson's, and Wilson's with a variance that is known otherwise.

`bootstrap.py` has the interval of any number, `classifier_intervals.py` those of a classifier's metrics.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Interval:
    """A number, its confidence interval, and how it was made: `wilson`, `bca`, `delong` ..."""

    value: float
    low: float
    high: float
    method: str

    def as_dict(self) -> dict[str, float | str]:
        """As it stands in `evaluation/<subset>.json`."""
        return asdict(self)


def checked_level(level: float) -> float:
    """The level, if it is a share."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, not between 0 and 1")
    return level


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> Interval:
    """The exact interval of a share: it holds the true share in at least `level` of the draws, in most cases in more.

    Args:
        hits: how many of the samples count, 0 to n.
        n: how many samples there are, at least 1.
        level: in (0, 1).

    Raises:
        ValueError: hits outside [0, n], or no samples.

    Source: Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial".
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} of {n} is no share")
    from scipy.special import betaincinv

    tail = (1 - checked_level(level)) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return Interval(hits / n, low, high, "clopper-pearson")


def wilson(share: float, n: float, level: float) -> Interval:
    """Wilson's score interval of a share of `n` samples.

    Source: Wilson 1927; recommended by Brown, Cai & DasGupta 2001, "Interval estimation for a binomial proportion".
    """
    return _score_interval(share, n, _NORMAL.inv_cdf((1 + level) / 2), "wilson")


def share_interval(share: float, variance: float, freedom: float, level: float, method: str) -> Interval:
    """Wilson's interval of a number in (0, 1) whose variance was estimated: of as many samples as would give that variance.

    Unlike value +- z standard errors it stays inside [0, 1] and reaches further towards one half, where the variance is larger.

    Args:
        share: the number, in (0, 1).
        variance: its squared standard error, above 0.
        freedom: degrees of freedom of that estimate; Student's t takes the place of the normal quantile.
        level: in (0, 1).
        method: how the variance was found.

    Source: Korn & Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts estimated from
    survey data": the effective sample size share (1 - share) / variance.
    """
    return _score_interval(share, share * (1 - share) / variance, student(freedom, level), method)


def student(freedom: float, level: float) -> float:
    """The quantile of Student's t that leaves (1 - level) / 2 above it; less than one degree of freedom counts as one."""
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1.0), (1 + checked_level(level)) / 2))


def normal_quantile(level: float) -> float:
    """The quantile of the normal distribution that leaves (1 - level) / 2 above it."""
    return _NORMAL.inv_cdf((1 + checked_level(level)) / 2)


def _score_interval(share: float, n: float, quantile: float, method: str) -> Interval:
    middle = (share + quantile**2 / (2 * n)) / (1 + quantile**2 / n)
    half = quantile / (1 + quantile**2 / n) * np.sqrt(share * (1 - share) / n + quantile**2 / (4 * n**2))
    # At a share of 0 or 1 the formula is exact; rounding must not leave the value outside.
    return Interval(
        share, min(share, max(0.0, float(middle - half))), max(share, min(1.0, float(middle + half))), method
    )
