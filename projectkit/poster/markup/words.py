"""What the typesetter must know about words: where a long one may be broken, and how wide a table's columns must be."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from projectkit.poster.markup.nodes import Node, inline_text, mapped, plain_text, walk

_BREAK = "\u200b"  # zero-width space: a place to break a line, invisible otherwise
_HYPHEN = "\u00ad"  # soft hyphen: the same, with a hyphen where it is used
INTERVAL_SIZE = 0.66  # of the value that it stands below
_NARROW, _BROAD = frozenset("iıîïjlrtfI.,:;'|!()[]-"), frozenset("mwMWÆŒ@%œæшщжюымШЩЖЮЫМ")
_LONG = re.compile(r"[^\s\u200b]{19,}")
_WORD = re.compile(r"(\W{0,3})([^\W\d_]{15,60})(\W{0,3})")
_VOWELS = frozenset("aeiouyæøœıαεηιουωаеиоуыэюяієўї")
_TOGETHER = ("sch", "ch", "ck", "ph", "sh", "th", "qu")  # consonants that are one sound
_LEAST_PART, _MOST_PART = 4, 14  # letters
_PART = re.compile(r"[^_/.@:=&?\-]{1,14}[_/.@:=&?\-]?|[_/.@:=&?\-]")


def breakable(text: str) -> str:
    """A text whose addresses, names and hashes can be broken, after their punctuation or every few characters; words with a hyphen.

    Words of up to 18 characters stay whole.
    """
    return _LONG.sub(lambda word: _broken(word.group()), text)


def prepared(value: Any) -> Any:
    """A tree whose texts are breakable, and whose tables know the longest unbreakable word of each column."""
    if isinstance(value, list):
        return [prepared(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") in ("math", "equation"):
        return value  # a formula's symbols are not words
    node: Node = {key: prepared(one) for key, one in value.items()}
    if node.get("kind") in ("text", "code"):
        node["text"] = breakable(node["text"])
    elif node.get("kind") == "results":
        node["header"] = [breakable(name) for name in node["header"]]
        node["rows"] = [{**row, "label": breakable(row["label"])} for row in node["rows"]]
        node["longest"] = [
            _longest([_text(node["header"][0]), *(_text(row["label"]) for row in node["rows"])]),
            *(
                _longest_cell(name, [row["cells"][index] for row in node["rows"]])
                for index, name in enumerate(node["header"][1:])
            ),
        ]
    elif node.get("kind") == "card":
        node["title"] = breakable(node["title"])
    elif node.get("kind") == "badge":
        node["rows"] = [{name: breakable(text) for name, text in row.items()} for row in node["rows"]]
    elif node.get("kind") == "table":
        node["longest"] = [_longest(list(column)) for column in zip(node["header"], *node["rows"], strict=True)]
    return node


def widest_word(line: list[Node]) -> Node:
    """The widest word of a line, as a node of its own; formulas can be broken, the design knows where."""
    space = {"kind": "text", "text": " "}
    word: Node = _longest([mapped(line, lambda node: space if node["kind"] == "math" else node)])["word"]
    return word


def _broken(long: str) -> str:
    if found := _WORD.fullmatch(long):
        parts = _parts_of(found[2])
        if max(map(len, parts)) <= _MOST_PART:
            return found[1] + _HYPHEN.join(parts) + found[3]
    return _BREAK.join(_PART.findall(long))


def _parts_of(word: str) -> list[str]:
    """A word of any language, cut before a consonant with a vowel behind it: where most languages would."""
    letters = [unicodedata.normalize("NFD", letter)[0].lower() for letter in word]
    parts, start = [], 0
    for place in range(1, len(word) - 1):
        if letters[place] in _VOWELS or letters[place + 1] not in _VOWELS:
            continue
        sound = next((sound for sound in _TOGETHER if "".join(letters[: place + 1]).endswith(sound)), " ")
        cut = place + 1 - len(sound)
        if cut - start >= _LEAST_PART and len(word) - cut >= _LEAST_PART:
            parts.append(word[start:cut])
            start = cut
    return [*parts, word[start:]]


def _text(text: str) -> list[Node]:
    return [{"kind": "text", "text": text}]


def _longest(cells: list[list[Node]]) -> Node:
    """The widest word of a column: in a cell with code every word counts as code, whose letters are wider."""
    widest, width = {"kind": "text", "text": ""}, 0.0
    for cell in cells:
        for formula in (one for one in walk(cell) if one["kind"] == "math"):  # of one piece
            if len(plain_text(formula)) > width:
                widest, width = formula, len(plain_text(formula))
        kind, wide = ("code", 1.3) if _has_code(cell) else ("text", 1.0)
        for word in re.split(rf"[\s{_BREAK}{_HYPHEN}]+", inline_text([one for one in cell if one["kind"] != "math"])):
            if wide * _breadth(word) > width:
                widest, width = {"kind": kind, "text": word}, wide * _breadth(word)
    return {"word": widest, "size": 1.0}


def _breadth(word: str) -> float:
    """About how wide a word is, in letters of middling width."""
    return sum(0.55 if sign in _NARROW else 1.45 if sign in _BROAD else 1.0 for sign in word)


def _longest_cell(name: str, cells: list[Node]) -> Node:
    """The widest word of a column of results, whose intervals are set smaller than their values."""
    word = _longest([_text(name), *(_text(cell["value"]) for cell in cells)])
    interval = max((cell["interval"] for cell in cells), key=len)
    return (
        _longest([_text(interval)]) | {"size": INTERVAL_SIZE}
        if len(interval) * INTERVAL_SIZE > len(word["word"]["text"])
        else word
    )


def _has_code(nodes: list[Node]) -> bool:
    return any(node["kind"] == "code" or _has_code(node.get("children", [])) for node in nodes)
