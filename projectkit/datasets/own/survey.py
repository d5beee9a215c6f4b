"""What the files of a new data set look like: their form, delimiter and encoding, and what the cells of each column hold.

Nothing is decided here; `guess.py` gives each column its part in a card.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from projectkit.datasets.own.arrays import read_arrays
from projectkit.datasets.own.pictures import picture_files
from projectkit.datasets.readers.rows import MISSING, decoded, moment, number, read_rows
from projectkit.errors import UserError, WorkError, did_you_mean

TIME_NAMES = ("time", "timestamp", "ts", "date", "datetime", "epoch", "start", "created")
IS_TEST = re.compile(r"(test|eval)(ing)?", re.IGNORECASE)
IS_VAL = re.compile(r"val(id(ation)?)?|dev", re.IGNORECASE)

_YEAR_1973 = 1e8  # seconds since 1970
_FORMS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".npz": "npz",
}
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Column:
    """A column's cells, and what can be seen in them."""

    name: str
    cells: Sequence[str]

    @cached_property
    def filled(self) -> list[str]:
        """The cells that hold something."""
        return [cell for cell in self.cells if cell.strip().lower() not in MISSING]

    @cached_property
    def values(self) -> set[str]:
        """What the filled cells hold."""
        return set(self.filled)

    @cached_property
    def is_number(self) -> bool:
        """Whether each filled cell is a number."""
        return bool(self.values) and all(number(cell) is not None for cell in self.values)

    @cached_property
    def is_time(self) -> bool:
        """Whether each cell is a date; or a number, under a name that says time, that counts seconds since 1970 or never descends."""
        if len(self.filled) < len(self.cells) or (self.is_number and not self.is_called(TIME_NAMES)):
            return False
        moments = {value: moment(value, None) for value in self.values}
        if None in moments.values() or not self.is_number:
            return None not in moments.values()
        seconds = [moments[cell] or 0.0 for cell in self.filled]
        return min(seconds) > _YEAR_1973 or seconds == sorted(seconds)

    @cached_property
    def mean_length(self) -> float:
        """Characters of a filled cell on average."""
        return float(np.mean([len(cell) for cell in self.filled])) if self.filled else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether no cell is empty and none repeats."""
        return len(self.values) == len(self.cells)

    def is_called(self, words: Sequence[str]) -> bool:
        """Whether one of the words is in its name: `src_ip`, `startTime` and `Start Time` hold two words each."""
        return bool(set(words_of(self.name)) & set(words))


@dataclass(frozen=True)
class Survey:
    """What the files look like; `columns` are those of all files one behind the other, empty for pictures."""

    form: str
    files: tuple[str, ...]
    columns: Mapping[str, Column]
    delimiter: str = ","
    encoding: str = "utf-8"
    modality: str | None = None  # of an npz file
    folders: tuple[str, ...] = ()  # of pictures
    classes: tuple[str, ...] = ()  # of pictures
    subsets: tuple[str, ...] = ()  # of pictures

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).cells) if self.columns else 0


def survey(paths: Sequence[Path]) -> Survey:
    """Look at the files of a new data set.

    Args:
        paths: files of one form, with the same columns; or one folder of pictures.

    Raises:
        UserError: there is no such file, or it has none of the forms.
        WorkError: a file is damaged; the message has the line.
    """
    for path in paths:
        if not path.exists():
            raise UserError(
                "no such file", where=str(path), remedy="name CSV, TSV, JSONL or NPZ files, or one folder of pictures"
            )
    if any(path.is_dir() for path in paths):
        if len(paths) > 1:
            raise UserError(
                "a folder beside other files", where=str(paths[1]), remedy="name one folder of pictures alone"
            )
        return _survey_pictures(paths[0])
    forms = {_FORMS.get(path.suffix.lower(), "") for path in paths}
    if len(forms) > 1 or "" in forms:
        remedy = (
            f"name files of one form: {', '.join(_FORMS)}; anything else needs a card in Python (docs/publish-data.md)"
        )
        raise UserError(f"{', '.join(path.name for path in paths)}: no card in YAML is for these", remedy=remedy)
    (form,) = forms
    names = tuple(path.name for path in paths)
    if form == "npz":
        return _survey_arrays(paths, names)
    encoding = next((each for each in (_encoding(path) for path in paths) if each != "utf-8"), "utf-8")
    delimiter = "\t" if form == "tsv" else _delimiter(paths[0], encoding) if form == "csv" else ","
    parts = [read_rows(path, form, delimiter=delimiter, encoding=encoding) for path in paths]
    for part in parts[1:]:
        other = sorted(part.columns.keys() ^ parts[0].columns.keys())
        if other:
            raise UserError(
                f"the column '{other[0]}' is not in each of the files",
                where=part.file,
                remedy="give all files the same columns",
            )
    columns = {name: Column(name, [cell for part in parts for cell in part.columns[name]]) for name in parts[0].columns}
    return Survey(form, names, columns, delimiter, encoding)


def _survey_pictures(folder: Path) -> Survey:
    names = [tuple(name.split("/")) for name in picture_files(folder)]
    flat = next((name for name in names if len(name) < 2), None)
    if flat is not None:
        raise UserError(
            f"{flat[0]} is in no folder of a class", where=str(folder), remedy="put each picture into <class>/"
        )
    tops = sorted({name[0] for name in names})
    drawn = all(
        IS_TEST.fullmatch(top) or IS_VAL.fullmatch(top) or re.match("train", top, re.IGNORECASE) for top in tops
    )
    if drawn and len(tops) > 1 and all(len(name) > 2 for name in names):
        classes = tuple(sorted({name[1] for name in names}))
        return Survey(
            "images", (f"{folder.name}.zip",), {}, folders=("source", "class"), classes=classes, subsets=tuple(tops)
        )
    return Survey("images", (f"{folder.name}.zip",), {}, folders=("class",), classes=tuple(tops))


def _survey_arrays(paths: Sequence[Path], names: tuple[str, ...]) -> Survey:
    parts = []
    for path in paths:
        parts.append(read_arrays(path))
        if "x" not in parts[-1]:
            raise UserError(
                "no array 'x'",
                where=path.name,
                remedy=f"{did_you_mean('x', parts[-1])} Save the inputs as x, labels as y",
            )
    x = parts[0]["x"]
    kind = (
        "image"
        if x.dtype == np.uint8 and x.ndim > 2
        else "text"
        if x.dtype.kind == "U"
        else "tabular"
        if x.ndim == 2
        else "series"
    )
    shared = [
        name for name, array in parts[0].items() if array.shape == x.shape[:1] and all(name in part for part in parts)
    ]
    columns = {
        name: Column(name, [str(value) for part in parts for value in part[name].tolist()])
        for name in shared
        if name != "x"
    }
    return Survey("npz", names, columns, modality=kind)


def words_of(name: str) -> list[str]:
    """The words in a column's name, in lower case."""
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())


def _encoding(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for encoding in ("utf-8", "cp1252"):
        try:
            decoded(content, encoding, path.name)
        except WorkError:
            continue
        return encoding
    return "latin-1"  # which any bytes are


def _delimiter(path: Path, encoding: str) -> str:
    """The one that cuts the first lines into the same number of cells, and into the most."""
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as stream:
        head = stream.read(1 << 16).splitlines(keepends=True)[:50]

    def cells(delimiter: str) -> tuple[float, int]:
        counts = [len(row) for row in csv.reader(head, delimiter=delimiter) if row]
        if not counts or counts[0] < 2:
            return 0.0, 0
        return counts.count(counts[0]) / len(counts), counts[0]

    return max(_DELIMITERS, key=cells)
