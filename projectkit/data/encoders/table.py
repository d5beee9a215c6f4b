"""Tables: numbers standardised, categories one-hot, and a place for what is missing, rare or new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from projectkit.data.batches import EncodedArray
from projectkit.data.encoders.base import Encoder, as_tensor
from projectkit.datasets import Table


class TableEncoder(Encoder):
    """Numbers standardised, categories one-hot.

    The encoded columns: the numbers; for each number that is missing somewhere in the training subset, whether it is missing; for each
    category its values and, where it has too many of them, one column for all others. A missing number (NaN) is its column's mean; a
    missing category (an empty text) is a value like any other.

    Args:
        mean: of each numeric column, (p,).
        scale: standard deviation of each numeric column, 1 where it is constant (but for rounding), (p,).
        categories: the values of each categorical column that have a column of their own, sorted.
        missing: numbers of the numeric columns that are missing somewhere in the training subset.
        others: numbers of the categorical columns whose rarer values share a column, new values with them; in the other columns a new value
            is all zeros.
    """

    LIMIT = 10.0  # standard deviations; byte counts with a tail over six decades would otherwise decide the loss
    MOST = 100  # values of a category with a column each; the widest of NSL-KDD has 67, identifiers have thousands

    def __init__(
        self,
        mean: list[float],
        scale: list[float],
        categories: list[list[str]],
        missing: Sequence[int] = (),
        others: Sequence[int] = (),
    ) -> None:
        self.mean = mean
        self.scale = scale
        self.categories = categories
        self.missing = list(missing)
        self.others = list(others)

    @classmethod
    def fit(cls, x: Table) -> Self:
        """Means and deviations in float64, so that the order of the rows does not matter to float32; infinite values are left out."""
        mean, scale, missing = _moments(x.numeric)
        categories, others = [], []
        for number, column in enumerate(x.categorical.T):
            values, counts = np.unique(column, return_counts=True)
            if len(values) > cls.MOST:
                others.append(number)
                # stable: of equally frequent values the first in the alphabet
                values = np.sort(values[np.argsort(-counts, kind="stable")[: cls.MOST]])
            categories.append([str(value) for value in values])
        return cls(mean, scale, categories, missing, others)

    def encode(self, x: Table) -> EncodedArray:
        """(n, p) numbers and (n, q) categories -> (n, num_features) float32."""
        encoded = np.zeros((len(x), self._width), dtype=np.float32)
        for number, (mean, scale) in enumerate(zip(self.mean, self.scale, strict=True)):
            # column by column: a float64 copy of the whole table would be twice its size
            scaled = (x.numeric[:, number].astype(np.float64) - mean) / scale
            encoded[:, number] = np.nan_to_num(np.clip(scaled, -self.LIMIT, self.LIMIT), nan=0.0)
        start = len(self.mean)
        encoded[:, start : start + len(self.missing)] = np.isnan(x.numeric[:, self.missing])
        start += len(self.missing)
        for number, (column, values) in enumerate(zip(x.categorical.T, self.categories, strict=True)):
            place = _places(column, values)
            if number not in self.others:
                rows = np.flatnonzero(place < len(values))
                encoded[rows, start + place[rows]] = 1.0
            else:
                encoded[np.arange(len(x)), start + place] = 1.0
            start += len(values) + (number in self.others)
        return EncodedArray(as_tensor(encoded))

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        fitted = {"mean": self.mean, "scale": self.scale, "categories": self.categories}
        return {**fitted, "missing": self.missing, "others": self.others}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(**state)

    @property
    def facts(self) -> dict[str, Any]:
        """See `Encoder.facts`."""
        return {"shape": (self._width,), "num_features": self._width}

    @property
    def _width(self) -> int:
        return len(self.mean) + len(self.missing) + sum(map(len, self.categories)) + len(self.others)


def _moments(numeric: NDArray[np.float32]) -> tuple[list[float], list[float], list[int]]:
    """Mean and deviation of each column's finite values, and the columns with missing ones."""
    finite = np.isfinite(numeric)
    counts = np.maximum(finite.sum(axis=0), 1)
    values = np.where(finite, numeric, 0.0).astype(np.float64)
    mean = values.sum(axis=0) / counts
    values -= mean
    values[~finite] = 0.0
    np.square(values, out=values)
    scale = np.sqrt(values.sum(axis=0) / counts)
    # the mean of n equal numbers is off by rounding: such a deviation is noise, and dividing by it would make it a feature
    scale[scale <= 1e-12 * np.abs(mean)] = 1.0
    return mean.tolist(), scale.tolist(), np.flatnonzero(np.isnan(numeric).any(axis=0)).tolist()


def _places(column: NDArray[np.str_], values: list[str]) -> NDArray[np.int64]:
    """The place of each value among the sorted `values`; `len(values)` for one that is not there, (n,)."""
    if not values:
        return np.zeros(len(column), dtype=np.int64)
    known = np.array(values)
    place = np.searchsorted(known, column)
    found = known[np.minimum(place, len(known) - 1)] == column
    return np.where(found, place, len(known)).astype(np.int64)
