"""What stands within a line: emphasis, code, links, formulas, citations, footnotes, roles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from projectkit.poster.addresses import LINKS
from projectkit.poster.markup.maths.parser import Maths, parse_maths
from projectkit.poster.markup.maths.tokens import MathsError
from projectkit.poster.markup.nodes import Node
from projectkit.poster.markup.written import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.tree import SyntaxTreeNode

_LONGEST_LINK = 2_000  # characters; a PDF holds up to 8,000
_MARKS = {"strong": "strong", "em": "emph", "s": "strike"}
_KEYS = re.compile(r"@[^\s;,@]+(\s*;\s*@[^\s;,@]+)*")


def spans(node: SyntaxTreeNode, written: Written) -> list[Node]:
    """The inlines of a block; those without words are left out."""
    return line_of([child for inline in node.children for child in inline.children], written)


def line_of(nodes: Sequence[SyntaxTreeNode], written: Written) -> list[Node]:
    """The inlines of some nodes."""
    found = [_span(node, written) for node in nodes]
    return [one for one in found if one.get("text") != "" or one["kind"] == "cite"]


def maths(source: str, node: SyntaxTreeNode, written: Written) -> Maths:
    """The tree of a formula.

    Raises:
        UserError: what is wrong with it, with file, line and column.
    """
    try:
        return parse_maths(source)
    except MathsError as error:
        raise written.error_at(source or "$$", node, error.what, error.remedy, error.offset) from error


def _span(node: SyntaxTreeNode, written: Written) -> Node:
    if node.type in _SPANS:
        return _SPANS[node.type](node, written)
    what, remedy = _REFUSED.get(
        node.type, (f"{node.type.replace('_', ' ')} has no place on a poster", "take it out, or write it as text")
    )
    raise written.error(what, node, remedy)


def _maths(node: SyntaxTreeNode, written: Written) -> Node:
    return {"kind": "math", "tree": maths(node.content, node, written), "source": node.content}


def _footnote(node: SyntaxTreeNode, written: Written) -> Node:
    return {"kind": "footnote", "label": node.content, "line": written.find(f"[^{node.content}]", node)[0]}


def _role(node: SyntaxTreeNode, written: Written) -> Node:
    name = str(node.meta["name"])
    line = written.find(f"{{{name}}}`{node.content}", node)[0]
    return {"kind": "role", "name": name, "body": node.content, "line": line}


def _link(node: SyntaxTreeNode, written: Written) -> Node:
    url = str(node.attrs.get("href", ""))
    if not url.startswith(LINKS):
        remedy = "write an address that starts with https://"
        raise written.error(f"the link {url[:80]!r} leads nowhere from paper", node, remedy)
    if len(url) > _LONGEST_LINK:
        raise written.error(f"a link of {len(url):_} characters", node, f"write at most {_LONGEST_LINK:_}")
    return {"kind": "link", "url": url, "children": line_of(node.children, written)}


def _marked(node: SyntaxTreeNode, written: Written) -> Node:
    return {"kind": _MARKS[node.type], "children": line_of(node.children, written)}


def _cite(node: SyntaxTreeNode, written: Written) -> Node:
    line = written.find(f"[{node.content}]", node)[0]
    if not _KEYS.fullmatch(node.content.strip()):
        remedy = "write [@key], or [@first; @second]; to write it as text, \\[@...]"
        raise written.error_at(f"[{node.content}]", node, f"[{node.content}] is not a citation", remedy)
    keys = [key.strip().removeprefix("@") for key in node.content.split(";")]
    return {"kind": "cite", "keys": keys, "text": "", "line": line}


_REFUSED = {
    "image": (
        "an image inside a line of text",
        "put the image in a paragraph of its own, with an empty line above and below",
    ),
    "math_inline_double": (
        "a formula in double dollar signs inside a line of text",
        "use one dollar sign on each side, or give the formula lines of its own",
    ),
}
_SPANS: dict[str, Callable[[SyntaxTreeNode, Written], Node]] = {
    "text": lambda node, _: {"kind": "text", "text": node.content},
    "softbreak": lambda _, __: {"kind": "text", "text": " "},
    "hardbreak": lambda _, __: {"kind": "break"},
    "code_inline": lambda node, _: {"kind": "code", "text": node.content},
    "math_inline": _maths,
    "footnote_ref": _footnote,
    "cite": _cite,
    "myst_role": _role,
    "link": _link,
    **dict.fromkeys(_MARKS, _marked),
}
