"""YAML 1.2 to plain values, with the line and column of every key.

ruamel.yaml parses; what a plain scalar means is decided here by the core schema of YAML 1.2, so that `off`, `no` and `12:30`
are text and `1e-3` is a number. A config is data for a person to read, so what hides meaning is refused: tags, merge keys,
keys given twice, NaN.

Source: YAML 1.2.2, section 10.3.2 (tag resolution of the core schema).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from projectkit.config.places import Places, join, shown
from projectkit.errors import UserError, nearest

MAX_BYTES = 1 << 20  # a config of a megabyte is another file by mistake
MAX_VALUES = 20_000  # aliases count each time they are used: a few lines of aliases can stand for billions of values
MAX_DEPTH = 40

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = ("", "~", "null", "Null", "NULL")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"\.nan|nan|[-+]?\.?inf(inity)?", re.IGNORECASE)

_REMEDIES = (  # a part of what the parser says -> what to type
    ("\\t", "indent with spaces, not with tabs"),
    (
        "mapping values are not allowed",
        "put quotes around a value that contains ': ', and give the keys of one block the same indentation",
    ),
    ("expected ',' or", "close the bracket, and put commas between its items"),
    ("unexpected end of stream", "close the quotes"),
    ("cannot start any token", "put quotes around a value that starts with this character"),
    ("could not find expected ':'", "write `key: value`, with a space after the colon"),
    ("expected <block end>", "give the keys of one block the same indentation"),
    ("<document start>", "give the keys of one block the same indentation"),
)


def read_yaml(path: Path | str) -> tuple[Any, Places]:
    """The plain data of a YAML file, and the place of each of its keys.

    Raises:
        UserError: the file is not there or is not YAML; the message has line, column and what to mend.
    """
    path = Path(path)
    name = shown(path)
    data, marks = parse(_text(path, name), name)
    return data, Places(name, marks)


def parse(text: str, name: str, *, key: str = "", lines: bool = True) -> tuple[Any, dict[str, str]]:
    """The plain data of a YAML text, and the place of each dotted key in it.

    Args:
        text: YAML, one document.
        name: where the text comes from.
        key: the dotted key that the whole text is the value of.
        lines: places are `name:line:column`, else `name` alone.

    Raises:
        UserError: the text is not YAML, or holds what a config must not hold.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    reader = _Reader(name, lines)
    try:
        return reader.document(iter(yaml.parse(text)), key), reader.marks
    except MarkedYAMLError as error:
        problem = " ".join(str(error.problem).split())
        remedy = next((remedy for part, remedy in _REMEDIES if part in problem), "mend that line")
        where = reader.place(error.problem_mark or error.context_mark)
        raise UserError(
            f"not valid YAML: {problem}", where=f"{where}, {key}" if key else where, remedy=remedy
        ) from error
    except YAMLError as error:
        raise UserError(
            "not valid YAML: it holds a control character", where=name, remedy="save it as plain text"
        ) from error


def _text(path: Path, name: str) -> str:
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise UserError(
                "larger than a megabyte, which no config is",
                where=name,
                remedy="name a config, such as configs/train.yaml",
            )
        return path.read_bytes().decode("utf-8-sig")  # an editor on Windows may have put a byte order mark
    except UnicodeDecodeError as error:
        raise UserError(
            f"not UTF-8 (byte {error.start})", where=name, remedy="save it as UTF-8 in your editor"
        ) from error
    except OSError as error:
        raise _cannot_read(path, name, error) from error


def _cannot_read(path: Path, name: str, error: OSError) -> UserError:
    folder = (
        path
        if path.is_dir()
        else path.parent
        if path.parent.is_dir() and any(path.parent.glob("*.y*ml"))
        else Path("configs")
    )
    there = sorted(shown(file) for file in folder.glob("*.y*ml")) if folder.is_dir() else []
    near = nearest(name, there)
    others = (
        f"there are: {', '.join(there[:6])}"
        if there
        else "go to your project's folder, or make a project with `projectkit new`"
    )
    if path.is_dir():
        return UserError("a folder, not a config", where=name, remedy=others)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UserError("no such config", where=name, remedy=f"did you mean {near}?" if near else others)
    return UserError(f"cannot be read ({error.strerror})", where=name, remedy="look at its permissions")


