"""Plain files as columns of text: CSV, TSV and JSONL, each row with the number of its line for the errors.

Nothing is interpreted here but the form of the file: `number` and `moment` say what a cell means. The delimiter and the encoding stand
in the card; they are guessed only when a card is written.
"""

from __future__ import annotations

import csv
import json
import math
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.errors import WorkError

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?"))
"""Cells of a number column that hold no number, in lower case; so do infinite ones, which exporters write for a division by zero."""

_CELL_LIMIT = 1 << 26  # 64 MiB: a longer cell is a quote that nobody closed
_FEW_VALUES = 10_000
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Rows:
    """One file's rows.

    Args:
        file: its name, for messages.
        columns: column name -> its cells, (n,) each; an empty string where there is none.
        lines: (n,) the number of the line on which each row ends.
        numeric: column name -> its numbers, (n,) float32 each, of the columns that were asked for as numbers.
        names: of all columns of the file, kept or not.
    """

    file: str
    columns: Mapping[str, list[str]]
    lines: Sequence[int]
    numeric: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def place(self, row: int) -> str:
        """`file:line` of a row."""
        return f"{self.file}:{self.lines[row]}"


def read_rows(
    path: Path,
    form: str,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    wanted: Collection[str] | None = None,
    numeric: Collection[str] = (),
) -> Rows:
    """Read a file of one of the forms `csv`, `tsv`, `jsonl`, line by line.

    Args:
        path: the file.
        form: `tsv` is `csv` with tabs; `jsonl` has one object a line.
        delimiter: of `csv`.
        encoding: UTF-8 may begin with a byte order mark.
        wanted: columns that are kept as text; None: all. Those that the file lacks are passed over.
        numeric: columns that become numbers while they are read, which takes a tenth of the memory of their text.

    Raises:
        WorkError: it is not such a file, or a cell of a numeric column is no number; the message has the line.
    """
    read = _json_rows if form == "jsonl" else _csv_rows
    kept = _Kept(path.name, wanted, frozenset(numeric))
    try:
        with path.open(
            encoding="utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding, newline=""
        ) as stream:
            return read(stream, "\t" if form == "tsv" else delimiter, kept)
    except UnicodeDecodeError:
        decoded(path.read_bytes(), encoding, path.name)  # which says the line
        raise


def columns_of(path: Path, names: Sequence[str], *, form: str = "csv") -> list[list[str]]:
    """The cells of the columns that a card expects of a file, one list a column; see `read_rows`.

    Raises:
        WorkError: it is not such a file, or it lacks a column.
    """
    rows = read_rows(path, form, wanted=names)
    missing = [name for name in names if name not in rows.columns]
    if missing:
        what = f"no column '{missing[0]}' among {', '.join(rows.names)[:100]}"
        raise WorkError(what, where=path.name, remedy="fetch the file again, or mend the card")
    return [rows.columns[name] for name in names]


def decoded(content: bytes, encoding: str, name: str) -> str:
    """The text of a file.

    Raises:
        WorkError: it has another encoding; the message has the line.
    """
    try:
        return content.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WorkError(
            f"not {encoding} (byte {error.start})",
            where=f"{name}:{line}",
            remedy="write its real encoding into the card, such as `encoding: cp1252`, or save the file as UTF-8",
        ) from error


class _Kept:
    """What is kept of the rows: text of some columns, numbers of others."""

    def __init__(self, file: str, wanted: Collection[str] | None, numeric: frozenset[str]) -> None:
        self.file = file
        self.lines = array("q")
        self.text: dict[str, list[str]] = {}
        self.numbers: dict[str, array[float]] = {}
        self.names: list[str] = []
        self._wanted = wanted
        self._numeric = numeric

    def column(self, name: str) -> Callable[[str, int], None] | None:
        """What to do with a cell of this column and its line; None: nothing."""
        self.names.append(name)
        number_too = self._numbers_of(name) if name in self._numeric else None
        if self._wanted is not None and name not in self._wanted:
            return number_too
        cells = self.text.setdefault(name, [""] * len(self.lines))
        known: dict[str, str] = {}  # equal cells share their memory, which a column of few values needs

        def keep(cell: str, line: int) -> None:
            cells.append(known.setdefault(cell, cell) if len(known) < _FEW_VALUES else cell)
            if number_too is not None:  # an input that is the time as well
                number_too(cell, line)

        return keep

    def _numbers_of(self, name: str) -> Callable[[str, int], None]:
        values = self.numbers.setdefault(name, array("f", [math.nan]) * len(self.lines))
        return lambda cell, line: values.append(self._number(cell, name, line))

    def rows(self) -> Rows:
        """What was kept."""
        numbers = {name: np.array(values, dtype=np.float32) for name, values in self.numbers.items()}
        return Rows(self.file, self.text, self.lines, numbers, tuple(self.names))

    def _number(self, cell: str, name: str, line: int) -> float:
        value = number(cell)
        if value is None:
            remedy = "mend the cell, or list the column under `categorical` in the card"
            raise WorkError(f"{cell[:40]!r} is not a number", where=f"{self.file}:{line}, {name}", remedy=remedy)
        return value if abs(value) <= _LARGEST else math.nan


