"""The samples of plain files, by what a YAML card says of them: CSV, TSV, JSONL, NPZ, pictures in folders.

Each form is first read into `Rows`: inputs beside columns of text. What the columns mean (label, group, time, id) is then the same for
all forms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.columns import IndexArray, Inputs, Table, Texts
from projectkit.datasets.own.arrays import read_arrays
from projectkit.datasets.own.pictures import read_pictures
from projectkit.datasets.readers.rows import Rows, moment, read_rows
from projectkit.datasets.samples import WITHHELD, Samples
from projectkit.errors import WorkError, did_you_mean

if TYPE_CHECKING:
    from projectkit.datasets.own.description import Description


@dataclass(frozen=True)
class _Part:
    """One file: its inputs, and its columns as text."""

    x: Inputs
    rows: Rows


def read_samples(said: Description, files: Mapping[str, Path]) -> Samples:
    """The samples in the order of the card's files and their rows.

    Args:
        said: the card's keys.
        files: name -> path, as the card lists them.

    Raises:
        WorkError: a file is not what the card says: a column is missing, a cell malformed, a label outside the classes.
    """
    read = {"npz": _arrays, "images": _pictures}.get(said.format, _table_or_texts)
    parts = [read(said, path) for path in files.values()]
    several = len(parts) > 1
    rows = [part.rows for part in parts]
    source = said.source or ("source" if "source" in said.folders else None)
    group = said.group or ("group" if "group" in said.folders else None)
    sources = _column(rows, source) if source else [each.file for each in rows for _ in range(len(each))]
    ids = _ids(rows, said.id) if said.id else [key for each in rows for key in _numbered(each)]
    hidden = [value in said.test for value in sources] if said.withheld else [False] * len(sources)
    groups = _column(rows, group) if group else None
    return Samples(
        id=np.array(ids),
        x=_joined([part.x for part in parts], [each.file for each in rows]),
        y={
            name: _labels(rows, column, _classes(said, name), hidden, numbered=said.format == "npz")
            for name, column in said.columns.items()
        },
        # a row without a group is a group of its own: rows of unknown origin are not one another's copies
        group=None
        if groups is None
        else np.array([value or f"row {key}" for value, key in zip(groups, ids, strict=True)]),
        time=_times(rows, said.time, said.time_format) if said.time else None,
        source=np.array(sources) if source or several else None,
    )


def _numbered(rows: Rows) -> list[str]:
    """A name for each row: its picture's path, or the file's stem and the row's number."""
    if "path" in rows.columns:
        return rows.columns["path"]
    stem = rows.file.partition(".")[0]
    return [f"{stem}-{number:06d}" for number in range(len(rows))]


def _classes(said: Description, target: str) -> Sequence[str]:
    return [str(name) for name in said.targets[target]["classes"]] if said.targets else said.classes


def _table_or_texts(said: Description, path: Path) -> _Part:
    wanted = {said.text, *said.categorical, *said.columns.values(), said.id, said.group, said.time, said.source}
    names = {name for name in wanted if name is not None}
    rows = read_rows(
        path, said.format, delimiter=said.delimiter, encoding=said.encoding, wanted=names, numeric=said.numeric
    )
    if said.text:
        return _Part(Texts.of(_of(rows, said.text)), rows)
    for name in said.numeric:
        _refuse_missing(rows, name, rows.numeric)
    categorical = [np.array([cell.strip() for cell in _of(rows, name)]) for name in said.categorical]
    table = Table(
        np.stack([rows.numeric[name] for name in said.numeric], axis=1)
        if said.numeric
        else np.zeros((len(rows), 0), dtype=np.float32),
        said.numeric,
        np.stack(categorical, axis=1) if categorical else np.zeros((len(rows), 0), dtype="<U1"),
        said.categorical,
    )
    return _Part(table, rows)


def _pictures(said: Description, path: Path) -> _Part:
    names, x = read_pictures(path, said.size, grey=said.colour == "grey")
    columns: dict[str, list[str]] = {"path": names}
    for depth, level in enumerate(said.folders):
        parts = [PurePosixPath(name).parts for name in names]
        short = next((name for name, part in zip(names, parts, strict=True) if len(part) < depth + 2), None)
        if short is not None:
            remedy = f"put each picture into {'/'.join(said.folders)}/, or change `folders` in the card"
            raise WorkError(f"{short} has no folder for its {level}", where=path.name, remedy=remedy)
        columns[level] = [part[depth] for part in parts]
    return _Part(x, Rows(path.name, columns, range(1, len(names) + 1)))


def _arrays(said: Description, path: Path) -> _Part:
    arrays = read_arrays(path)
    if said.x not in arrays:
        raise WorkError(f"no array '{said.x}'", where=path.name, remedy=did_you_mean(said.x, arrays))
    n = len(arrays[said.x]) if arrays[said.x].ndim else 0
    columns = {
        name: [str(value) for value in array.tolist()]
        for name, array in arrays.items()
        if array.shape == (n,) and name != said.x
    }
    return _Part(_inputs(said, arrays[said.x], path.name), Rows(path.name, columns, range(1, n + 1)))


