"""Which samples are copies of one another: equal inputs, and nearly equal ones where a card says so.

`copies` gives each row the number of the first row of its cluster. A model that met a copy of a test sample in training is tested on its
memory; splits keep each cluster in one subset.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import NearDuplicates
from projectkit.datasets.columns import IndexArray, Inputs, Table, Texts, Tokens
from projectkit.datasets.copies.minhash import minhash_clusters
from projectkit.datasets.copies.perceptual_hash import perceptual_clusters
from projectkit.errors import WorkError

_SMALL = 100  # inputs: a cluster so small is no sign of a threshold that joins everything
THRESHOLDS = {"masked": (0.0, math.inf), "minhash": (0.1, 1.0), "perceptual_hash": (0, 32)}
"""Method -> the lowest and the highest threshold that makes sense."""

MODALITIES = {"masked": ("text",), "minhash": ("text", "tokens"), "perceptual_hash": ("image",)}
"""Method -> what it is for."""

_STRICTER = {
    "masked": "use minhash",
    "minhash": "raise the threshold",
    "perceptual_hash": "lower the threshold",
}


def copies(x: Inputs, near: NearDuplicates | None = None) -> IndexArray:
    """The first row of each row's cluster of copies.

    Args:
        x: inputs of n samples, of any modality.
        near: what counts as a copy beyond equal inputs; None: equal inputs alone.

    Returns:
        (n,) row numbers; a row without an earlier copy has its own.

    Raises:
        WorkError: the method is for inputs of another form, its threshold makes no sense, or joins most of the inputs.
    """
    exact = _first_of_each(_row_digests(x))
    if near is None:
        return exact
    low, high = THRESHOLDS[near.method]
    if not low <= near.threshold <= high:
        raise WorkError(
            f"threshold {near.threshold} of near duplicates by '{near.method}'",
            remedy=f"give the card's near_duplicates one from {low} to {high}",
        )
    distinct, member_of = np.unique(exact, return_inverse=True)
    kept = x.take(distinct) if isinstance(x, Texts | Tokens | Table) else x[distinct]
    cluster = _nearly_equal(kept, near)
    largest = int(np.bincount(cluster, minlength=1).max())
    if largest > max(_SMALL, len(distinct) // 2):
        raise WorkError(
            f"near duplicates by '{near.method}' with threshold {near.threshold} put {largest} of {len(distinct)} inputs into one cluster",
            remedy=f"{_STRICTER[near.method]} in the card's near_duplicates",
        )
    return distinct[cluster][member_of]


def _nearly_equal(x: Inputs, near: NearDuplicates) -> IndexArray:
    if near.method == "masked" and isinstance(x, Texts):
        return _first_of_each(masked(text) or text for text in x)  # `!!!` and `???` are no copies
    if near.method == "minhash" and isinstance(x, Texts | Tokens):
        return minhash_clusters(x, near.threshold)
    if near.method == "perceptual_hash" and isinstance(x, np.ndarray) and x.dtype == np.uint8:
        return perceptual_clusters(x.astype(np.uint8, copy=False), near.threshold)
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
