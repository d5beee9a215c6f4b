"""What a data set report counts: copies, contradicting labels, what subsets share, missing values, groups, times, lengths.

Arrays in, plain numbers out; how they look on a page is the subject of `sections.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.columns import IndexArray, Inputs, StrArray, Table, Texts, Tokens
from projectkit.datasets.samples import WITHHELD, Samples

MISSING = "�"  # what a decoder writes where a character was lost


@dataclass(frozen=True)
class Copies:
    """How often inputs repeat.

    Args:
        rows: rows with an earlier copy.
        largest: rows of the largest cluster.
        conflicts: clusters whose rows have different labels.
        conflicting_rows: the rows of these clusters.
        example: row of the largest cluster with conflicting labels, else of the largest cluster; None: nothing repeats.
    """

    rows: int
    largest: int
    conflicts: int
    conflicting_rows: int
    example: int | None


@dataclass(frozen=True)
class Overlap:
    """What two subsets share.

    Args:
        earlier: the subset that a model has met.
        later: the subset that it is tested on.
        equal: rows of `later` whose input is in `earlier` too.
        near: the same with what the card counts as copies.
        groups: groups in both; None where the data has none.
        of: rows of `later`.
    """

    earlier: str
    later: str
    equal: int
    near: int
    groups: int | None
    of: int


def count_copies(first: IndexArray, labels: IndexArray) -> Copies:
    """Count clusters of copies.

    Args:
        first: (n,) the first row of each row's cluster.
        labels: (n,) class indices; withheld ones contradict nothing.
    """
    _, cluster, sizes = np.unique(first, return_inverse=True, return_counts=True)
    known = labels != WITHHELD
    pairs = np.unique(np.stack([cluster[known], labels[known]]), axis=1)
    conflicting = np.bincount(pairs[0], minlength=len(sizes)) > 1
    worth = np.where(conflicting, sizes + len(labels), sizes)
    return Copies(
        rows=len(first) - len(sizes),
        largest=int(sizes.max(initial=0)),
        conflicts=int(conflicting.sum()),
        conflicting_rows=int(sizes[conflicting].sum()),
        example=int(np.argmax(cluster == worth.argmax())) if (sizes > 1).any() else None,
    )


def overlaps(
    subsets: Mapping[str, IndexArray], equal: IndexArray, near: IndexArray, groups: StrArray | None
) -> list[Overlap]:
    """What each pair of train, val and test shares.

    Args:
        subsets: subset name -> rows.
        equal: (n,) first row with the same input.
        near: (n,) first row of what the card counts as copies.
        groups: (n,) or None.
    """
    return [
        Overlap(
            earlier=earlier,
            later=later,
            equal=_met(equal, subsets[earlier], subsets[later]),
            near=_met(near, subsets[earlier], subsets[later]),
            groups=None if groups is None else len(np.intersect1d(groups[subsets[earlier]], groups[subsets[later]])),
            of=len(subsets[later]),
        )
        for earlier, later in (("train", "val"), ("train", "test"), ("val", "test"))
    ]


def missing_values(x: Inputs) -> dict[str, int]:
    """Name of what can be missing of an input -> rows that miss it; only what is missing somewhere."""
    found = {}
    if isinstance(x, Texts | Tokens):
        found["empty"] = int((np.diff(x.offsets) == 0).sum())
        if isinstance(x, Texts):
            found["lost characters (U+FFFD)"] = sum(MISSING in text for text in x)
    elif isinstance(x, Table):
        found |= {name: int(np.isnan(x.numeric[:, index]).sum()) for index, name in enumerate(x.numeric_names)}
        found |= {name: int((x.categorical[:, index] == "").sum()) for index, name in enumerate(x.categorical_names)}
    elif x.dtype.kind == "f":
        found["not a number"] = int(np.isnan(x.reshape(len(x), -1)).any(axis=1).sum())
    return {name: count for name, count in found.items() if count}


def withheld_labels(samples: Samples) -> dict[str, int]:
    """Target -> rows whose label only the course has; only targets with such rows."""
    counts = {target: int((labels == WITHHELD).sum()) for target, labels in samples.y.items()}
    return {target: count for target, count in counts.items() if count}


def constant_columns(table: Table) -> list[str]:
    """Columns that have one value everywhere."""
    numeric = [
        name
        for index, name in enumerate(table.numeric_names)
        if len(np.unique(table.numeric[:, index], equal_nan=True)) < 2
    ]
    return numeric + [
        name for index, name in enumerate(table.categorical_names) if len(np.unique(table.categorical[:, index])) < 2
    ]


def lengths(x: Texts | Tokens) -> IndexArray:
    """Characters of each text, tokens of each sequence, (n,)."""
    if isinstance(x, Texts):
        leads = (x.values & 0xC0) != 0x80  # each UTF-8 character has one byte that leads
        starts = np.concatenate([[0], np.cumsum(leads)])
        return np.diff(starts[x.offsets]).astype(np.int64)
    return np.diff(x.offsets)


def telling_columns(table: Table, labels: IndexArray, most: int) -> list[int]:
    """The numeric columns whose ranks differ most between the classes, the strongest first.

    Source: Kruskal & Wallis 1952, "Use of ranks in one-criterion variance analysis": the share of the ranks' variance between classes.
    """
    strength = []
    for index in range(len(table.numeric_names)):
        values = table.numeric[:, index]
        kept = np.isfinite(values) & (labels != WITHHELD)
        _, inverse, counts = np.unique(values[kept], return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # ties share their mean rank
        strength.append(_share_between(ranks, labels[kept]))
    order = np.argsort(-np.array(strength), kind="stable")
    return [int(index) for index in order[:most] if strength[index] > 0]


def time_ranges(subsets: Mapping[str, IndexArray], times: NDArray[Any]) -> dict[str, tuple[Any, Any]]:
    """Subset -> its first and last time."""
    return {name: (times[rows].min(), times[rows].max()) for name, rows in subsets.items() if len(rows)}


def group_counts(subsets: Mapping[str, IndexArray], groups: StrArray) -> dict[str, tuple[int, int]]:
    """Subset -> how many groups it has, and the rows of the largest of them."""
    found = {}
    for name, rows in subsets.items():
        _, counts = np.unique(groups[rows], return_counts=True)
        found[name] = (len(counts), int(counts.max(initial=0)))
    return found


def _met(first: IndexArray, earlier: IndexArray, later: IndexArray) -> int:
    return int(np.isin(first[later], first[earlier]).sum())


def _share_between(values: NDArray[np.float64], labels: IndexArray) -> float:
    whole = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    if whole == 0:
        return 0.0
    sums, counts = np.bincount(labels, weights=values), np.bincount(labels)
    filled = counts > 0
    return float((counts[filled] * (sums[filled] / counts[filled] - values.mean()) ** 2).sum() / whole)
