"""How far a number may be trusted: confidence intervals over the draw of the evaluated samples.

| metric | method | where that gives no width (all right, a constant prediction, one sample of a class) |
|---|---|---|
| accuracy | Wilson's score interval | it always does |
| balanced_accuracy, f1_macro, mcc | BCa bootstrap of the confusion matrix | posterior of the confusion matrix |
| auroc | DeLong's variance on the logit scale | Wilson's interval a class, the classes combined |

They say nothing about another seed, another split or another time; each assumes that samples are drawn independently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.metrics.checks import checked
from projectkit.metrics.confusion import CONFUSION_METRICS, Array, Margins, confusion_matrix
from projectkit.metrics.ranking import auroc_and_average_precision, placements, ranked_classes

RESAMPLES = 2000
_CHUNK_NUMBERS = 4_000_000  # 32 MB at a time, whatever the number of classes
_ROUNDING = 1e-9  # draws that differ by less are the same number
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


def classification_intervals(
    target: ArrayLike, score: ArrayLike, *, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Intervals around accuracy, balanced accuracy, macro F1, MCC and AUROC as `classification_metrics` gives them.

    Args:
        target: true class indices, (n,).
        score: probabilities, (n, classes).
        level: share of draws in which the interval holds the true value, in (0, 1).
        seed: of the bootstrap; the same seed gives the same interval.

    Returns:
        metric name -> interval; `auroc` is absent where the targets are all of one class.

    Raises:
        UserError: as `classification_metrics`.
    """
    labels, scores = checked(target, score)
    checked_level(level)
    matrix = confusion_matrix(labels, scores.argmax(axis=1), scores.shape[1])
    values = {name: float(metric(Margins.of(matrix))) for name, metric in CONFUSION_METRICS.items()}
    intervals = {"accuracy": wilson(values.pop("accuracy"), len(labels), level)}
    intervals |= _confusion_intervals(matrix, values, level=level, seed=seed)
    auroc = _auroc_interval(labels, scores, level)
    return intervals if auroc is None else {**intervals, "auroc": auroc}


def checked_level(level: float) -> float:
    """The level, if it is a share."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, not between 0 and 1")
    return level


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> Interval:
    """The exact interval of a share: it holds the true share in at least `level` of the draws, in most of them in more.

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
    z = _NORMAL.inv_cdf((1 + level) / 2)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At a share of 0 or 1 the formula is exact; rounding must not leave the value outside.
    return Interval(
        share, min(share, max(0.0, float(middle - half))), max(share, min(1.0, float(middle + half))), "wilson"
    )


