"""Nodes of a text: plain dictionaries with a `kind`; their words, and how to walk through them. The kinds are listed in markdown.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from projectkit.poster.markup.maths.linear import linear

Node = dict[str, Any]

_WHOLE = ("math", "equation")  # their trees are formulas, not text


def plain_text(node: Node) -> str:
    """The words of a node, for counting, for search and for alternative texts; of a formula its symbols in a line."""
    words = _WORDS.get(node["kind"])
    return words(node) if words else inline_text(node.get("children") or node.get("caption") or [])


def inline_text(nodes: list[Node]) -> str:
    """The words of a line."""
    return "".join(plain_text(node) for node in nodes)


def walk(value: Any) -> Iterator[Node]:
    """Every node in a node or a list of nodes, in the order of reading, outer ones first."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from walk(one)
    elif isinstance(value, dict):
        if "kind" in value:
            yield value
        if value.get("kind") not in _WHOLE:
            yield from walk(list(value.values()))


def mapped(value: Any, change: Callable[[Node], Node]) -> Any:
    """A copy in which every node has gone through `change`, inner ones first."""
    if isinstance(value, list | tuple):
        return [mapped(one, change) for one in value]
    if not isinstance(value, dict):
        return value
    copied = dict(value) if value.get("kind") in _WHOLE else {key: mapped(one, change) for key, one in value.items()}
    return change(copied) if "kind" in copied else copied


def _blocks(blocks: Iterable[Node]) -> str:
    return " ".join(plain_text(block) for block in blocks)


def _quoted(node: Node) -> str:
    parts = [inline_text(node.get("title", [])), _blocks(node["children"]), inline_text(node.get("by", []))]
    return " ".join(part for part in parts if part)


def _table(node: Node) -> str:
    cells = " ".join(inline_text(cell) for row in (node["header"], *node["rows"]) for cell in row)
    return f"{cells} {inline_text(node.get('caption', []))}".rstrip()


def _results(node: Node) -> str:
    cells = " ".join(f"{row['label']} {' '.join(cell['value'] for cell in row['cells'])}" for row in node["rows"])
    return f"{' '.join(node['header'])} {cells} {inline_text(node['caption'])}".strip()


def _numbers(node: Node) -> str:
    items = " ".join(f"{item['label']} {item['value']}" for item in node["items"])
    return f"{items} {inline_text(node['caption'])}".strip()


def _card(node: Node) -> str:
    return " ".join([node["title"], *(f"{row['label']} {inline_text(row['children'])}" for row in node["rows"])])


def _badge(node: Node) -> str:
    return " ".join([node["verdict"], node["text"], *(f"{row['label']} {row['text']}" for row in node["rows"])])


_WORDS: dict[str, Callable[[Node], str]] = {
    **dict.fromkeys(("text", "code", "number", "cite"), lambda node: str(node["text"])),
    **dict.fromkeys(_WHOLE, lambda node: linear(node["tree"])),
    **dict.fromkeys(("callout", "quote"), _quoted),
    # References are looked up, not read, and the numbers of footnotes are no words.
    **dict.fromkeys(("footnote", "role", "references"), lambda _: ""),
    "break": lambda _: " ",
    "list": lambda node: _blocks(block for item in node["items"] for block in item),
    "row": lambda node: _blocks(block for cell in node["cells"] for block in cell),
    "table": _table,
    "results": _results,
    "numbers": _numbers,
    "card": _card,
    "badge": _badge,
    "count": lambda node: f"{node['value']} {node['label']} {node['text']}",
    "footnotes": lambda node: _blocks(block for item in node["items"] for block in item["children"]),
}
