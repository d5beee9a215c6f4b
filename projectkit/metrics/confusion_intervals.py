"""Intervals of the metrics that depend on the confusion matrix alone: balanced accuracy, macro F1, MCC.

Drawing n samples again is drawing the cells of the matrix from a multinomial, so 2,000 resamples cost milliseconds. Of groups,
whole matrices are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.metrics.bootstrap import RESAMPLES, ROUNDING, bca_ends
from projectkit.metrics.confusion import CONFUSION_METRICS, Array, Margins, confusion_matrix
from projectkit.metrics.influence import equal_groups
from projectkit.metrics.intervals import Interval, share_interval, wilson

_NAMES = ("balanced_accuracy", "f1_macro", "mcc")
CHUNK_NUMBERS = 4_000_000  # 32 MB at a time, whatever the number of classes
# Of two classes with fewer samples than this in the smaller one, the bootstrap covers 82 to 98 of 100; the posterior 93 to 95.
_FEW = 15
_ADDED = 2.0  # samples of the mean recall: with them 93 to 96 of 100 intervals of 3 to 40 classes hold the true value


def confusion_intervals(
    target: NDArray[np.int64],
    predicted: NDArray[np.int64],
    num_classes: int,
    *,
    level: float,
    seed: int,
    groups: NDArray[np.intp] | None,
) -> dict[str, Interval]:
    """Intervals of balanced accuracy, macro F1 and MCC.

    Args:
        target: class indices, (n,).
        predicted: class indices, (n,).
        num_classes: how many classes there are.
        level: in (0, 1).
        seed: of the draws.
        groups: numbers of the groups, (n,), or None.
    """
    rng = np.random.default_rng(seed)
    matrix = confusion_matrix(target, predicted, num_classes)
    values = {name: float(CONFUSION_METRICS[name](Margins.of(matrix))) for name in _NAMES}
    if groups is None:
        found = {"balanced_accuracy": balanced_interval(matrix, values["balanced_accuracy"], level)}
        resampled = not _rare(matrix)
        units, counts = _cells(matrix)
    else:
        found, resampled = {}, True
        units, counts = _matrices(target, predicted, num_classes, groups), np.ones(int(groups.max()) + 1)
    told = float(counts.sum()) if groups is None else equal_groups(groups)
    names = [name for name in _NAMES if name not in found]
    by = "" if groups is None else " by group"
    drawn = resampled_metrics([units], counts, names, rng)[0] if resampled else {}
    known = [name for name in drawn if np.ptp(drawn[name]) >= ROUNDING]
    for name in known:
        left_out = metrics_left_out(units, counts, name)
        ends = bca_ends(values[name], drawn[name], left_out, level=level, units=told, weights=counts)
        found[name] = _around(values[name], *ends, "bca" + by)
    others = [name for name in names if name not in known]
    for name, draws in _posterior(matrix, others, rng, None if groups is None else len(counts)).items():
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        found[name] = _around(values[name], float(low), float(high), "posterior" + by)
    return {name: found[name] for name in _NAMES}


def balanced_interval(matrix: NDArray[np.int64], value: float, level: float) -> Interval:
    """The interval of a mean of recalls, which are independent.

    Of two classes from Wilson's interval of each (MOVER). Of more that would be too low, in 12 of 100 draws of 10 classes with 20 samples
    each: a recall of 1 has no room above, so that what is missing there does not add up. Their variances do, taken with two more samples
    a class of the mean recall, for a class without a mistake would have none.

    Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general approach" (MOVER); the effective sample
    size as in `share_interval`.
    """
    sizes = matrix.sum(axis=1)
    there = np.flatnonzero(sizes)
    hits, sizes = np.diagonal(matrix)[there], sizes[there]
    if len(there) < 3 or not 0 < value < 1:
        parts = [wilson(float(hit / size), int(size), level) for hit, size in zip(hits, sizes, strict=True)]
        return combined(value, parts)
    recall = (hits + _ADDED * value) / (sizes + _ADDED)
    variance = float(np.sum(recall * (1 - recall) / sizes)) / len(there) ** 2
    return share_interval(value, variance, float(sizes.sum() - len(there)), level, "wilson")


def combined(value: float, parts: Sequence[Interval]) -> Interval:
    """The interval of a mean in [0, 1] from the intervals of its parts, taken as independent (MOVER)."""
    below = np.sqrt(sum((part.value - part.low) ** 2 for part in parts)) / len(parts)
    above = np.sqrt(sum((part.high - part.value) ** 2 for part in parts)) / len(parts)
    method = "wilson" if len(parts) == 1 else "mover"
    return Interval(value, max(0.0, float(value - below)), min(1.0, float(value + above)), method)


def _around(value: float, low: float, high: float, method: str) -> Interval:
    return Interval(value, min(value, low), max(value, high), method)


def _rare(matrix: NDArray[np.int64]) -> bool:
    sizes = matrix.sum(axis=1)
    return len(matrix) == 2 and bool(sizes[sizes > 0].min() < _FEW)


def _cells(matrix: NDArray[np.int64]) -> tuple[Margins, Array]:
    """Each occupied cell of the matrix as the margins of one sample, (cells, classes), and how many samples it has."""
    rows, columns = np.nonzero(matrix)
    true = np.equal.outer(rows, np.arange(len(matrix))).astype(np.float64)
    said = np.equal.outer(columns, np.arange(len(matrix))).astype(np.float64)
    return Margins(true * said, true, said), matrix[rows, columns].astype(np.float64)


def _matrices(
    target: NDArray[np.int64], predicted: NDArray[np.int64], num_classes: int, groups: NDArray[np.intp]
) -> Margins:
    """The margins of each group, (groups, classes)."""
    shape = (int(groups.max()) + 1, num_classes)
    hits, true, said = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    right = target == predicted
    np.add.at(hits, (groups[right], target[right]), 1)
    np.add.at(true, (groups, target), 1)
    np.add.at(said, (groups, predicted), 1)
    return Margins(hits, true, said)


def resampled_metrics(
    sides: Sequence[Margins], counts: Array, names: Sequence[str], rng: np.random.Generator
) -> tuple[dict[str, Array], ...]:
    """Metrics of `RESAMPLES` draws of as many units as there are.

    Args:
        sides: of each classifier on the same samples, the margins of one unit of each kind (a cell of the matrix, a group),
            (kinds, classes) each.
        counts: how many units of each kind there are, (kinds,).
        names: of `CONFUSION_METRICS`.
        rng: of the draws.

    Returns:
        Of each classifier, metric name -> (RESAMPLES,); the same row is the same resample.
    """
    n = int(counts.sum())
    if n == len(counts):  # each kind occurs once, as groups do: to draw them one by one is ten times as fast
        return _draws(lambda size: _times(rng.integers(0, n, (size, n))), sides, names)
    return _draws(lambda size: rng.multinomial(n, counts / n, size=size), sides, names)


def _times(drawn: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each of n units is in each row of (rows, n) drawn ones, (rows, n)."""
    rows, n = drawn.shape
    return np.bincount((drawn + np.arange(rows)[:, None] * n).ravel(), minlength=rows * n).reshape(rows, n)


