"""Clusters of rows, each known by its first row: rows that are equal in a column, or that a test finds alike.

Being alike is not transitive, a cluster is: rows at both ends of a chain are in one cluster though they may differ much. It has to be so
where no two rows that are alike may stand in two subsets; how long the chains get is a matter of the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.columns import IndexArray

Alike: TypeAlias = Callable[[IndexArray, IndexArray], NDArray[np.bool_]]
"""Whether rows `left[i]` and `right[i]` are alike, for each i."""


def joined(count: int, *columns: NDArray[Any] | None) -> IndexArray:
    """Rows that are equal in any column are one cluster, and so are clusters that share a row.

    Args:
        count: of the rows.
        columns: (count,) names or numbers each; None is passed over.

    Returns:
        (count,) the first row of each row's cluster.
    """
    rows = np.arange(count, dtype=np.int64)
    cluster = rows
    for column in columns:
        if column is not None:
            _, first, inverse = np.unique(column, return_index=True, return_inverse=True)
            cluster = _linked(cluster, rows, first[inverse])
    return cluster


def joined_if_alike(count: int, bands: Iterable[NDArray[Any]], alike: Alike) -> IndexArray:
    """Rows that are equal in any band are compared, and those that are alike are one cluster.

    Args:
        count: of the rows.
        bands: (count,) keys each; only rows with an equal key are compared.
        alike: decides.

    Returns:
        (count,) the first row of each row's cluster.
    """
    cluster = np.arange(count, dtype=np.int64)
    for keys in bands:
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if count else order
        bucket = np.cumsum(np.bincount(begins, minlength=count)) - 1
        place, distance = np.arange(count), 1
        while True:  # every row of a bucket with the one `distance` places behind it
            place = place[place + distance < count]
            place = place[bucket[place] == bucket[place + distance]]
            if not len(place):
                break
            left, right = order[place], order[place + distance]
            apart = cluster[left] != cluster[right]
            left, right = left[apart], right[apart]
            found = alike(left, right)
            cluster = _linked(cluster, left[found], right[found])
            if distance & (distance - 1) == 0:  # at 1, 2, 4, ...: buckets that have become one cluster are done
                members = cluster[order]
                one = np.minimum.reduceat(members, begins) == np.maximum.reduceat(members, begins)
                place = place[~one[bucket[place]]]
            distance += 1
    return cluster


def _linked(cluster: IndexArray, left: IndexArray, right: IndexArray) -> IndexArray:
    """`cluster` (first row of each row's cluster) after the clusters of `left[i]` and `right[i]` have become one, for each i."""
    while len(left):
        ends = np.stack([cluster[left], cluster[right]])
        apart = ends[0] != ends[1]
        left, right, ends = left[apart], right[apart], ends[:, apart]
        if not len(left):
            break
        cluster = cluster.copy()
        np.minimum.at(cluster, ends.max(axis=0), ends.min(axis=0))
        while (
            cluster[cluster] != cluster
        ).any():  # a first row that now belongs to an earlier one takes its rows along
            cluster = cluster[cluster]
    return cluster
