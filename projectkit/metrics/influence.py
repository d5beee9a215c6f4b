"""What each sample adds to the error of a number: the squares add up to its variance, also over groups and over two models.

A number that is smooth in the samples is, up to terms that vanish, its true value plus a sum of independent shares, one a sample.
From the shares follow the variance (sum of squares), that of dependent samples (add up within groups first) and that of a difference
of two models on the same samples (subtract first).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.metrics.ranking import area_and_precision, placements, ranked_classes

Array = NDArray[np.float64]

_LEAST_SEEN = 1e-9  # of a single group no variance is seen at all


@dataclass(frozen=True)
class Influence:
    """A mean over the ranked classes.

    Args:
        value: the number.
        shares: of each sample in the number's error, (n,); their squares add up to the variance.
        sizes: of each class whose samples tell nothing about the variance (one sample, or a perfect order): value and smaller count.
        classes: how many classes are ranked.
        model_variance: what the variance would be under a textbook form of the score distributions; 0 where none is used.
    """

    value: float
    shares: Array
    sizes: tuple[tuple[float, int], ...]
    classes: int
    model_variance: float = 0.0


def auroc_influence(target: NDArray[np.int64], score: NDArray[Any]) -> Influence | None:
    """Of the area under the ROC curve, as `classification_metrics` defines it; None where the targets are all of one class.

    Args:
        target: class indices (n,).
        score: probabilities (n, classes).

    Source: DeLong et al. 1988, "Comparing the areas under two or more correlated ROC curves: a nonparametric approach".
    """
    classes = ranked_classes(target, score.shape[1])
    if not classes:
        return None
    areas, unknown, shares, model = [], [], np.zeros(len(target)), 0.0
    for index in classes:
        positive = target == index
        area, own = _area_influence(positive, score[:, index])
        smaller = int(min(positive.sum(), (~positive).sum()))
        areas.append(area)
        if smaller < 2 or not own.any():
            unknown.append((area, smaller))
            continue
        shares += own / len(classes)
        model += _model_variance(area, int(positive.sum()), int((~positive).sum())) / len(classes) ** 2
    return Influence(float(np.mean(areas)), shares, tuple(unknown), len(classes), model)


def average_precision_influence(target: NDArray[np.int64], score: NDArray[Any]) -> Influence | None:
    """Of the average precision, from its values with each sample left out in turn; None where the targets are of one class.

    Source: Efron & Stein 1981, "The jackknife estimate of variance".
    """
    classes, n = ranked_classes(target, score.shape[1]), len(target)
    if not classes:
        return None
    values, unknown, shares = [], [], np.zeros(n)
    for index in classes:
        positive = target == index
        value = area_and_precision(positive, score[:, index])[1]
        values.append(value)
        smaller = int(min(positive.sum(), (~positive).sum()))
        left_out = _precision_left_out(positive, score[:, index]) if smaller > 1 else np.full(n, value)
        if np.ptp(left_out) < 1e-12:
            unknown.append((value, smaller))
            continue
        shares += (left_out.mean() - left_out) * np.sqrt((n - 1) / n) / len(classes)
    return Influence(float(np.mean(values)), shares, tuple(unknown), len(classes))


def within_groups(shares: NDArray[Any], groups: NDArray[np.intp] | None) -> Array:
    """The shares (n,) added up within groups, (groups,), times the factor that makes their squares' sum unbiased.

    Of k groups of one size the factor is the root of k / (k - 1). A large group draws the mean towards itself and so hides more.
    """
    if groups is None:
        return shares
    return np.asarray(np.bincount(groups, weights=shares) / np.sqrt(variance_seen(groups)))


def variance_seen(groups: NDArray[np.intp]) -> float:
    """The share of a mean's variance that the squares of what its groups add, taken about that mean, show on average.

    1 - 1 / k of k groups of one size, less where few groups are large; 1 for a single group, of which nothing is seen.
    """
    size = np.bincount(groups) / len(groups)
    squares = float(np.sum(size**2))
    seen = 1 - 2 * float(np.sum(size**3)) / squares + squares
    return seen if seen > _LEAST_SEEN else 1.0


def equal_groups(groups: NDArray[np.intp]) -> float:
    """How many groups of one size tell as much about a variance as these do: as many as there are where their sizes are equal.

    Source: Satterthwaite 1946, "An approximate distribution of estimates of variance components", of groups whose means vary alike.
    """
    squares = np.bincount(groups).astype(np.float64) ** 2
    return float(np.sum(squares) ** 2 / np.sum(squares**2))


def by_group(shares: Array, target: NDArray[np.int64], groups: NDArray[np.intp] | None) -> Array:
    """The shares (n,) added up within groups, (groups,), where the number is a mean within each class, as AUROC is.

    Each class's shares are taken about their own mean, so that what few groups of a class lack in spread is made up class by class.

    Source: Bell & McCaffrey 2002, "Bias reduction in standard errors for linear regression with multi-stage samples": the form of the
    jackknife, 1 / (1 - w) for a group with a share w of the class, k / (k - 1) for k groups of one size.
    """
    if groups is None:
        return shares
    scaled = shares.copy()
    for index in np.unique(target):
        own = target == index
        rest = 1 - np.bincount(groups[own])[groups[own]] / own.sum()
        scaled[own] /= np.where(rest > 0, rest, 1.0)
    return np.asarray(np.bincount(groups, weights=scaled), dtype=np.float64)


def degrees_of_freedom(shares: Array, target: NDArray[np.int64], groups: NDArray[np.intp] | None) -> float:
    """How well the variance is known: a class of few samples that gives most of it counts for few.

    Args:
        shares: of each sample, (n,).
        target: class indices, (n,).
        groups: numbers of the groups, (n,), or None.

    Source: Satterthwaite 1946, "An approximate distribution of estimates of variance components".
    """
    parts: list[float] = []
    counts: list[float] = []
    for index in np.unique(target):
        own = target == index
        summed = shares[own] if groups is None else np.bincount(groups[own], weights=shares[own])
        parts.append(float(np.sum(summed**2)))
        counts.append(float(own.sum()) if groups is None else equal_groups(groups[own]))
    spread = sum(part**2 / max(count - 1, 1.0) for part, count in zip(parts, counts, strict=True))
    return sum(parts) ** 2 / spread if spread > 0 else max(min(counts) - 1, 1.0)


def _area_influence(positive: NDArray[np.bool_], score: NDArray[Any]) -> tuple[float, Array]:
    of_positive, of_negative = placements(positive, score)
    area = float(of_positive.mean())
    shares = np.empty(len(score))
    for kind, placed in ((positive, of_positive), (~positive, of_negative)):
        shares[kind] = (placed - area) / np.sqrt(len(placed) * max(len(placed) - 1, 1))
    return area, shares


def _model_variance(area: float, positives: int, negatives: int) -> float:
    """Newcombe 2006, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2", method 5."""
    pairs = (positives + negatives) / 2 - 1
    bend = (1 - area) / (2 - area) + area / (1 + area)
    return area * (1 - area) * (1 + pairs * bend) / (positives * negatives)


def _precision_left_out(positive: NDArray[np.bool_], score: NDArray[Any]) -> Array:
    """The average precision without each sample in turn, (n,), from sums over the thresholds; two positives or more.

    Leaving out a sample changes the precision at the thresholds that it reaches, and at no other.
    """
    level = np.unique(score, return_inverse=True)[1].reshape(-1)
    hits = np.bincount(level, weights=positive)
    reached = np.bincount(level).astype(np.float64)[::-1].cumsum()[::-1]
    caught = hits[::-1].cumsum()[::-1]
    total = hits.sum()
    above = np.append(
        (hits * caught / reached)[::-1].cumsum()[::-1][1:], 0.0
    )  # thresholds that the sample does not reach
    fewer = np.maximum(reached - 1, 1)  # the highest threshold may be reached by the sample alone; its term is then 0
    negative = (above + (hits * caught / fewer).cumsum()) / total
    without = (hits * (caught - 1) / fewer).cumsum() - (caught - 1) / fewer  # the sample's own step is gone, too
    positives = (above + without) / (total - 1)
    return np.asarray(np.where(positive, positives[level], negative[level]))
