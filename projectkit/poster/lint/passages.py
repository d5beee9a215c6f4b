"""The words of a poster, block by block, each with its place: what checks of wording look through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from projectkit.poster.markup.nodes import Node, walk
from projectkit.poster.source.values import Section

_INLINES = ("title", "children", "caption", "by")
_INLINE_KINDS = frozenset(
    ("text", "strong", "emph", "strike", "code", "link", "break", "math", "footnote", "cite", "role", "number")
)
_LEFT_OUT = ("break", "code", "math", "number", "role", "footnote", "cite")


@dataclass(frozen=True)
class Passage:
    """Words that stand together.

    Args:
        where: file and line of its block.
        kind: of the node: `heading`, `paragraph`, `table`, `figure` (its caption) ...
        level: of a heading, else 0.
        text: the words; code, formulas and numbers drawn from runs are left out.
        cites: whether a source is cited in it.
        headed: of a table's row, each cell behind the head of its column, divided by semicolons.
    """

    where: str
    kind: str
    level: int
    text: str
    cites: bool = False
    headed: str = ""


def passages(sections: Iterable[Section]) -> Iterator[Passage]:
    """Every block with words of its own: a list gives one for each paragraph in it, a table one for each row."""
    for section in sections:
        for block in section.blocks:
            yield from _of(block, section.file, block.get("line", 1))


def nodes(section: Section) -> Iterator[tuple[str, Node]]:
    """Every node of a section, blocks and inlines in the order of reading, with its file and line."""
    line = 1
    for node in walk(section.blocks):
        line = node.get("line", line)
        yield f"{section.file}:{line}", node


def _of(block: Node, file: str, line: int) -> Iterator[Passage]:
    kind, line = block["kind"], block.get("line", line)
    where = f"{file}:{line}"
    if kind == "table":
        heads = [_words(cell) for cell in block["header"]]
        for row in (block["header"], *block["rows"]):
            found = _passage(where, kind, [one for cell in row for one in [*cell, {"kind": "break"}]])
            pairs = [f"{head} {_words(cell)}" for head, cell in zip(heads, row, strict=True)]
            yield replace(found, headed="; ".join(pairs) if row is not block["header"] else "")
    for key in _INLINES:
        if _is_inline(block.get(key)):
            yield _passage(where, kind, block[key], block.get("level", 0))
    for value in (block.get("items"), block.get("children"), block.get("cells"), block.get("entries")):
        yield from _nested(value, file, line)


def _nested(value: object, file: str, line: int) -> Iterator[Passage]:
    if isinstance(value, list):
        for one in value:
            yield from _nested(one, file, line)
    elif isinstance(value, dict):
        if "kind" in value and value.get("line") is not None:
            yield from _of(value, file, line)
        elif "kind" not in value:
            yield from _nested(value.get("children"), file, line)


def _is_inline(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and value[0]["kind"] in _INLINE_KINDS


def _passage(where: str, kind: str, inlines: list[Node], level: int = 0) -> Passage:
    cites = any(node["kind"] == "cite" for node in walk(inlines))
    return Passage(where, kind, level, _words(inlines), cites)


def _words(inlines: list[Node]) -> str:
    texts = (
        node["text"] if node["kind"] == "text" else " " if node["kind"] in _LEFT_OUT else "" for node in walk(inlines)
    )
    return " ".join("".join(texts).split())
