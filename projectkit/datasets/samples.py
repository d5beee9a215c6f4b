"""The samples of a data set, as plain columns.

`Samples` is what every card's reader returns and what every later stage starts from: ids, inputs, targets, and the columns that
keep splits and audits honest. Nothing is encoded here: strings stay strings, images stay uint8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import WorkError, did_you_mean

IndexArray: TypeAlias = NDArray[np.int64]
TextArray: TypeAlias = NDArray[np.object_]
StrArray: TypeAlias = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Table:
    """The inputs of a tabular data set: numbers and categories side by side.

    Args:
        numeric: (n, p) float32.
        numeric_names: the p column names.
        categorical: (n, q) strings, as an object array.
        categorical_names: the q column names.

    Raises:
        WorkError: names and columns, or the two halves' rows, differ in number.
    """

    numeric: NDArray[np.float32]
    numeric_names: tuple[str, ...]
    categorical: TextArray
    categorical_names: tuple[str, ...]

    def __post_init__(self) -> None:
        for half, columns, names in (
            ("numeric", self.numeric, self.numeric_names),
            ("categorical", self.categorical, self.categorical_names),
        ):
            if columns.ndim != 2 or columns.shape[1] != len(names):
                raise WorkError(f"{len(names)} {half} names for an array of shape {columns.shape}", remedy=_READER)
        if len(self.numeric) != len(self.categorical):
            raise WorkError(
                f"{len(self.numeric)} numeric rows, {len(self.categorical)} categorical ones", remedy=_READER
            )

    def __len__(self) -> int:
        return len(self.numeric)

    def take(self, rows: ArrayLike) -> Table:
        """The same columns, only these rows, in this order."""
        index = np.asarray(rows, dtype=np.int64)
        return Table(self.numeric[index], self.numeric_names, self.categorical[index], self.categorical_names)


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples and what is known about each of them.

    Args:
        id: (n,) strings, unique, the same on every machine and in every version of the library.
        x: by modality: "text" (n,) strings as an object array; "tabular" a `Table`; "image" (n, channels, height, width) uint8.
        y: target name -> (n,) int64, indices into the target's class names.
        group: (n,) strings or None: what must not be split apart (a template, a family, a host).
        time: (n,) numbers or None, comparable: earlier is smaller.
        source: (n,) strings or None: the file or provider that a sample comes from.

    Raises:
        WorkError: columns of different length, ids that repeat, or targets that are not class indices.
    """

    id: StrArray
    x: TextArray | NDArray[np.uint8] | Table
    y: Mapping[str, IndexArray]
    group: StrArray | None = None
    time: NDArray[Any] | None = None
    source: StrArray | None = None

    def __post_init__(self) -> None:
        columns = {"x": self.x, "group": self.group, "time": self.time, "source": self.source}
        columns |= {f"y[{target!r}]": labels for target, labels in self.y.items()}
        for name, column in columns.items():
            if column is not None and len(column) != len(self.id):
                raise WorkError(f"{len(self.id)} ids, but {len(column)} rows in {name}", remedy=_READER)
        ids, counts = np.unique(self.id, return_counts=True)
        if len(ids) != len(self.id):
            raise WorkError(f"the id {str(ids[counts.argmax()])!r} occurs {counts.max()} times", remedy=_READER)
        for target, labels in self.y.items():
            if labels.dtype != np.int64 or labels.ndim != 1:
                raise WorkError(
                    f"y[{target!r}] is {labels.dtype} of {labels.ndim} dimensions, not int64 (n,)", remedy=_READER
                )
            if len(labels) and labels.min() < 0:
                raise WorkError(
                    f"y[{target!r}] of {self.id[labels.argmin()]} is {labels.min()}, not a class index", remedy=_READER
                )

    def __len__(self) -> int:
        return len(self.id)

    def take(self, rows: ArrayLike) -> Samples:
        """The same columns, only these rows, in this order."""
        index = np.asarray(rows, dtype=np.int64)
        return Samples(
            id=self.id[index],
            x=self.x.take(index) if isinstance(self.x, Table) else self.x[index],
            y={target: labels[index] for target, labels in self.y.items()},
            group=None if self.group is None else self.group[index],
            time=None if self.time is None else self.time[index],
            source=None if self.source is None else self.source[index],
        )


def encode_labels(labels: Sequence[str], class_names: Sequence[str], *, where: str) -> IndexArray:
    """Class names as indices into `class_names`.

    Args:
        labels: one class name a sample, (n,).
        class_names: the classes that the card declares.
        where: the file, for the message.

    Returns:
        (n,) int64.

    Raises:
        WorkError: a label outside the classes; the message has its row.
    """
    index = {name: number for number, name in enumerate(class_names)}
    try:
        return np.array([index[label] for label in labels], dtype=np.int64)
    except KeyError:
        row, label = next((row, label) for row, label in enumerate(labels) if label not in index)
        remedy = f"{did_you_mean(label, index)} Mend the file or the card's class names"
        raise WorkError(
            f"the label {label!r} is not a class", where=f"{where}, sample {row + 1}", remedy=remedy
        ) from None


def text_array(values: Sequence[str]) -> TextArray:
    """Strings as an (n,) object array, which a ragged text column needs: a fixed-width one would cost n times the longest."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def content_key(text: str) -> str:
    """A short name for a content, the same everywhere, to be used as a group: equal contents, equal keys (64 bits of BLAKE2)."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


_READER = "mend the reader of this data set's card"
