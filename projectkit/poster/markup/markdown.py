"""Markdown to a tree of plain values: what a section says, without a word of how it looks.

| node | fields beside `kind` |
|---|---|
| `heading` | `level` 1-3, `children` |
| `paragraph` | `children` |
| `list` | `start` (None: bullets), `items`: a list of blocks each |
| `table` | `align` (one for each column), `header`, `rows`: cells, each a list of inlines |
| `code` | `text`, `language` |
| `quote` | `children`: blocks; drawn as the call-out |
| `figure` | `path` as written, `caption`: inlines, `alt` |
| `directive` | `name`, `body`: YAML, `body_line` |
| inlines | `text` (`text`), `strong`, `emph`, `strike` (`children`), `code` (`text`), `link` (`url`, `children`), `break` |

Blocks carry the `line` of the file on which they start. What this table does not name is an error with file and line, never
dropped in silence; HTML is text, but a comment on lines of its own is a note to yourself and leaves no trace.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from projectkit.errors import UserError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.tree import SyntaxTreeNode

Node = dict[str, Any]

_DEEPEST_HEADING = 3
_LINKS = ("http://", "https://", "mailto:")


def parse(text: str, file: str) -> list[Node]:
    """The blocks of a Markdown text.

    Args:
        text: the Markdown.
        file: the name that errors show.

    Raises:
        UserError: something that a poster cannot hold, with file and line.
    """
    from markdown_it.tree import SyntaxTreeNode

    root = SyntaxTreeNode(_parser().parse(text))
    return [_block(node, file, top=True) for node in root.children]


def plain_text(node: Node) -> str:
    """The words of a node, for counting and for alternative texts."""
    kind = node["kind"]
    if kind in ("text", "code"):
        return str(node["text"])
    if kind == "list":
        return " ".join(plain_text(block) for item in node["items"] for block in item)
    if kind == "table":
        return " ".join(inline_text(cell) for row in (node["header"], *node["rows"]) for cell in row)
    if kind == "quote":
        return " ".join(plain_text(block) for block in node["children"])
    return " " if kind == "break" else inline_text(node.get("children") or node.get("caption") or [])


def inline_text(nodes: list[Node]) -> str:
    """The words of a line."""
    return "".join(plain_text(node) for node in nodes)


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.attrs import attrs_plugin
    from mdit_py_plugins.colon_fence import colon_fence_plugin

    parser = MarkdownIt("commonmark", {"html": False, "typographer": True})
    parser.enable(["table", "strikethrough", "smartquotes"])
    parser.use(colon_fence_plugin).use(attrs_plugin, after=("image",))
    parser.block.ruler.before("paragraph", "comment", _comment, {"alt": ["paragraph", "blockquote", "list"]})
    return parser


def _comment(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A block that is one HTML comment, `<!-- ... -->`: passed over."""
    start = state.bMarks[start_line] + state.tShift[start_line]
    if not state.src.startswith("<!--", start):
        return False
    for line in range(start_line, end_line):
        closed = state.src[start : state.eMarks[line]].rstrip().endswith("-->")
        if closed:
            if not silent:
                state.line = line + 1
            return True
    return False


def _where(node: SyntaxTreeNode, file: str) -> str:
    return f"{file}:{_line(node)}"


def _line(node: SyntaxTreeNode) -> int:
    while node.map is None and node.parent is not None and not node.parent.is_root:
        node = node.parent
    return node.map[0] + 1 if node.map else 1


def _block(node: SyntaxTreeNode, file: str, *, top: bool = False) -> Node:
    handler = _BLOCKS.get(node.type)
    if handler is None:
        what = "a horizontal rule" if node.type == "hr" else f"{node.type.replace('_', ' ')}"
        raise UserError(
            f"{what} has no place on a poster", where=_where(node, file), remedy="take it out, or write it as text"
        )
    block = handler(node, file)
    if not top and block["kind"] in ("figure", "directive", "heading"):
        raise UserError(
            f"a {block['kind']} inside a list or a quote",
            where=_where(node, file),
            remedy="let it start at the left margin, as a block of its own",
        )
    return {**block, "line": _line(node)}


def _heading(node: SyntaxTreeNode, file: str) -> Node:
    level = int(node.tag[1])
    if level > _DEEPEST_HEADING:
        raise UserError(
            f"a heading of level {level}", where=_where(node, file), remedy="use at most three levels: #, ## and ###"
        )
    return {"kind": "heading", "level": level, "children": _inlines(node, file)}


