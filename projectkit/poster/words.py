"""What the typesetter must know about words: where a long one may be broken, and how wide a table's columns must be."""

from __future__ import annotations

import re
from typing import Any

from projectkit.poster.markdown import Node, inline_text

_BREAK = "\u200b"  # zero-width space: a place to break a line, invisible otherwise
_LONG = re.compile(r"[^\s\u200b]{19,}")
_PART = re.compile(r"[^_/.@:=&?\-]{1,14}[_/.@:=&?\-]?|[_/.@:=&?\-]")


def breakable(text: str) -> str:
    """A text whose addresses, names and hashes can be broken, after their punctuation or every few characters.

    Words of up to 18 characters stay whole.
    """
    return _LONG.sub(lambda word: _BREAK.join(_PART.findall(word.group())), text)


def prepared(value: Any) -> Any:
    """A tree whose texts are breakable, and whose tables know the longest unbreakable word of each column."""
    if isinstance(value, list):
        return [prepared(one) for one in value]
    if not isinstance(value, dict):
        return value
    node: Node = {key: prepared(one) for key, one in value.items()}
    if node.get("kind") in ("text", "code"):
        node["text"] = breakable(node["text"])
    elif node.get("kind") == "results":
        node["rows"] = [{**row, "label": breakable(row["label"])} for row in node["rows"]]
        cells = [[row["label"], *(cell["interval"] or cell["value"] for cell in row["cells"])] for row in node["rows"]]
        node["longest"] = _longest([node["header"], *cells])
    elif node.get("kind") == "table":
        node["longest"] = _longest([[inline_text(cell) for cell in row] for row in (node["header"], *node["rows"])])
    return node


def _longest(rows: list[list[str]]) -> list[str]:
    words = [
        [word for cell in column for word in re.split(rf"[\s{_BREAK}]+", cell)] for column in zip(*rows, strict=True)
    ]
    return [max(column, key=len) for column in words]
