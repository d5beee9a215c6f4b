"""Plain files as columns of text: CSV, TSV and JSONL, each row with the number of its line for the errors.

Nothing is interpreted here but the form of the file: `numbers` and `moment` say what a cell means. The delimiter and the encoding stand
in the card; they are guessed only when a card is written.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.errors import WorkError

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?"))
"""Cells of a number column that hold no number, in lower case; so do infinite ones, which exporters write for a division by zero."""

_CELL_LIMIT = 1 << 26  # 64 MiB: a longer cell is a quote that nobody closed


@dataclass(frozen=True)
class Rows:
    """One file's rows.

    Args:
        file: its name, for messages.
        columns: column name -> its cells, (n,) each; an empty string where there is none.
        lines: (n,) the number of the line on which each row ends.
    """

    file: str
    columns: Mapping[str, list[str]]
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    def place(self, row: int) -> str:
        """`file:line` of a row."""
        return f"{self.file}:{self.lines[row]}"


def read_rows(path: Path, form: str, *, delimiter: str = ",", encoding: str = "utf-8") -> Rows:
    """Read a file of one of the forms `csv`, `tsv`, `jsonl`.

    Args:
        path: the file.
        form: `tsv` is `csv` with tabs; `jsonl` has one object a line.
        delimiter: of `csv`.
        encoding: UTF-8 may begin with a byte order mark.

    Raises:
        WorkError: it is not such a file; the message has the line.
    """
    text = decoded(path.read_bytes(), encoding, path.name)
    if form == "jsonl":
        return _json_rows(text, path.name)
    return _csv_rows(text, "\t" if form == "tsv" else delimiter, path.name)


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


def _csv_rows(text: str, delimiter: str, name: str) -> Rows:
    columns: list[list[str]] = []
    lines: list[int] = []
    names: list[str] = []
    for line, cells in _csv_cells(text, delimiter, name):
        if not names:
            names = column_names(cells, name)
            columns = [[] for _ in names]
            continue
        if len(cells) != len(names):
            what = f"{len(cells)} cells, but the header has {len(names)} columns"
            remedy = f"mend that line; a cell that holds {delimiter!r}, a quote or a line break needs quotes around it"
            raise WorkError(what, where=f"{name}:{line}", remedy=remedy)
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
        lines.append(line)
    if not lines:
        raise WorkError(
            "no row below a header", where=name, remedy="the first line names the columns, each other is a sample"
        )
    return Rows(name, dict(zip(names, columns, strict=True)), lines)


def _csv_cells(text: str, delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not empty."""
    before = csv.field_size_limit(_CELL_LIMIT)  # the default refuses texts of more than 131,072 characters
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise WorkError(
            f"not a CSV line ({error})",
            where=f"{name}:{reader.line_num}",
            remedy="double each quote inside a quoted cell, and close it",
        ) from error
    finally:
        csv.field_size_limit(before)


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends; `str.splitlines` would also cut at form feeds and other separators that texts hold."""
    start = 0
    while start < len(text):
        stop = text.find("\n", start) + 1 or len(text)
        yield text[start:stop]
        start = stop


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


def _json_rows(text: str, name: str) -> Rows:
    columns: dict[str, list[str]] = {}
    lines: list[int] = []
    for line, content in enumerate(_lines(text), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise WorkError(f"not JSON ({error})", where=f"{name}:{line}", remedy="write one object a line") from error
        if not isinstance(row, dict):
            raise WorkError(
                f"a {type(row).__name__}, not an object", where=f"{name}:{line}", remedy='write {"column": value, ...}'
            )
        for key in [key for key in row if key not in columns]:
            columns[key] = [""] * len(lines)
        for key, column in columns.items():
            column.append(_cell(row.get(key)))
        lines.append(line)
    if not lines:
        raise WorkError("no object in it", where=name, remedy="write one object a line")
    return Rows(name, columns, lines)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def numbers(cells: Sequence[str], *, where: str, lines: Sequence[int]) -> NDArray[np.float32]:
    """Cells as numbers; NaN where there is none.

    Args:
        cells: (n,).
        where: file and column, for the message.
        lines: (n,) the line of each cell.

    Raises:
        WorkError: a cell that is neither a number nor missing.
    """
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        value = number(cell)
        if value is None:
            file, _, column = where.partition(", ")
            raise WorkError(
                f"{cell[:40]!r} is not a number",
                where=f"{file}:{lines[row]}, {column}",
                remedy="mend the cell, or list the column under `categorical` in the card",
            )
        values[row] = value
    values[np.abs(values) > np.finfo(np.float32).max] = np.nan
    return values.astype(np.float32)


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