def _paragraph(node: SyntaxTreeNode, file: str) -> Node:
    inline = node.children[0]
    images = [child for child in inline.children if child.type == "image"]
    if not images:
        return {"kind": "paragraph", "children": _inlines(node, file)}
    if len(inline.children) > 1:
        raise UserError(
            "an image inside a line of text",
            where=_where(node, file),
            remedy="put the image in a paragraph of its own, with an empty line above and below",
        )
    return _figure(images[0], file)


def _figure(image: SyntaxTreeNode, file: str) -> Node:
    attributes = {str(name): str(value) for name, value in image.attrs.items()}
    path, title = unquote(attributes.pop("src", "")), attributes.pop("title", "")
    alt = attributes.pop("alt", "")
    if attributes:
        raise UserError(
            f"an image has no {next(iter(attributes))!r}",
            where=_where(image, file),
            remedy='write ![caption](file.svg){alt="what can be seen"}',
        )
    caption = [_inline(child, file) for child in image.children] or ([{"kind": "text", "text": title}] if title else [])
    alt = alt or inline_text(caption)
    if not alt.strip():
        raise UserError(
            f"the image {path} has neither a caption nor an alternative text",
            where=_where(image, file),
            remedy=f'write ![caption]({path}) or ![]({path}){{alt="what can be seen"}}',
        )
    return {"kind": "figure", "path": path, "caption": caption, "alt": alt}


def _list(node: SyntaxTreeNode, file: str) -> Node:
    ordered = node.type == "ordered_list"
    items = [[_block(child, file) for child in item.children] for item in node.children]
    return {"kind": "list", "start": int(node.attrs.get("start", 1)) if ordered else None, "items": items}


def _quote(node: SyntaxTreeNode, file: str) -> Node:
    return {"kind": "quote", "children": [_block(child, file) for child in node.children]}


def _code(node: SyntaxTreeNode, file: str) -> Node:
    return {
        "kind": "code",
        "text": node.content.rstrip("\n"),
        "language": node.info.split()[0] if node.info.split() else "",
    }


def _table(node: SyntaxTreeNode, file: str) -> Node:
    rows = [row for part in node.children for row in part.children]
    align = [str(cell.attrs.get("style", "text-align:left")).removeprefix("text-align:") for cell in rows[0].children]
    cells = [[_inlines(cell, file) for cell in row.children] for row in rows]
    return {"kind": "table", "align": align, "header": cells[0], "rows": cells[1:]}


def _directive(node: SyntaxTreeNode, file: str) -> Node:
    name = node.info.strip()
    if not (name.startswith("{") and name.endswith("}")):
        raise UserError(
            f"':::{node.info}' names no directive",
            where=_where(node, file),
            remedy="write :::{results}, with the name alone in braces",
        )
    return {"kind": "directive", "name": name[1:-1].strip(), "body": node.content, "body_line": _line(node) + 1}


def _inlines(node: SyntaxTreeNode, file: str) -> list[Node]:
    inlines = [_inline(child, file) for inline in node.children for child in inline.children]
    return [one for one in inlines if one.get("text") != ""]


def _inline(node: SyntaxTreeNode, file: str) -> Node:
    kind = node.type
    if kind == "text":
        return {"kind": "text", "text": node.content}
    if kind == "softbreak":
        return {"kind": "text", "text": " "}
    if kind == "hardbreak":
        return {"kind": "break"}
    if kind == "code_inline":
        return {"kind": "code", "text": node.content}
    children = [_inline(child, file) for child in node.children or []]
    if kind in _MARKS:
        return {"kind": _MARKS[kind], "children": children}
    if kind == "link":
        url = str(node.attrs.get("href", ""))
        if not url.startswith(_LINKS):
            raise UserError(
                f"the link {url!r} leads nowhere from paper",
                where=_where(node, file),
                remedy="write an address that starts with https://",
            )
        return {"kind": "link", "url": url, "children": children}
    raise UserError(
        f"{kind.replace('_', ' ')} has no place on a poster",
        where=_where(node, file),
        remedy="take it out, or write it as text",
    )


_MARKS = {"strong": "strong", "em": "emph", "s": "strike"}
_BLOCKS: dict[str, Callable[[SyntaxTreeNode, str], Node]] = {
    "heading": _heading,
    "paragraph": _paragraph,
    "bullet_list": _list,
    "ordered_list": _list,
    "blockquote": _quote,
    "fence": _code,
    "code_block": _code,
    "table": _table,
    "colon_fence": _directive,
}