def _confusion_intervals(
    matrix: NDArray[np.int64], values: dict[str, float], *, level: float, seed: int
) -> dict[str, Interval]:
    """BCa intervals; drawing n samples again and again is drawing the cells of the matrix from a multinomial.

    Source: Efron 1987, "Better bootstrap confidence intervals"; ties count half in the bias correction.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(matrix)
    counts = matrix[rows, columns]
    n = int(counts.sum())
    drawn = _draws(lambda size: rng.multinomial(n, counts / n, size=size), rows, columns, len(matrix), list(values))
    missing = [name for name in values if np.ptp(drawn[name]) < _ROUNDING]
    posterior = _posterior_draws(matrix, missing, rng) if missing else {}
    left_out = _jackknife(matrix, rows, columns, [name for name in values if name not in missing])
    intervals = {}
    for name, value in values.items():
        if name in missing:
            low, high = np.quantile(posterior[name], [(1 - level) / 2, (1 + level) / 2])
        else:
            low, high = _bca(value, drawn[name], left_out[name], counts, level)
        method = "posterior" if name in missing else "bca"
        intervals[name] = Interval(value, min(value, float(low)), max(value, float(high)), method)
    return intervals


def _draws(
    draw: Callable[[int], NDArray[Any]],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    num_classes: int,
    names: list[str],
) -> dict[str, Array]:
    """Metrics of `RESAMPLES` random confusion matrices; `draw(size)` gives (size, cells) at rows and columns."""
    to_true = np.equal.outer(rows, np.arange(num_classes)).astype(np.float64)
    to_said = np.equal.outer(columns, np.arange(num_classes)).astype(np.float64)
    to_hits = to_true * to_said
    size = max(1, min(RESAMPLES, _CHUNK_NUMBERS // max(len(rows), num_classes)))
    chunks: dict[str, list[Array]] = {name: [] for name in names}
    for start in range(0, RESAMPLES, size):
        cells = draw(min(size, RESAMPLES - start)).astype(np.float64)
        margins = Margins(hits=cells @ to_hits, true=cells @ to_true, said=cells @ to_said)
        for name in names:
            chunks[name].append(CONFUSION_METRICS[name](margins))
    return {name: np.concatenate(parts) for name, parts in chunks.items()}


def _posterior_draws(matrix: NDArray[np.int64], names: list[str], rng: np.random.Generator) -> dict[str, Array]:
    """Metrics of confusion matrices drawn from the posterior under a prior of one sample in all, spread over the cells.

    With no mistake in n samples this gives the rule of three: a share of mistakes of up to about 3 / n.

    Source: Perks 1947, "Some observations on inverse probability"; the prior of Dirichlet(1 / cells).
    """
    true, said = matrix.any(axis=1), matrix.any(axis=0)
    rows, columns = (
        grid.ravel() for grid in np.meshgrid(np.flatnonzero(true), np.flatnonzero(true | said), indexing="ij")
    )
    weights = matrix[rows, columns] + 1 / len(rows)
    return _draws(lambda size: rng.dirichlet(weights, size=size), rows, columns, len(matrix), names)


def _jackknife(
    matrix: NDArray[np.int64], rows: NDArray[np.intp], columns: NDArray[np.intp], names: list[str]
) -> dict[str, Array]:
    """The metrics with one sample left out: samples of one cell are alike, so there is one value a cell."""
    whole, num_classes = Margins.of(matrix), len(matrix)
    left_true = np.equal.outer(rows, np.arange(num_classes)).astype(np.float64)
    left_said = np.equal.outer(columns, np.arange(num_classes)).astype(np.float64)
    margins = Margins(whole.hits - left_true * left_said, whole.true - left_true, whole.said - left_said)
    return {name: CONFUSION_METRICS[name](margins) for name in names}


def _bca(value: float, drawn: Array, left_out: Array, counts: NDArray[np.int64], level: float) -> Array:
    below = (np.sum(drawn < value) + np.sum(drawn == value) / 2) / len(drawn)
    bias = _NORMAL.inv_cdf(float(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn))))
    deviation = np.average(left_out, weights=counts) - left_out
    spread = np.sum(counts * deviation**2) ** 1.5
    acceleration = float(np.sum(counts * deviation**3) / (6 * spread)) if spread > 0 else 0.0
    shares = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        shifted = bias + _NORMAL.inv_cdf(share)
        shares.append(_NORMAL.cdf(bias + shifted / (1 - acceleration * shifted)))
    return np.asarray(np.quantile(drawn, shares))


def _auroc_interval(target: NDArray[np.int64], score: NDArray[Any], level: float) -> Interval | None:
    """DeLong's interval; of several classes, that of the mean, by the sum of each sample's influence on all of them.

    Source: DeLong et al. 1988 for the variance; Pepe 2003, "The statistical evaluation of medical tests", 5.2 for the
    logit.
    """
    ranking = auroc_and_average_precision(target, score)
    if ranking is None:
        return None
    value, classes = ranking[0], ranked_classes(target, score.shape[1])
    influence = np.zeros(len(target))
    alone = []
    for index in classes:
        positive = target == index
        area, own = _influence(positive, score[:, index])
        influence += own / len(classes)
        smaller = int(min(positive.sum(), (~positive).sum()))
        regular = smaller > 1 and own.any()
        alone.append(_logit(area, own, level) if regular else wilson(area, smaller, level))
    if all(interval.method == "delong" for interval in alone):
        return _logit(value, influence, level)
    return _combined(value, alone)


def _influence(positive: NDArray[np.bool_], score: NDArray[Any]) -> tuple[float, Array]:
    """The area under the ROC curve and each sample's share (n,) in its error; their squares add up to its variance."""
    of_positive, of_negative = placements(positive, score)
    area = float(of_positive.mean())
    influence = np.empty(len(score))
    for kind, placed in ((positive, of_positive), (~positive, of_negative)):
        influence[kind] = (placed - area) / np.sqrt(len(placed) * max(len(placed) - 1, 1))
    return area, influence


def _logit(area: float, influence: Array, level: float) -> Interval:
    """A normal interval of log(area / (1 - area)), which stays inside (0, 1)."""
    half = _NORMAL.inv_cdf((1 + level) / 2) * np.sqrt(np.sum(influence**2)) / (area * (1 - area))
    middle = np.log(area / (1 - area))
    low, high = 1 / (1 + np.exp(-np.array([middle - half, middle + half])))
    return Interval(area, float(low), float(high), "delong")


def _combined(value: float, alone: list[Interval]) -> Interval:
    """The interval of a mean from the intervals of its parts, taken as independent.

    Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general approach" (MOVER).
    """
    below = np.sqrt(sum((part.value - part.low) ** 2 for part in alone)) / len(alone)
    above = np.sqrt(sum((part.high - part.value) ** 2 for part in alone)) / len(alone)
    method = "wilson" if len(alone) == 1 else "mover"
    return Interval(value, max(0.0, float(value - below)), min(1.0, float(value + above)), method)
