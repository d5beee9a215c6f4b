"""The inputs of a data set as columns that lie flat in memory, so that they can be mapped from a file and shared between processes.

| class | of the modality | holds |
|---|---|---|
| `Texts` | text | UTF-8 bytes and offsets |
| `Tokens` | tokens | token numbers, offsets, and the tokens' names |
| `Table` | tabular | numbers and categories side by side |
| a numpy array | image, series | (n, channels, height, width) uint8, (n, channels, length) float32 |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import WorkError

IndexArray: TypeAlias = NDArray[np.int64]
StrArray: TypeAlias = NDArray[np.str_]

READER = "mend the reader of this data set's card"  # the remedy where columns do not fit each other


@dataclass(frozen=True, eq=False)
class Texts(Sequence[str]):
    """Strings of different lengths: number i is `values[offsets[i]:offsets[i + 1]]`, in UTF-8.

    Scraped text may hold lone surrogates; they are kept (`surrogatepass`).

    Args:
        values: (bytes in all,) uint8.
        offsets: (n + 1,) int64, ascending from 0.

    Raises:
        WorkError: the offsets do not fit the values.
    """

    values: NDArray[np.uint8]
    offsets: IndexArray

    def __post_init__(self) -> None:
        _check_offsets(self.values, self.offsets)

    @classmethod
    def of(cls, strings: Iterable[str]) -> Texts:
        """The same strings, flat."""
        encoded = [string.encode("utf-8", "surrogatepass") for string in strings]
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), _offsets([len(each) for each in encoded]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: Any) -> Any:
        """One string by its row; use `take` for several."""
        number = range(len(self))[row]  # an IndexError for a row outside, a negative one counts from the end
        start, stop = self.offsets[number], self.offsets[number + 1]
        return self.values[start:stop].tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        buffer = self.values.tobytes()
        bounds = self.offsets.tolist()
        return (buffer[start:stop].decode("utf-8", "surrogatepass") for start, stop in pairwise(bounds))

    def take(self, rows: ArrayLike) -> Texts:
        """Only these rows, in this order."""
        return Texts(*_take_ragged(self.values, self.offsets, rows))


@dataclass(frozen=True, eq=False)
class Tokens:
    """Sequences of numbered tokens: sequence i is `values[offsets[i]:offsets[i + 1]]`, indices into `names`.

    Args:
        values: (tokens in all,) unsigned or signed integers.
        offsets: (n + 1,) int64, ascending from 0.
        names: of the tokens.

    Raises:
        WorkError: offsets or numbers do not fit.
    """

    values: NDArray[Any]
    offsets: IndexArray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_offsets(self.values, self.offsets)
        if len(self.values) and int(self.values.max()) >= len(self.names):
            raise WorkError(f"token {int(self.values.max())} of {len(self.names)} named ones", remedy=READER)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        """The token numbers of one sequence."""
        number = range(len(self))[row]
        found: NDArray[Any] = self.values[self.offsets[number] : self.offsets[number + 1]]
        return found

    def take(self, rows: ArrayLike) -> Tokens:
        """Only these rows, in this order."""
        return Tokens(*_take_ragged(self.values, self.offsets, rows), self.names)


@dataclass(frozen=True, eq=False)
class Table:
    """The inputs of a tabular data set: numbers and categories side by side.

    Args:
        numeric: (n, p) float32; NaN where a value is missing.
        numeric_names: the p column names.
        categorical: (n, q) strings of fixed width; empty where a value is missing.
        categorical_names: the q column names.

    Raises:
        WorkError: names and columns, or the two halves' rows, differ in number.
    """

    numeric: NDArray[np.float32]
    numeric_names: tuple[str, ...]
    categorical: StrArray
    categorical_names: tuple[str, ...]

    def __post_init__(self) -> None:
        for half, columns, names in (
            ("numeric", self.numeric, self.numeric_names),
            ("categorical", self.categorical, self.categorical_names),
        ):
            if columns.ndim != 2 or columns.shape[1] != len(names):
                raise WorkError(f"{len(names)} {half} names for an array of shape {columns.shape}", remedy=READER)
        if len(self.numeric) != len(self.categorical):
            raise WorkError(
                f"{len(self.numeric)} numeric rows, {len(self.categorical)} categorical ones", remedy=READER
            )

    def __len__(self) -> int:
        return len(self.numeric)

    def take(self, rows: ArrayLike) -> Table:
        """The same columns, only these rows, in this order."""
        index = np.asarray(rows, dtype=np.int64)
        return Table(self.numeric[index], self.numeric_names, self.categorical[index], self.categorical_names)


Inputs: TypeAlias = Texts | Tokens | Table | NDArray[np.uint8] | NDArray[np.float32]


def _offsets(lengths: Sequence[int]) -> IndexArray:
    bounds = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def _check_offsets(values: NDArray[Any], offsets: IndexArray) -> None:
    if values.ndim != 1 or offsets.ndim != 1 or not len(offsets) or offsets[0] != 0 or offsets[-1] != len(values):
        raise WorkError(f"offsets {offsets[:1]} ... {offsets[-1:]} for {len(values)} values", remedy=READER)
    if len(offsets) > 1 and (np.diff(offsets) < 0).any():
        raise WorkError("offsets that descend", remedy=READER)


def _take_ragged(values: NDArray[Any], offsets: IndexArray, rows: ArrayLike) -> tuple[NDArray[Any], IndexArray]:
    index = np.asarray(rows, dtype=np.int64)
    starts, stops = offsets[index], offsets[index + 1]
    bounds = np.zeros(len(index) + 1, dtype=np.int64)
    np.cumsum(stops - starts, out=bounds[1:])
    # slices and not a place for each value, which for bytes would take eight times the memory of the values
    parts = [values[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    return np.concatenate(parts) if parts else values[:0], bounds
