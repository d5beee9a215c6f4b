"""Sequences as counts of their n-grams, hashed into a fixed number of columns, so that nothing is kept but the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS = 2**17  # 21,000 domain names have 90,000 different n-grams of up to four characters
_FACTOR = np.uint64(
    0x9E3779B97F4A7C15
)  # odd, near 2**64 over the golden ratio: multiplying by it spreads neighbouring numbers


@dataclass(frozen=True)
class Sequences:
    """Token indices of different lengths: sequence i is `values[offsets[i]:offsets[i + 1]]`."""

    values: NDArray[Any]  # (tokens in all,) whole numbers
    offsets: NDArray[np.int64]  # (n + 1,)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Of each sequence, (n,)."""
        return np.diff(self.offsets)


def count_ngrams(x: Sequences, longest: int) -> Any:
    """How often each n-gram occurs in each sequence.

    Args:
        x: n sequences.
        longest: n-grams of one token up to so many.

    Returns:
        (n, `COLUMNS`) float32 in SciPy's CSR form; n-grams that share a column are added up.

    Source: Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning", without the signs.
    """
    from scipy.sparse import csr_matrix

    row = np.repeat(np.arange(len(x), dtype=np.int32), x.lengths)
    left = np.repeat(x.offsets[1:], x.lengths) - np.arange(len(row))  # tokens from this one to its sequence's end
    tokens = x.values.astype(np.uint64) + np.uint64(1)
    keys = np.zeros(len(tokens), dtype=np.uint64)
    rows, columns = [], []
    for size in range(1, longest + 1):
        begins = left >= size
        keys[: len(tokens) - size + 1] = (keys[: len(tokens) - size + 1] + tokens[size - 1 :]) * _FACTOR
        mixed = keys[begins] ^ (keys[begins] >> np.uint64(29))
        columns.append(((mixed * _FACTOR) >> np.uint64(64 - 17)).astype(np.int32))
        rows.append(row[begins])
    at = (np.concatenate(rows), np.concatenate(columns))
    counts = csr_matrix((np.ones(len(at[0]), dtype=np.float32), at), shape=(len(x), COLUMNS))
    counts.sum_duplicates()
    return counts
