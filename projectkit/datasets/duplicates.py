"""Which samples are copies of one another: equal inputs, and nearly equal ones where a card says so.

`copies` gives each row the number of the first row of its cluster. A model that met a copy of a test sample in training is tested on its
memory; splits keep each cluster in one subset.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import NearDuplicates
from projectkit.datasets.columns import IndexArray, Inputs, Table, Texts, Tokens
from projectkit.errors import WorkError


def copies(x: Inputs, near: NearDuplicates | None = None) -> IndexArray:
    """The first row of each row's cluster of copies.

    Args:
        x: inputs of n samples, of any modality.
        near: what counts as a copy beyond equal inputs; None: equal inputs alone.

    Returns:
        (n,) row numbers; a row without an earlier copy has its own.

    Raises:
        WorkError: the method is for inputs of another form.
    """
    exact = _first_of_each(_row_digests(x))
    if near is None:
        return exact
    if near.method == "masked" and isinstance(x, Texts):
        return _first_of_each(masked(text) or text for text in x)
    raise WorkError(
        f"near duplicates by '{near.method}' are not for {type(x).__name__}", remedy="mend the card's near_duplicates"
    )


def masked(text: str) -> str:
    """What a text has in common with its copies: lower case, each number as `0`, everything else but letters as one space.

    Example:
        >>> masked("Call 0906 123 now!")
        'call 0 0 now'
    """
    return re.sub(r"\W+", " ", re.sub(r"\d+", "0", text.lower())).strip()


def joined(count: int, *columns: NDArray[Any] | None) -> IndexArray:
    """Rows that are equal in any column are one cluster, and so are clusters that share a row.

    Args:
        count: of the rows.
        columns: (count,) names or numbers each; None is passed over.

    Returns:
        (count,) the first row of each row's cluster.
    """
    cluster = np.arange(count, dtype=np.int64)
    for column in columns:
        if column is not None:
            _, first, inverse = np.unique(column, return_index=True, return_inverse=True)
            cluster = _linked(cluster, np.arange(count, dtype=np.int64), first[inverse])
    return cluster


def _linked(cluster: IndexArray, left: IndexArray, right: IndexArray) -> IndexArray:
    """`cluster` (first row of each row's cluster) after the clusters of `left[i]` and `right[i]` have become one, for each i."""
    root = cluster.copy()
    while True:
        ends = np.stack([root[left], root[right]])
        apart = ends[0] != ends[1]
        if not apart.any():
            return root
        left, right, ends = left[apart], right[apart], ends[:, apart]
        np.minimum.at(root, ends.max(axis=0), ends.min(axis=0))
        while (root[root] != root).any():  # a root that was hung below a smaller one takes its rows along
            root = root[root]


def _first_of_each(keys: Iterable[Hashable]) -> IndexArray:
    """For each key the row at which it was met first."""
    first: dict[Hashable, int] = {}
    return np.array([first.setdefault(key, row) for row, key in enumerate(keys)], dtype=np.int64)


def _row_digests(x: Inputs) -> Iterable[bytes]:
    """128 bits of each row's content; equal numbers are equal rows, however they are written (-0.0, kinds of NaN)."""
    if isinstance(x, Texts | Tokens):
        buffer = memoryview(np.ascontiguousarray(x.values).data).cast("B")
        bounds = (x.offsets * x.values.itemsize).tolist()
    else:
        flat = _row_bytes(x)
        buffer = memoryview(flat.data).cast("B") if flat.size else memoryview(b"")
        bounds = (np.arange(len(flat) + 1) * flat.shape[1]).tolist()
    return (hashlib.blake2b(buffer[start:stop], digest_size=16).digest() for start, stop in pairwise(bounds))


def _row_bytes(x: Table | NDArray[Any]) -> NDArray[np.uint8]:
    """(n, bytes of a row)."""
    if isinstance(x, Table):
        return np.hstack([_row_bytes(x.numeric), _row_bytes(x.categorical.astype(np.str_))])
    rows = x.reshape(len(x), -1) if x.size else np.zeros((len(x), 0), dtype=np.uint8)
    if rows.dtype.kind == "f":
        rows = np.where(np.isnan(rows), np.float32(np.nan), rows + np.float32(0))
    found: NDArray[np.uint8] = np.ascontiguousarray(rows).view(np.uint8)
    return found