class _Reader:
    """Builds plain values from the parser's events, and notes where each key stands."""

    def __init__(self, name: str, lines: bool) -> None:
        self.name = name
        self.lines = lines
        self.marks: dict[str, str] = {}
        self.anchors: dict[str, Any] = {}
        self.values = 0

    def document(self, events: Iterator[Any], key: str) -> Any:
        """The value of the only document; None where there is none."""
        from ruamel.yaml.events import DocumentStartEvent

        value, seen = None, False
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if seen:
                    self.refuse("a second document", event, "", "remove the `---` line")
                value, seen = self.value(next(events), events, key, 0), True
        return value

    def value(self, event: Any, events: Iterator[Any], key: str, depth: int) -> Any:
        """The value that starts with `event`."""
        from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent

        self.values += 1
        if key:
            self.marks.setdefault(key, self.place(event.start_mark))
        if isinstance(event, AliasEvent):
            return self.alias(event, key)
        if event.tag is not None:
            self.refuse(
                f"the tag {_tag(event.tag)} is not allowed", event, key, "name a class by class_path and init_args"
            )
        if self.values > MAX_VALUES or depth > MAX_DEPTH:
            self.refuse("too many values for a config", event, key, "write it shorter, without nested anchors")
        if isinstance(event, ScalarEvent):
            value = self.scalar(event, key)
        elif isinstance(event, MappingStartEvent):
            value = self.mapping(events, key, depth)
        else:
            value = self.sequence(events, key, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def mapping(self, events: Iterator[Any], parent: str, depth: int) -> dict[str | int, Any]:
        from ruamel.yaml.events import MappingEndEvent, ScalarEvent

        values: dict[str | int, Any] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            if not isinstance(event, ScalarEvent) or event.tag is not None:
                self.refuse("a key that is not a plain word", event, parent, "write `key: value`")
            name = self.scalar(event, parent)
            if type(name) not in (str, int):
                self.refuse(
                    f"the key {event.value or 'null'} is not text", event, parent, f'write "{event.value}" in quotes'
                )
            key = join(parent, name)
            if name == "<<" and event.style is None:
                self.refuse(
                    "merge keys (`<<`) are not allowed",
                    event,
                    parent,
                    "write the keys out, or refer to one value with ${key}",
                )
            if name in values:
                self.refuse(f"given twice, first at {self.marks[key]}", event, key, "keep one of the two")
            self.marks[key] = self.place(event.start_mark)
            values[name] = self.value(next(events), events, key, depth + 1)
        return values

    def sequence(self, events: Iterator[Any], parent: str, depth: int) -> list[Any]:
        from ruamel.yaml.events import SequenceEndEvent

        values: list[Any] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            values.append(self.value(event, events, join(parent, len(values)), depth + 1))
        return values

    def alias(self, event: Any, key: str) -> Any:
        if event.anchor not in self.anchors:
            known = f"write &{event.anchor} before the value that it stands for"
            self.refuse(f"*{event.anchor} names an anchor that is not there", event, key, known)
        value, size = _copied(self.anchors[event.anchor])
        self.values += size
        if self.values > MAX_VALUES:
            self.refuse("too many values for a config", event, key, "write it shorter, without nested anchors")
        return value

    def scalar(self, event: Any, key: str) -> Any:
        text = str(event.value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.refuse("half a character (a lone surrogate)", event, key, "write the character itself")
        if event.style in ("'", '"', "|", ">"):
            return text
        value = plain(text)
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse(
                f"{text} is not a finite number",
                event,
                key,
                f'write a finite number, or "{text}" in quotes if text is meant',
            )
        return value

    def place(self, mark: Any) -> str:
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}" if self.lines and mark is not None else self.name

    def refuse(self, what: str, event: Any, key: str, remedy: str) -> NoReturn:
        place = self.place(event.start_mark)
        raise UserError(what, where=f"{place}, {key}" if key else place, remedy=remedy)


def plain(text: str) -> bool | int | float | str | None:
    """What an unquoted scalar means; NaN and infinity, spelt as in YAML or as in Python, are floats."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text) and len(text) < 400:  # Python refuses to read whole numbers of more than 4300 digits
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text) and len(text) < 400:
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return math.nan if _NOT_FINITE.fullmatch(text) else text


def _copied(value: Any) -> tuple[Any, int]:
    """A deep copy and its number of values: an override of one use of an anchor leaves the others alone."""
    if isinstance(value, dict):
        parts = {key: _copied(item) for key, item in value.items()}
        return {key: item for key, (item, _) in parts.items()}, 1 + sum(size for _, size in parts.values())
    if isinstance(value, list):
        items = [_copied(item) for item in value]
        return [item for item, _ in items], 1 + sum(size for _, size in items)
    return value, 1


def _tag(tag: str) -> str:
    return "!!" + tag.removeprefix("tag:yaml.org,2002:") if tag.startswith("tag:yaml.org,2002:") else tag
