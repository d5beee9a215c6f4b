"""Quotations, with who said it, and call-outs: a quotation that starts with `[!NOTE]` or its like."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from projectkit.errors import did_you_mean
from projectkit.poster.markup.nodes import Node
from projectkit.poster.markup.spans import line_of
from projectkit.poster.markup.written import Written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.tree import SyntaxTreeNode

TONES = ("note", "tip", "important", "warning", "caution")
# What a call-out without a title of its own is called; the one sentence to remember (important) needs no name.
_TITLES = {
    "de": {"note": "Hinweis", "tip": "Tipp", "warning": "Achtung", "caution": "Vorsicht"},
    "en": {"note": "Note", "tip": "Tip", "warning": "Warning", "caution": "Caution"},
    "es": {"note": "Nota", "tip": "Consejo", "warning": "Atención", "caution": "Precaución"},
    "fr": {"note": "Remarque", "tip": "Conseil", "warning": "Attention", "caution": "Prudence"},
    "it": {"note": "Nota", "tip": "Consiglio", "warning": "Attenzione", "caution": "Cautela"},
    "nl": {"note": "Opmerking", "tip": "Tip", "warning": "Let op", "caution": "Voorzichtig"},
    "pl": {"note": "Uwaga", "tip": "Wskazówka", "warning": "Ostrzeżenie", "caution": "Ostrożnie"},
    "pt": {"note": "Nota", "tip": "Dica", "warning": "Atenção", "caution": "Cuidado"},
}
_MARK = re.compile(r"\[!([^\]\s]{1,40})\]\s*")
_DASHES = ("– ", "— ", "-- ")


def quotation(node: SyntaxTreeNode, written: Written, block: Callable[[SyntaxTreeNode, Written], Node]) -> Node:
    """A quotation or a call-out.

    Args:
        node: of type blockquote.
        written: the text.
        block: parses a block inside of it.
    """
    blocks = list(node.children)
    line = _inlines(blocks[0]) if blocks else []
    mark = _MARK.match(line[0].content) if line and line[0].type == "text" else None
    if mark is not None:
        return _callout(mark, line, blocks, node, written, block)
    by: list[Node] = []
    children = [block(child, written) for child in blocks]
    last = _inlines(blocks[-1]) if blocks else []
    breaks = [index for index, one in enumerate(last) if one.type in ("softbreak", "hardbreak")]
    start = breaks[-1] + 1 if breaks else 0
    if last[start:] and last[start].type == "text" and last[start].content.startswith(_DASHES):
        by = line_of(last[start:], written)
        by[0] = {**by[0], "text": by[0]["text"].lstrip("–—- ")}
        rest = line_of(last[: max(0, start - 1)], written)
        children[-1:] = [{**children[-1], "children": rest}] if rest else []
    if not children:
        raise written.error("a quotation of nothing", node, "write what was said, then a line > -- Who said it")
    return {"kind": "quote", "children": children, "by": by}


def _callout(
    mark: re.Match[str],
    line: Sequence[SyntaxTreeNode],
    blocks: list[SyntaxTreeNode],
    node: SyntaxTreeNode,
    written: Written,
    block: Callable[[SyntaxTreeNode, Written], Node],
) -> Node:
    tone = mark[1].lower()
    if tone not in TONES:
        near = did_you_mean(mark[1].upper(), [name.upper() for name in TONES])
        raise written.error(f"no call-out is called [!{mark[1]}]", node, near)
    end = next((index for index, one in enumerate(line) if one.type == "softbreak"), len(line))
    title = line_of(line[:end], written)
    title[0] = {**title[0], "text": title[0]["text"][mark.end() :]}
    name = _TITLES.get(written.language, {}).get(tone, "")
    words = [one for one in title if one.get("text") != ""] or ([{"kind": "text", "text": name}] if name else [])
    first = line_of(line[end + 1 :], written)
    head = {"kind": "paragraph", "children": first, "line": written.line(blocks[0])}
    children = [*([head] if first else []), *(block(child, written) for child in blocks[1:])]
    if not children:
        raise written.error("a call-out of nothing", node, f"write its text below [!{mark[1]}], each line behind a >")
    return {"kind": "callout", "tone": tone, "title": words, "children": children}


def _inlines(block: SyntaxTreeNode) -> Sequence[SyntaxTreeNode]:
    """The inlines of a paragraph; none of another block."""
    return block.children[0].children if block.type == "paragraph" else []
