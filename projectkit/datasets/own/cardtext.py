"""A YAML card as a person wants to read and edit it: keys in the order of their importance, a reason behind those that decide something."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from projectkit.config.reading import plain

_ORDER = (
    *("title", "description", "format", "delimiter", "encoding", "files", "modality", "size", "colour", "folders"),
    *("label", "classes", "text", "numeric", "categorical", "id", "group", "time", "source"),
    *("split", "test", "val", "near_duplicates", "withheld"),
    *("licence", "redistributable", "citation", "traps", "safety", "ethics"),
)
_BEGINS_A_BLOCK = ("format", "label", "split", "licence")
_COMMENTS = {
    "label": "the column with the classes",
    "classes": "in the order of their indices; of two, the one that is looked for comes last",
    "id": "names each row, is no input",
    "group": "rows of one value are never split apart",
    "time": "is no input",
    "source": "where a row comes from",
    "split": "stratified, by_group, leave_groups_out, by_time or official",
    "near_duplicates": "such texts are copies too: equal but for digits and punctuation",
    "withheld": "these labels are in a file that only the course's staff have",
    "redistributable": "may others pass the files on?",
    "traps": "what misleads, one sentence each",
    "ethics": "who is in the data, who may be harmed by its use?",
}
_WIDTH = 118
_PLAIN = re.compile(r"[A-Za-z][\w.%/()+-]*( [\w.%/()+-]+)*", re.ASCII)


def card_text(name: str, keys: Mapping[str, Any], left_out: Mapping[str, str]) -> str:
    """The YAML of a card.

    Args:
        name: of the data set.
        keys: key -> value, as `Description` has them.
        left_out: column -> why it has no part; becomes comments.
    """
    lines = [f"# The data set `{name}`. docs/publish-data.md of projectkit says what each key means."]
    inputs = [key for key in ("label", "text", "numeric", "categorical") if key in keys]
    for key in _ORDER:
        if key not in keys:
            continue
        if key in _BEGINS_A_BLOCK:
            lines.append("")
        if key == "files":
            lines += ["files:", *(line for file in keys[key] for line in _file_lines(file))]
            continue
        comment = f"  # {_COMMENTS[key]}" if key in _COMMENTS else ""
        written = f"{key}: {_value(keys[key])}"
        if len(written) + len(comment) <= _WIDTH:
            lines.append(written + comment)
        else:
            lines += [comment.strip()] if comment else []
            lines += _wrapped(written) if isinstance(keys[key], list) else [written]
        if key == inputs[-1]:
            lines += [f"# left out: {_value(column)} ({why})" for column, why in left_out.items()]
    return "\n".join(lines) + "\n"


def _wrapped(written: str) -> list[str]:
    """A list over several lines; one whose items hold blanks stays whole, because a line must not end inside quotes."""
    if re.search(r"[^,] ", written.partition(": ")[2]):
        return [written]
    return textwrap.wrap(written, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _file_lines(file: Mapping[str, Any]) -> list[str]:
    first, *others = [f"{key}: {_value(value)}" for key, value in file.items()]
    return [f"  - {first}", *(f"    {line}" for line in others)]


def _value(value: Any) -> str:
    """A value in flow style."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_value, value)) + "]"
    return value_text(value) if isinstance(value, str) else str(value)


def value_text(text: str) -> str:
    """A string as YAML writes it: bare where it is read as the same string, else in quotes."""
    if _PLAIN.fullmatch(text) and plain(text) == text:
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"
