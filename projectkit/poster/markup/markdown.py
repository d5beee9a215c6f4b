"""Markdown to a tree of plain values: what a section says, without a word of how it looks.

| node | fields beside `kind` |
|---|---|
| `heading` | `level` 1-3, `children` |
| `paragraph` | `children` |
| `list` | `start` (None: bullets), `items`: a list of blocks each |
| `table` | `align` (one for each column), `header`, `rows`: cells, each a list of inlines; `caption`: inlines, may be empty |
| `code` | `text`, `language` |
| `quote` | `children`: blocks; `by`: inlines, may be empty |
| `callout` | `tone`: `note`, `tip`, `important`, `warning`, `caution`; `title`: inlines, may be empty; `children` |
| `equation` | `tree`: a formula (see maths/), `source`: its LaTeX |
| `figure` | `path` as written, `caption`: inlines, `alt` |
| `row` | `cells`: blocks each, side by side |
| `directive` | `name`, `body`: YAML, `body_line` |
| `footnotes` | `items`: `number`, `children`: blocks; the last block of its section |
| `references` | `entries`: `key`, `label` such as `[1]`, `children`: inlines; filled in by citations.py |
| inlines | `text` (`text`), `strong`, `emph`, `strike` (`children`), `code` (`text`), `link` (`url`, `children`), `break`, |
| | `math` (`tree`, `source`), `footnote` (`number`), `cite` (`keys`, `text` such as `[1, 2]`), `role` (`name`, `body`), which |
| | a directive makes a `number` (`text`, `run`) of |

Blocks carry the `line` of the file on which they start, and so do `footnote`, `cite` and `role`. What this table does not name is an
error with file and line, never dropped in silence; HTML is text, but a comment on lines of its own is a note to yourself and leaves no
trace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from projectkit.errors import UserError
from projectkit.poster.markup.callouts import quotation
from projectkit.poster.markup.footnotes import footnotes
from projectkit.poster.markup.nodes import Node, inline_text, plain_text
from projectkit.poster.markup.rules import parser
from projectkit.poster.markup.spans import line_of, maths, spans
from projectkit.poster.markup.written import Written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

__all__ = ["Node", "inline_text", "parse", "plain_text"]

_DEEPEST_HEADING = 3
_DEEPEST = 12  # tokens within tokens: lists in lists, emphasis in emphasis; a list counts twice
MOST_CHARACTERS = 50_000  # of a section: some thirty times what a poster holds
MOST_COLUMNS, MOST_ROWS, MOST_CELLS_SIDE_BY_SIDE = 12, 60, 4
_ONLY_AT_THE_MARGIN = ("figure", "directive", "heading", "row", "references", "footnote definition")


def parse(text: str, file: str, *, language: str = "en", first_footnote: int = 1) -> list[Node]:
    """The blocks of a Markdown text.

    Args:
        text: the Markdown.
        file: the name that errors show.
        language: two or three letters, for the titles of call-outs.
        first_footnote: the number of its first footnote.

    Raises:
        UserError: something that a poster cannot hold, with file and line.
    """
    if len(text) > MOST_CHARACTERS:
        remedy = f"use at most {MOST_CHARACTERS:_}; a poster has room for some 6_000"
        raise UserError(f"a section of {len(text):_} characters", where=file, remedy=remedy)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    written = Written(file, tuple(text.split("\n")), above=0, language=language)
    return footnotes(_blocks(text, written), file, first_footnote)


def _blocks(text: str, written: Written) -> list[Node]:
    from markdown_it.tree import SyntaxTreeNode

    tokens = parser().parse(text)
    _check_depth(tokens, written)
    root = SyntaxTreeNode(tokens)
    return _captioned([_block(node, written, top=True) for node in root.children])


def _check_depth(tokens: Sequence[Token], written: Written) -> None:
    for token in tokens:
        levels = [token.level, *(child.level for child in token.children or ())]
        if max(levels) > _DEEPEST:
            line = written.above + (token.map[0] + 1 if token.map else 1)
            raise UserError(
                "lists, quotes or emphasis nested too deeply for a poster",
                where=f"{written.file}:{line}",
                remedy="use at most five levels",
            )


def _block(node: SyntaxTreeNode, written: Written, *, top: bool = False) -> Node:
    handler = _BLOCKS.get(node.type)
    if handler is None:
        what = "a horizontal rule" if node.type == "hr" else f"{node.type.replace('_', ' ')}"
        raise written.error(f"{what} has no place on a poster", node, "take it out, or write it as text")
    block = handler(node, written)
    if not top and block["kind"] in _ONLY_AT_THE_MARGIN:
        remedy = "let it start at the left margin, as a block of its own"
        raise written.error(f"a {block['kind']} inside a list or a quote", node, remedy)
    return {**block, "line": written.line(node)}


def _heading(node: SyntaxTreeNode, written: Written) -> Node:
    level = int(node.tag[1])
    if level > _DEEPEST_HEADING:
        raise written.error(f"a heading of level {level}", node, "use at most three levels: #, ## and ###")
    return {"kind": "heading", "level": level, "children": spans(node, written)}


def _paragraph(node: SyntaxTreeNode, written: Written) -> Node:
    inline = node.children[0]
    images = [child for child in inline.children if child.type == "image"]
    spaces = [child for child in inline.children if child.type == "softbreak" or child.content.isspace()]
    if not images or len(images) + len(spaces) < len(inline.children):
        return {"kind": "paragraph", "children": spans(node, written)}
    figures = [_figure(image, written) for image in images]
    if len(figures) == 1:
        return figures[0]
    line = written.line(node)
    return _row([[{**figure, "line": line}] for figure in figures], node, written)


def _figure(image: SyntaxTreeNode, written: Written) -> Node:
    attributes = {str(name): str(value) for name, value in image.attrs.items()}
    path, title = unquote(attributes.pop("src", "")), attributes.pop("title", "")
    alt = attributes.pop("alt", "")
    if attributes:
        remedy = 'write ![caption](file.svg){alt="what can be seen"}'
        raise written.error(f"an image has no {next(iter(attributes))!r}", image, remedy)
    caption = line_of(image.children, written) or ([{"kind": "text", "text": title}] if title else [])
    alt = alt or inline_text(caption)
    if not alt.strip():
        remedy = f'write ![caption]({path}) or ![]({path}){{alt="what can be seen"}}'
        raise written.error(f"the image {path} has neither a caption nor an alternative text", image, remedy)
    return {"kind": "figure", "path": path, "caption": caption, "alt": alt}


def _list(node: SyntaxTreeNode, written: Written) -> Node:
    ordered = node.type == "ordered_list"
    items = [[_block(child, written) for child in item.children] for item in node.children]
    return {"kind": "list", "start": int(node.attrs.get("start", 1)) if ordered else None, "items": items}


def _quote(node: SyntaxTreeNode, written: Written) -> Node:
    return quotation(node, written, _block)


def _code(node: SyntaxTreeNode, written: Written) -> Node:
    language = node.info.split()[0] if node.info.split() else ""
    return {"kind": "code", "text": node.content.rstrip("\n"), "language": language}


def _equation(node: SyntaxTreeNode, written: Written) -> Node:
    if node.info:
        raise written.error("a formula that is never closed", node, "end it with a line $$")
    return {"kind": "equation", "tree": maths(node.content, node, written), "source": node.content.strip()}


def _table(node: SyntaxTreeNode, written: Written) -> Node:
    rows = [row for part in node.children for row in part.children]
    align = [str(cell.attrs.get("style", "text-align:left")).removeprefix("text-align:") for cell in rows[0].children]
    cells = [[spans(cell, written) for cell in row.children] for row in rows]
    if len(align) > MOST_COLUMNS or len(rows) > MOST_ROWS + 1:
        remedy = f"use at most {MOST_COLUMNS} columns and {MOST_ROWS} rows"
        raise written.error(f"a table of {len(align)} columns and {len(rows) - 1} rows", node, remedy)
    caption: list[Node] = []
    if len(cells) > 1 and _is_caption(cells[-1][0]) and not any(cells[-1][1:]):
        caption = _without_colon(cells.pop()[0])  # right below the table: taken for a row
    return {"kind": "table", "align": align, "header": cells[0], "rows": cells[1:], "caption": caption}


def _captioned(blocks: list[Node]) -> list[Node]:
    """Tables with the paragraph below them that starts with a colon."""
    found: list[Node] = []
    for block in blocks:
        after_table = bool(found) and found[-1]["kind"] == "table" and not found[-1]["caption"]
        if after_table and block["kind"] == "paragraph" and _is_caption(block["children"]):
            found[-1] = {**found[-1], "caption": _without_colon(block["children"])}
        else:
            found.append(block)
    return found


def _is_caption(line: list[Node]) -> bool:
    return bool(line) and line[0]["kind"] == "text" and line[0]["text"].startswith(": ")


def _without_colon(line: list[Node]) -> list[Node]:
    return [{**line[0], "text": line[0]["text"][2:].lstrip()}, *line[1:]]


def _directive(node: SyntaxTreeNode, written: Written) -> Node:
    name = node.info.strip()
    if not (name.startswith("{") and name.endswith("}")):
        raise written.error(
            f"':::{node.info}' names no directive", node, "write :::{results}, with the name alone in braces"
        )
    name = name[1:-1].strip()
    line = written.line(node)
    if name == "row":
        return _fenced_row(node, written)
    if name == "references":
        if node.content.strip():
            raise written.error("the list of references takes no keys", node, "write :::{references}, then :::")
        return {"kind": "references", "entries": []}
    return {"kind": "directive", "name": name, "body": node.content, "body_line": line + 1}


def _fenced_row(node: SyntaxTreeNode, written: Written) -> Node:
    """The blocks in a fence of four colons, a cell each; where there are lines `---`, a cell is what stands between two of them."""
    from markdown_it.tree import SyntaxTreeNode

    if written.above:  # its fences could nest without end
        raise written.error("a row inside a row", node, "put it below")
    inside = Written(written.file, written.lines, written.line(node), written.language)
    tokens = parser().parse("\n".join(_with_rules(node.content.split("\n"))))
    _check_depth(tokens, inside)
    blocks = list(SyntaxTreeNode(tokens).children)
    cells: list[list[Node]] = [[]]
    divided = any(block.type == "hr" for block in blocks)
    for block in blocks:
        if block.type == "hr" or (not divided and cells[-1]):
            cells.append([])
        if block.type != "hr":
            cells[-1].append(_block(block, inside, top=True))
    return _row([_captioned(cell) for cell in cells], node, written)


def _with_rules(lines: list[str]) -> Iterator[str]:
    """Lines whose `---` are rules, also right below a text, where they would make a heading of it; not so in fences."""
    fence = ""
    for line in lines:
        opening = re.match(r"\s*(```+|~~~+|:::+)", line)
        if fence and opening and opening[1].startswith(fence) and line.strip() == opening[1]:
            fence = ""
        elif not fence and opening:
            fence = opening[1]
        yield "***" if not fence and line.strip() == "---" else line


def _row(cells: list[list[Node]], node: SyntaxTreeNode, written: Written) -> Node:
    if not all(cells) or not 2 <= len(cells) <= MOST_CELLS_SIDE_BY_SIDE:
        remedy = (
            f"put 2 to {MOST_CELLS_SIDE_BY_SIDE} blocks side by side, or groups of blocks with a line --- between them"
        )
        raise written.error(f"a row of {sum(map(bool, cells))} cells", node, remedy)
    for block in (block for cell in cells for block in cell):
        if block["kind"] in ("row", "references"):
            raise written.error(f"a {block['kind']} inside a row", node, "put it below")
    return {"kind": "row", "cells": cells}


def _footnote(node: SyntaxTreeNode, written: Written) -> Node:
    children = [_block(child, written) for child in node.children]
    return {"kind": "footnote definition", "label": str(node.meta["label"]), "children": children}


_BLOCKS: dict[str, Callable[[SyntaxTreeNode, Written], Node]] = {
    "heading": _heading,
    "paragraph": _paragraph,
    "bullet_list": _list,
    "ordered_list": _list,
    "blockquote": _quote,
    "fence": _code,
    "code_block": _code,
    "math_block": _equation,
    "table": _table,
    "colon_fence": _directive,
    "footnote_reference": _footnote,
}
