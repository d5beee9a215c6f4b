"""Dealing out units (rows, or groups of rows that stay together) to subsets and folds, class by class.

A unit is known by its first row, and counts for that row's class. The order in which units are dealt is that of BLAKE2 of seed and key,
so it is the same on every machine and with every version of numpy.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.columns import IndexArray, StrArray

Column: TypeAlias = NDArray[Any]
"""(n,) names or numbers: rows with equal ones belong together."""


def units(groups: Column | None, rows: IndexArray) -> tuple[IndexArray, IndexArray]:
    """What is moved as one: the first row of each unit, and for each of `rows` the first row of its unit."""
    if groups is None:
        return rows, rows
    _, first, inverse = np.unique(groups[rows], return_index=True, return_inverse=True)
    return np.sort(rows[first]), rows[first][inverse]


def sizes(leaders: IndexArray, member_of: IndexArray) -> IndexArray:
    """How many rows each unit has."""
    return np.bincount(np.searchsorted(leaders, member_of), minlength=len(leaders)).astype(np.int64)


def cut(
    leaders: IndexArray,
    keys: StrArray,
    labels: IndexArray,
    fractions: Mapping[str, float],
    seed: int,
    weights: IndexArray | None = None,
) -> dict[str, IndexArray]:
    """Deal the units of each class to the subsets of `fractions`; what remains is train. Without `weights` every unit counts as one."""
    if weights is None:
        weights = np.ones(len(leaders), dtype=np.int64)
    parts: dict[str, list[IndexArray]] = {name: [np.zeros(0, dtype=np.int64)] for name in ("train", *fractions)}
    for label in np.unique(labels[leaders]):
        of_class = np.flatnonzero(labels[leaders] == label)
        ordered = of_class[_order(keys[leaders[of_class]], seed)]
        total = int(weights[ordered].sum())
        for name, fraction in fractions.items():
            chosen = _fill(weights[ordered], total * fraction)
            parts[name].append(leaders[ordered[chosen]])
            ordered = ordered[~chosen]
        parts["train"].append(leaders[ordered])
    return {name: np.sort(np.concatenate(part)) for name, part in parts.items()}


def _fill(weights: IndexArray, wanted: float) -> NDArray[np.bool_]:
    """Which units, taken in their order, make about `wanted` rows: one at least and all but one at most, where there are two."""
    chosen = np.zeros(len(weights), dtype=bool)
    if len(weights) < 2:
        return chosen
    filled = 0
    for number, weight in enumerate(weights.tolist()):
        if filled + weight / 2 <= wanted:  # nearer to the share with this unit than without it
            chosen[number] = True
            filled += weight
    if not chosen.any():
        chosen[weights.argmin()] = True
    if chosen.all():
        chosen[-1] = False
    return chosen


def deal(
    leaders: IndexArray, keys: StrArray, labels: IndexArray, weights: IndexArray, folds: int, seed: int
) -> IndexArray:
    """The fold of each unit: class by class, the largest units first, each to the fold with the fewest rows of its class."""
    fold_of = np.zeros(len(leaders), dtype=np.int64)
    rows_in = [0] * folds
    for label in np.unique(labels[leaders]):
        of_class = np.flatnonzero(labels[leaders] == label)
        ordered = of_class[_order(keys[leaders[of_class]], seed)]
        ordered = ordered[np.argsort(-weights[ordered], kind="stable")]
        # folds with equally many rows of the class are served by how few they have in all: no fold gets every class's remainder
        heap = [(0, rows_in[number], number) for number in range(folds)]
        for unit, size in zip(ordered.tolist(), weights[ordered].tolist(), strict=True):
            filled, before, number = heap[0]
            heapq.heapreplace(heap, (filled + size, before, number))
            fold_of[unit] = number
            rows_in[number] += size
    return fold_of


def _order(keys: StrArray, seed: int) -> IndexArray:
    """An order of the keys that depends on seed and keys alone."""
    prefix = f"{seed}:"
    hashes = [
        hashlib.blake2b((prefix + key).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for key in keys.tolist()
    ]
    return np.array(sorted(range(len(hashes)), key=hashes.__getitem__), dtype=np.int64)