def metrics_left_out(units: Margins, counts: Array, name: str) -> Array:
    """A metric without one unit of each kind in turn, (kinds,)."""
    whole = Margins(counts @ units.hits, counts @ units.true, counts @ units.said)
    return CONFUSION_METRICS[name](Margins(whole.hits - units.hits, whole.true - units.true, whole.said - units.said))


def _draws(
    draw: Callable[[int], NDArray[Any]], sides: Sequence[Margins], names: Sequence[str]
) -> tuple[dict[str, Array], ...]:
    """Metrics of `RESAMPLES` random matrices; `draw(size)` gives how often each unit is in each, (size, units)."""
    size = max(1, min(RESAMPLES, CHUNK_NUMBERS // max(sides[0].true.shape)))
    chunks: tuple[dict[str, list[Array]], ...] = tuple({name: [] for name in names} for _ in sides)
    for start in range(0, RESAMPLES, size):
        times = draw(min(size, RESAMPLES - start)).astype(np.float64)
        for units, found in zip(sides, chunks, strict=True):
            margins = Margins(hits=times @ units.hits, true=times @ units.true, said=times @ units.said)
            for name in names:
                found[name].append(CONFUSION_METRICS[name](margins))
    return tuple({name: np.concatenate(parts) for name, parts in found.items()} for found in chunks)


def _posterior(
    matrix: NDArray[np.int64], names: Sequence[str], rng: np.random.Generator, samples: int | None
) -> dict[str, Array]:
    """Metrics of matrices drawn from the posterior of the cells.

    Two classes that occur: half a sample a cell before any was seen (Jeffreys). Else one sample in all, spread over the cells, for
    half a sample in each of many empty cells would outweigh the samples. With no mistake in n samples either gives about the rule of
    three: a share of mistakes of up to 3 / n. Of groups, as many samples count as there are groups.

    Source: Perks 1947, "Some observations on inverse probability"; Jeffreys 1946, "An invariant form for the prior probability".
    """
    if not names:
        return {}
    true, said = matrix.any(axis=1), matrix.any(axis=0)
    rows, columns = (
        grid.ravel() for grid in np.meshgrid(np.flatnonzero(true), np.flatnonzero(true | said), indexing="ij")
    )
    seen = matrix[rows, columns] * (1.0 if samples is None else samples / matrix.sum())
    weights = seen + (0.5 if len(rows) == 4 else 1 / len(rows))
    cells = np.zeros_like(matrix)
    cells[rows, columns] = 1
    return _draws(lambda size: rng.dirichlet(weights, size=size), [_cells(cells)[0]], names)[0]