def _csv_rows(stream: Iterable[str], delimiter: str, kept: _Kept) -> Rows:
    takers: list[Callable[[str, int], None] | None] = []
    for line, cells in _csv_cells(stream, delimiter, kept.file):
        if not takers:
            takers = [kept.column(name) for name in column_names(cells, kept.file)]
            continue
        if len(cells) != len(takers):
            what = f"{len(cells)} cells, but the header has {len(takers)} columns"
            remedy = f"mend that line; a cell that holds {delimiter!r}, a quote or a line break needs quotes around it"
            raise WorkError(what, where=f"{kept.file}:{line}", remedy=remedy)
        for take, cell in zip(takers, cells, strict=True):
            if take is not None:
                take(cell, line)
        kept.lines.append(line)
    if not kept.lines:
        remedy = "the first line names the columns, each other is a sample"
        raise WorkError("no row below a header", where=kept.file, remedy=remedy)
    return kept.rows()


def _csv_cells(stream: Iterable[str], delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not empty."""
    before = csv.field_size_limit(_CELL_LIMIT)  # the default refuses texts of more than 131,072 characters
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        where, remedy = f"{name}:{reader.line_num}", "double each quote inside a quoted cell, and close it"
        raise WorkError(f"not a CSV line ({error})", where=where, remedy=remedy) from error
    finally:
        csv.field_size_limit(before)


def column_names(header: Sequence[str], name: str) -> list[str]:
    """The names of a header; one without a name, as an exported index has, is called by its number.

    Raises:
        WorkError: two columns have one name.
    """
    names = [cell.strip() or f"column_{number}" for number, cell in enumerate(header, start=1)]
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise WorkError(f"two columns are called '{twice}'", where=f"{name}:1", remedy="rename one of them")
    return names


def _json_rows(stream: Iterable[str], _: str, kept: _Kept) -> Rows:
    takers: dict[str, Callable[[str, int], None] | None] = {}
    for line, content in enumerate(stream, start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            where = f"{kept.file}:{line}"
            raise WorkError(f"not JSON ({error})", where=where, remedy="write one object a line") from error
        if not isinstance(row, dict):
            what = f"a {type(row).__name__}, not an object"
            raise WorkError(what, where=f"{kept.file}:{line}", remedy='write {"column": value, ...}')
        for key in [key for key in row if key not in takers]:
            takers[key] = kept.column(key)
        for key, take in takers.items():
            if take is not None:
                take(_cell(row.get(key)), line)
        kept.lines.append(line)
    if not kept.lines:
        raise WorkError("no object in it", where=kept.file, remedy="write one object a line")
    return kept.rows()


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def number(cell: str) -> float | None:
    """A cell's number; NaN where it is missing or infinite, None where it is something else."""
    stripped = cell.strip()
    if stripped.lower() in MISSING:
        return math.nan
    try:
        value = float(stripped)
    except ValueError:
        return None
    if "_" in stripped:  # Python reads 1_000, no exporter writes it
        return None
    return value if math.isfinite(value) else math.nan


def moment(cell: str, form: str | None) -> float | None:
    """A cell's time in seconds since 1970, in UTC where it names no zone; None where it is no time.

    Args:
        cell: a number, or a date as ISO 8601 writes it.
        form: another form of date, as `datetime.strptime` reads it.
    """
    stripped = cell.strip()
    try:
        if form is not None:
            parsed = datetime.strptime(stripped, form)
        else:
            value = number(stripped)
            if value is not None:
                return None if math.isnan(value) else value
            parsed = datetime.fromisoformat(stripped)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
