"""The samples of a data set, as plain columns.

`Samples` is what every card's reader returns and what every later stage starts from: ids, inputs, targets, and the columns that
keep splits and audits honest. Nothing is encoded here: strings stay strings, images stay uint8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.datasets.columns import READER, IndexArray, Inputs, StrArray, Table, Texts, Tokens
from projectkit.errors import WorkError, did_you_mean

WITHHELD = -1
"""The label of a sample whose label the course keeps to itself."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples and what is known about each of them.

    Args:
        id: (n,) strings, unique, the same on every machine and in every version of the library.
        x: by modality: "text" `Texts`; "tokens" `Tokens`; "tabular" a `Table`; "image" (n, channels, height, width) uint8;
            "series" (n, channels, length) float32.
        y: target name -> (n,) int64, indices into the target's class names; `WITHHELD` where only the course knows.
        group: (n,) strings or None: what must not be split apart (a template, a family, a host).
        time: (n,) numbers or None, comparable: earlier is smaller.
        source: (n,) strings or None: the file or provider that a sample comes from.
        copies: (n,) int64 or None: the number of the first row with the same or, where the card says so, nearly the same input.
            Filled by `load`, never by a reader.

    Raises:
        WorkError: columns of different length, ids that repeat, or targets that are not class indices.
    """

    id: StrArray
    x: Inputs
    y: Mapping[str, IndexArray]
    group: StrArray | None = None
    time: NDArray[Any] | None = None
    source: StrArray | None = None
    copies: IndexArray | None = None

    def __post_init__(self) -> None:
        columns = {"x": self.x, "group": self.group, "time": self.time, "source": self.source, "copies": self.copies}
        columns |= {f"y[{target!r}]": labels for target, labels in self.y.items()}
        for name, column in columns.items():
            if column is not None and len(column) != len(self.id):
                raise WorkError(f"{len(self.id)} ids, but {len(column)} rows in {name}", remedy=READER)
        ids, counts = np.unique(self.id, return_counts=True)
        if len(ids) != len(self.id):
            raise WorkError(f"the id {str(ids[counts.argmax()])!r} occurs {counts.max()} times", remedy=READER)
        for target, labels in self.y.items():
            if labels.dtype != np.int64 or labels.ndim != 1:
                raise WorkError(
                    f"y[{target!r}] is {labels.dtype} of {labels.ndim} dimensions, not int64 (n,)", remedy=READER
                )
            if len(labels) and labels.min() < WITHHELD:
                raise WorkError(
                    f"y[{target!r}] of {self.id[labels.argmin()]} is {labels.min()}, not a class index", remedy=READER
                )

    def __len__(self) -> int:
        return len(self.id)

    def learnt_digest(self, target: str, rows: IndexArray) -> str:
        """SHA-256 over what a model that learns from `rows` has seen: their labels, and how the inputs were read.

        Of pictures only the form counts: decoders differ by a grey level from machine to machine.
        """
        digest = hashlib.sha256(self.y[target][rows].astype("<i8").tobytes())
        names, arrays = _read_as(self.x)
        for array in arrays:
            digest.update(f"{array.dtype.str[1:]}{array.shape}".encode())
            if array.dtype != np.uint8 or array.ndim == 1:
                flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(-1)
                digest.update(flat.view(np.uint8).data)
        digest.update("\0".join(names).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def take(self, rows: ArrayLike) -> Samples:
        """The same columns, only these rows, in this order. Row numbers in `copies` stay those of the whole set."""
        index = np.asarray(rows, dtype=np.int64)
        return Samples(
            id=self.id[index],
            x=self.x.take(index) if isinstance(self.x, Texts | Tokens | Table) else self.x[index],
            y={target: labels[index] for target, labels in self.y.items()},
            group=None if self.group is None else self.group[index],
            time=None if self.time is None else self.time[index],
            source=None if self.source is None else self.source[index],
            copies=None if self.copies is None else self.copies[index],
        )


def _read_as(x: Inputs) -> tuple[Sequence[str], Sequence[NDArray[Any]]]:
    """The names and the arrays that inputs consist of."""
    if isinstance(x, Table):
        categories = "\0".join(x.categorical.reshape(-1).tolist()).encode("utf-8", "surrogatepass")
        return (*x.numeric_names, *x.categorical_names), (x.numeric, np.frombuffer(categories, dtype=np.uint8))
    if isinstance(x, Tokens):
        return x.names, (x.values, x.offsets)
    return (), (x.values, x.offsets) if isinstance(x, Texts) else (x,)


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


def content_key(text: str) -> str:
    """A short name for a content, the same everywhere, to be used as a group: equal contents, equal keys (64 bits of BLAKE2)."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