def _inputs(said: Description, x: NDArray[Any], file: str) -> Inputs:
    """An npz file's `x` in the form of its modality."""
    if said.modality == "text" and x.ndim == 1 and x.dtype.kind == "U":
        return Texts.of(x.tolist())
    if said.modality == "tabular" and x.ndim == 2 and x.dtype.kind in "fiub":
        names = said.numeric or tuple(f"x{number}" for number in range(x.shape[1]))
        values = x.astype(np.float32)
        values[~np.isfinite(values)] = np.nan
        return Table(values, names, np.zeros((len(x), 0), dtype="<U1"), ())
    if said.modality == "image" and x.ndim in (3, 4) and x.dtype == np.uint8:
        if x.ndim == 4 and x.shape[1] > _MOST_CHANNELS >= x.shape[3]:
            remedy = "put the channels before height and width: x.transpose(0, 3, 1, 2)"
            raise WorkError(f"{said.x} has its channels last: {x.shape}", where=file, remedy=remedy)
        return x[:, None] if x.ndim == 3 else x
    if said.modality == "series" and x.ndim in (2, 3) and x.dtype.kind in "fiub":
        return (x[:, None] if x.ndim == 2 else x).astype(np.float32)
    raise WorkError(f"{said.x} is {x.dtype} of shape {x.shape}", where=file, remedy=_FORMS)


_MOST_CHANNELS = 4
_FORMS = (
    "write the modality that it has: text (n,) strings, tabular (n, p) numbers, image (n, channels, height, width) uint8, "
    "series (n, channels, length) numbers"
)


def _joined(parts: Sequence[Inputs], files: Sequence[str]) -> Inputs:
    """The inputs of several files one behind the other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, Texts):
        return Texts.of(text for part in parts for text in part)  # type: ignore[union-attr]
    if isinstance(first, Table):
        tables = [part for part in parts if isinstance(part, Table)]
        numeric, categorical = (
            np.concatenate([getattr(t, half) for t in tables]) for half in ("numeric", "categorical")
        )
        return Table(numeric, first.numeric_names, categorical, first.categorical_names)
    arrays = [np.asarray(part) for part in parts]
    other = next((n for n, array in enumerate(arrays) if array.shape[1:] != arrays[0].shape[1:]), None)
    if other is not None:
        what = f"samples of shape {arrays[other].shape[1:]}, those of {files[0]} have {arrays[0].shape[1:]}"
        raise WorkError(what, where=files[other], remedy="give all files one shape")
    return np.concatenate(arrays)


def _of(rows: Rows, name: str) -> list[str]:
    """One file's column."""
    _refuse_missing(rows, name, rows.columns)
    return rows.columns[name]


def _refuse_missing(rows: Rows, name: str, columns: Collection[str]) -> None:
    if name not in columns:
        known = rows.names or columns
        raise WorkError(f"no column '{name}'", where=rows.file, remedy=f"{did_you_mean(name, known)} Mend the card")


def _column(parts: Sequence[Rows], name: str) -> list[str]:
    """A column over all files, without the blanks around its cells."""
    return [cell.strip() for rows in parts for cell in _of(rows, name)]


def _ids(parts: Sequence[Rows], name: str) -> list[str]:
    """A column that names each row."""
    cells = _column(parts, name)
    seen: set[str] = set()
    for row, cell in enumerate(cells):
        if not cell:
            _refuse_row(parts, row, f"no {name}", f"fill it, or remove `id: {name}` from the card")
        if cell in seen:
            _refuse_row(
                parts,
                row,
                f"{cell!r} in '{name}' has been there before",
                f"mend it, or remove `id: {name}` from the card",
            )
        seen.add(cell)
    return cells


def _labels(
    parts: Sequence[Rows], column: str, classes: Sequence[str], hidden: Sequence[bool], *, numbered: bool
) -> IndexArray:
    """(n,) class indices; `WITHHELD` where the cell is empty and may be; `numbered` cells may be the indices themselves."""
    index = {name: number for number, name in enumerate(classes)}
    cells = _column(parts, column)
    if numbered and not set(cells) <= index.keys() and all(cell.isdecimal() for cell in cells):
        index = {str(number): number for number in range(len(classes))}
    labels = np.empty(len(cells), dtype=np.int64)
    for row, cell in enumerate(cells):
        if cell == "" and hidden[row]:
            labels[row] = WITHHELD
        elif cell in index:
            labels[row] = index[cell]
        elif cell == "":
            _refuse_row(parts, row, f"no label in '{column}'", "fill it, or remove the row")
        else:
            remedy = f"{did_you_mean(cell, index)} Mend the row, or add the class to the card"
            _refuse_row(parts, row, f"the label {cell!r} is not a class", remedy)
    return labels


def _times(parts: Sequence[Rows], column: str, form: str | None) -> NDArray[np.float64]:
    cells = _column(parts, column)
    times = np.empty(len(cells))
    for row, cell in enumerate(cells):
        value = moment(cell, form)
        if value is None:
            wanted = f"as {form}" if form else "a number or as 2026-11-21 12:30:00"
            _refuse_row(
                parts, row, f"{cell[:40]!r} in '{column}' is no time", f"write it {wanted}, or set `time_format`"
            )
        times[row] = value
    return times


def _refuse_row(parts: Sequence[Rows], row: int, what: str, remedy: str) -> NoReturn:
    for rows in parts:
        if row < len(rows):
            raise WorkError(what, where=rows.place(row), remedy=remedy)
        row -= len(rows)
    raise AssertionError("the row is one of the parts'")
