"""Rows of a set whose columns are mapped from files: read when they are asked for, and never held.

What is read is a page of the file that the system keeps while it has room. Other processes map the same pages: a loader process is told
the files' names, not their content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data.batches import EncodedArray
from projectkit.data.encoders.base import Encoder
from projectkit.datasets.columns import IndexArray, Inputs


@dataclass(frozen=True)
class EncodedByBatch:
    """A subset's inputs, encoded when a batch of them is asked for.

    Rows are not read in ascending order: on mapped pages that are in memory it takes 102 us for a batch of 256 images of 32x32, where the
    batch's own order takes 70.

    Args:
        columns: the inputs of all subsets.
        rows: of this subset, (n,).
        encoder: fitted.
    """

    columns: Inputs
    rows: IndexArray
    encoder: Encoder

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, rows: Tensor, width: int | None = None) -> Tensor:
        """As `EncodedArray.gather` or `Ragged.gather`; the same values."""
        encoded = self.encoder.encode(taken(self.columns, self.rows[rows.numpy()]))
        if isinstance(encoded, EncodedArray):
            return encoded.values
        return encoded.gather(torch.arange(len(rows)), width)

    def widths(self, batches: Sequence[Tensor]) -> Sequence[int | None]:
        """None for each batch: they are known when a batch has been encoded."""
        return [None] * len(batches)

    def to(self, device: torch.device) -> EncodedByBatch:
        """The same: rows are read and encoded on the CPU."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"columns": _packed(self.columns), "rows": self.rows, "encoder": self.encoder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in {**state, "columns": _unpacked(state["columns"])}.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class TakenRows:
    """Some rows of an array, read slice by slice: what an encoder of arrays is fitted on without a copy of the training subset.

    Args:
        values: (n, ...).
        rows: (m,) of them.
    """

    values: NDArray[Any]
    rows: IndexArray

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, ...)."""
        return (len(self.rows), *self.values.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> NDArray[Any]:
        return self.values.take(self.rows[part], axis=0)


@dataclass(frozen=True)
class _Mapped:
    """An array that is a file's, by the file's name."""

    file: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int


def taken(columns: Inputs, rows: IndexArray) -> Inputs:
    """Some rows of a set's inputs, in this order."""
    return columns.take(rows, axis=0) if isinstance(columns, np.ndarray) else columns.take(rows)


def _packed(value: Any) -> Any:
    """Columns in which each array that is a whole mapped file has become the file's name; other arrays stay, and are copied."""
    if isinstance(value, np.ndarray):
        return _file_of(value) or value
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), {each.name: _packed(getattr(value, each.name)) for each in fields(value)}
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, _Mapped):
        return np.asarray(np.memmap(value.file, value.dtype, "r", value.offset, value.shape))
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], type):
        return value[0](**{name: _unpacked(each) for name, each in value[1].items()})
    return value


def _file_of(array: NDArray[Any]) -> _Mapped | None:
    owner = array
    while isinstance(owner.base, np.ndarray):  # to the outermost: of a part, numpy keeps the whole's offset
        owner = owner.base
    if not isinstance(owner, np.memmap) or owner.filename is None or not array.flags.c_contiguous:
        return None
    same = owner.ctypes.data == array.ctypes.data and owner.nbytes == array.nbytes
    return _Mapped(str(owner.filename), array.dtype, array.shape, owner.offset) if same else None
