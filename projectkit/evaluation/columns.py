"""What the samples of a subset can be told apart by: the columns that `slices.find_slices` cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets import WITHHELD, Samples, Table, Texts, Tokens
from projectkit.evaluation.slices import Column

_BLOCK = 512  # images or series that are read at a time
_PIXELS = 64  # of an image's longer side that are looked at
_NAMES = 1_000  # different values of a table's column of names: beyond, it is an identifier


def class_columns(target: NDArray[np.int64], class_names: Sequence[str]) -> tuple[list[Column], list[str]]:
    """The column of the true classes, and the classes that have no sample."""
    names = np.array([*class_names], dtype=np.str_)
    counts = np.bincount(target, minlength=len(names))
    empty = [f"class {name}" for name, count in zip(class_names, counts.tolist(), strict=True) if not count]
    return [Column("class", names[target], classes=True)], empty


def known_columns(groups: Any = None, time: Any = None, source: Any = None) -> list[Column]:
    """Columns for what is known of each sample besides its input, (n,) each; None is left out."""
    found = [] if source is None else [Column("source", np.asarray(source))]
    if time is not None:
        moments = np.asarray(time)
        found.append(Column("time", moments if moments.dtype.kind in "fiu" else moments.astype(np.str_)))
    if groups is not None:
        found.append(Column("group", np.asarray(groups), grouping=True))
    return found


def sample_columns(
    samples: Samples,
    rows: NDArray[np.int64],
    train: NDArray[np.int64],
    target: str,
    class_names: Mapping[str, Sequence[str]],
) -> list[Column]:
    """Columns that are read from the samples themselves.

    Args:
        samples: of the data set.
        rows: of the subset, (n,), in the order of its predictions.
        train: rows of the training subset.
        target: that is predicted; the others are columns.
        class_names: of each target.
    """
    found = [
        Column(name, np.array([*class_names[name], "withheld"], dtype=np.str_)[labels[rows]], classes=False)
        for name, labels in samples.y.items()
        if name != target and not (labels[rows] == WITHHELD).all()
    ]
    if samples.copies is not None:
        seen = np.isin(samples.copies[rows], samples.copies[train])
        found.append(Column("copy in train", np.where(seen, "yes", "no")))
    return [*found, *_input_columns(samples.x, rows)]


def _input_columns(x: Any, rows: NDArray[np.int64]) -> list[Column]:
    if isinstance(x, Texts):
        return _text_columns(x.take(rows))
    if isinstance(x, Tokens):
        taken = x.take(rows)
        lengths = np.diff(taken.offsets)
        different = [len(np.unique(taken[row])) / max(1, length) for row, length in enumerate(lengths.tolist())]
        return [Column("length (tokens)", lengths), Column("share of different tokens", np.array(different))]
    if isinstance(x, Table):
        taken_rows = x.take(rows)
        names = [
            Column(name, values)
            for name, values in zip(x.categorical_names, taken_rows.categorical.T, strict=True)
            if len(np.unique(values)) <= _NAMES
        ]
        numbers = zip(x.numeric_names, taken_rows.numeric.T, strict=True)
        return [*names, *(Column(name, values) for name, values in numbers)]
    return _array_columns(x, rows)


def _text_columns(texts: Texts) -> list[Column]:
    values, offsets = texts.values, texts.offsets
    characters = _counted((values & 0xC0) != 0x80, offsets)  # bytes that begin a character
    digits = _counted((values >= ord("0")) & (values <= ord("9")), offsets)
    capitals = _counted((values >= ord("A")) & (values <= ord("Z")), offsets)
    foreign = _counted(values >= 0x80, offsets) > 0
    length = np.maximum(characters, 1)
    return [
        Column("length (characters)", characters),
        Column("share of digits", digits / length),
        Column("share of capitals", capitals / length),
        Column("characters beyond ASCII", np.where(foreign, "yes", "no")),
    ]


def _counted(marked: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of a text's bytes are marked, (n,)."""
    total = np.concatenate([[0], np.cumsum(marked, dtype=np.int64)])
    counted: NDArray[np.int64] = total[offsets[1:]] - total[offsets[:-1]]
    return counted


def _array_columns(x: NDArray[Any], rows: NDArray[np.int64]) -> list[Column]:
    """Mean and deviation of each image or series."""
    mean, spread = np.empty(len(rows)), np.empty(len(rows))
    step = max(1, -(-max(x.shape[2:]) // _PIXELS)) if x.ndim == 4 else 1
    for start in range(0, len(rows), _BLOCK):
        part = x[rows[start : start + _BLOCK]]
        part = part[:, :, ::step, ::step] if x.ndim == 4 else part
        flat = part.reshape(len(part), -1).astype(np.float32)
        mean[start : start + _BLOCK] = flat.mean(axis=1)
        spread[start : start + _BLOCK] = flat.std(axis=1)
    if x.ndim == 4:
        return [Column("brightness (0 to 255)", mean), Column("contrast (deviation of its pixels)", spread)]
    return [Column("mean of the series", mean), Column("deviation of the series", spread)]
