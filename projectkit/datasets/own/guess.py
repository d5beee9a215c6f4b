"""What the files of a new data set probably mean: the part that each column plays.

`propose` gives the keys of a YAML card for what `survey.py` saw. What a person says (`label=...`) goes before any guess, and the rest
follows from it. Names of columns are hints, their values decide.

| part | guessed for a column that |
|---|---|
| label | is called so, or has few values |
| id | is called so, or counts the rows, and never repeats |
| time | holds dates, or numbers and is called so |
| group | is called like somebody or something that several rows come from |
| subset | holds train and test |
| text | is the longest of those with words |
| numeric, categorical | remains, with numbers or with few words |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from projectkit.datasets.own.survey import IS_TEST, IS_VAL, TIME_NAMES, Column, Survey, words_of
from projectkit.errors import UserError, did_you_mean

LABEL_NAMES = tuple("label class target y category attack family type verdict outcome language lang is".split())  # noqa: SIM905
GROUP_NAMES = tuple(
    "group host user author subject patient speaker device session track owner campaign "  # noqa: SIM905
    "sender account domain ip scene video machine site".split()
)
ID_NAMES = ("id", "uuid", "guid", "index", "row", "number", "no")
SUBSET_NAMES = ("subset", "split", "set", "partition", "fold", "usage")
FIRST_CLASSES = (
    "benign",
    "normal",
    "ham",
    "legit",
    "legitimate",
    "clean",
    "good",
    "safe",
    "negative",
    "no",
    "false",
    "0",
)
"""What is not looked for, so that it becomes class 0 of two."""

_MOST_CLASSES = 200
_MOST_CATEGORIES = 100
_LONG = 24  # characters on average from which strings are texts rather than names


def propose(
    seen: Survey,
    *,
    label: str | None = None,
    text: str | None = None,
    group: str | None = None,
    time: str | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """The keys of a card for what was seen.

    Args:
        seen: the files.
        label: the column with the classes; None: guessed.
        text: the column that is the input; None: guessed; an empty name: a table.
        group: what must not be split apart; None: guessed; an empty name: nothing.
        time: when a row happened; None: guessed; an empty name: none.

    Returns:
        The keys without files and title; and for each column that has no part, why.

    Raises:
        UserError: a column that is not there, or none that could be the label.
    """
    for name in filter(None, (label, text, group, time)):
        if name not in seen.columns and seen.form != "images":
            raise UserError(f"no column '{name}'", where=seen.files[0], remedy=did_you_mean(name, seen.columns))
    keys: dict[str, Any] = {"format": seen.form}
    if seen.form == "csv" and seen.delimiter != ",":
        keys["delimiter"] = seen.delimiter
    if seen.encoding != "utf-8":
        keys["encoding"] = seen.encoding
    if seen.form == "images":
        keys |= {"size": [32, 32], "colour": "rgb", "folders": list(seen.folders), "label": label or "class"}
        return keys | {"classes": ordered(seen.classes, {})} | _drawn_by(list(seen.subsets)), {}
    chosen = label or guess_label(seen)
    if chosen in (text, group, time):
        what = f"'{chosen}' is the label, and cannot be the input, the group or the time"
        raise UserError(what, where=seen.files[0], remedy="name another column, or - for none")
    free = {name: column for name, column in seen.columns.items() if name != chosen}
    parts = _parts(seen, free, group, time)
    inputs, left_out = _inputs(seen, free, parts, text)
    counts = Counter(cell.strip() for cell in seen.columns[chosen].cells if cell.strip())
    keys |= inputs | {"label": chosen, "classes": ordered(list(counts), counts)} | parts
    if "source" in parts:
        return keys | _drawn_by(sorted(seen.columns[parts["source"]].values)), left_out
    if len(seen.files) > 1 and any(IS_TEST.search(name) for name in seen.files):
        return keys | _drawn_by(list(seen.files)), left_out
    return keys | {
        "split": "by_group" if "group" in parts else "by_time" if "time" in parts else "stratified"
    }, left_out


def guess_label(seen: Survey) -> str:
    """The column that probably holds the classes.

    Raises:
        UserError: none does.
    """
    most = min(_MOST_CLASSES, max(2, len(seen) // 2))
    possible = [column for column in seen.columns.values() if 2 <= len(column.values) <= most]
    for hint in LABEL_NAMES:
        for column in possible:
            if hint == column.name.lower() or hint in words_of(column.name):
                return column.name
    few = [
        column
        for column in possible
        if len(column.values) <= 20 and not column.is_called((*GROUP_NAMES, *SUBSET_NAMES))
    ]
    if not few:
        raise UserError("no column looks like a label", where=seen.files[0], remedy="name it: --label COLUMN")
    return few[-1].name


def ordered(classes: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    """Classes in the order of their indices: sorted, numbers by value; of two, the one that is looked for comes last.

    Args:
        classes: their names.
        counts: rows of each; of two classes the rarer is looked for, unless a name tells.
    """
    if all(each.lstrip("-").isdecimal() for each in classes):
        return sorted(classes, key=int)
    names = sorted(classes)
    if len(names) == 2:
        return sorted(names, key=lambda each: (each.lower() not in FIRST_CLASSES, -counts.get(each, 0)))
    return names


def _parts(seen: Survey, free: Mapping[str, Column], group: str | None, time: str | None) -> dict[str, str]:
    """Columns that are no input: id, group, time, source."""
    parts: dict[str, str] = {}
    given = {name for name in (group, time) if name}
    for name, column in free.items():
        if name in given:
            continue
        lower = {value.lower() for value in column.values}
        if (
            column.is_called(SUBSET_NAMES)
            and any(map(IS_TEST.fullmatch, lower))
            and any(each.startswith("train") for each in lower)
        ):
            parts.setdefault("source", name)
        elif column.is_unique and (column.is_called(ID_NAMES) or _counts_rows(column)):
            parts.setdefault("id", name)
        elif time is None and column.is_time:
            parts.setdefault("time", name)
        elif group is None and column.is_called(GROUP_NAMES) and 2 < len(column.values) < 0.9 * len(column.cells):
            parts.setdefault("group", name)
    parts |= {part: name for part, name in (("group", group), ("time", time)) if name}
    if time is None and "group" in parts:
        parts.pop("time", None)  # a split by both drops the many rows whose group is on the other side of the cut
    return {part: parts[part] for part in ("id", "group", "time", "source") if part in parts}


def _inputs(
    seen: Survey, free: Mapping[str, Column], parts: Mapping[str, str], text: str | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """What the model is to see, and why it is not to see the rest."""
    if seen.form == "npz":
        return {"modality": seen.modality}, {}
    left = [column for name, column in free.items() if name not in parts.values()]
    left_out = {column.name: "it has one value only" for column in left if len(column.values) < 2}
    left = [column for column in left if column.name not in left_out]
    wordy = [column for column in left if not column.is_number and not column.is_time]
    if text is None:
        texts = [
            column for column in wordy if column.mean_length >= _LONG and len(column.values) > 0.3 * len(column.cells)
        ]
        if (
            not texts and len(left) == len(wordy) and left
        ):  # short ones, such as names of hosts, if there is nothing else
            texts = [column for column in wordy if len(column.values) > max(_MOST_CATEGORIES, 0.5 * len(column.cells))]
        text = max(texts, key=lambda column: column.mean_length).name if texts else ""
    if text:
        return {"text": text}, left_out | {
            column.name: "the text alone is the input" for column in left if column.name != text
        }
    numeric = [column.name for column in left if column.is_number and not column.is_time]
    categorical = [column.name for column in wordy if len(column.values) <= _MOST_CATEGORIES]
    for column in left:
        if column.name not in numeric and column.name not in categorical:
            why = f"{len(column.values)} different values, too many for a category"
            if column.is_time:
                why = "it is a time"
            elif column.is_called(TIME_NAMES):
                why = "if it is the time, write `time` and `time_format` into the card"
            left_out[column.name] = why
    if not numeric and not categorical:
        raise UserError("no column is left as an input", where=seen.files[0], remedy="name one: --text COLUMN")
    return {key: names for key, names in (("numeric", numeric), ("categorical", categorical)) if names}, left_out


def _drawn_by(sources: Sequence[str]) -> dict[str, Any]:
    """The official split, where the sources' names say which is which."""
    test = [name for name in sources if IS_TEST.search(name)]
    val = [name for name in sources if name not in test and IS_VAL.search(name)]
    if not test or len(test) == len(sources):
        return {"split": "stratified"}
    return {"split": "official", "test": test} | ({"val": val} if val else {})


def _counts_rows(column: Column) -> bool:
    """Whether it holds 0, 1, 2, ... or 1, 2, 3, ..."""
    first = column.cells[0].strip() if column.cells else ""
    if first not in ("0", "1"):
        return False
    return all(cell.strip() == str(row) for row, cell in enumerate(column.cells, start=int(first)))
