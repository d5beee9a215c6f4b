"""`mathml`: the tree of a formula for the HTML page, in MathML Core, which browsers draw and screen readers read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

Maths = Mapping[str, Any]

# Combining characters as browsers want them above a base.
_ABOVE = {
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "¯",
    "\u0306": "˘",
    "\u0307": "˙",
    "\u0308": "¨",
    "\u030a": "˚",
    "\u030c": "ˇ",
    "\u0301": "´",
    "\u0300": "`",
    "\u20d7": "→",
}
_BRACES = {"overbrace": "⏞", "underbrace": "⏟", "overline": "¯", "underline": "_"}
_KEPT_SPACE = "\u00a0"  # browsers drop others at the ends of words
_THIN = "0.167em"  # between a function and what it is of
_SIGNS = ("+", "−", "±", "∓")  # operators between, signs in front
_LOOSE = ("binary", "relation", "large", "opening", "closing", "punctuation", "fence")  # what browsers call operators

# A bar may be of either side, and browsers take it for one between: |S| - 1 would be | S | - 1.
_OPERATORS = {"large": ' movablelimits="true"', "fence": ' stretchy="false" lspace="0em" rspace="0em"'}


def mathml(tree: Maths, *, display: bool = False, alt: str = "") -> str:
    """A formula as a `<math>` element; everything that a team wrote is escaped.

    Args:
        tree: as `parse_maths` gives it.
        display: on a line of its own.
        alt: the LaTeX, kept as alternative text.

    Source: MathML Core (W3C, 2025).
    """
    shown = ' display="block"' if display else ""
    alternative = f' alttext="{escape(alt)}"' if alt else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{shown}{alternative}>{_node(tree)}</math>'


def _node(node: Maths) -> str:
    return _KINDS[node["kind"]](node)


def _row(node: Maths) -> str:
    parts, before = [], "relation"
    children = node["children"]
    for child, after in zip(children, [*children, None][1:], strict=True):
        drawn = _node(child)
        if child["kind"] == "name" and after and (after["kind"] == "fenced" or after.get("class") == "opening"):
            drawn = drawn.replace(_THIN, "0em")  # log x, but log(x)
        if child.get("text", "") in _SIGNS and before in ("relation", "binary", "opening", "punctuation"):
            drawn = drawn.replace("<mo", '<mo form="prefix"', 1)
        parts.append(drawn)
        if child["kind"] != "space":
            before = child.get("class", "")
    return f"<mrow>{''.join(parts)}</mrow>"


def _glyph(node: Maths) -> str:
    text, kind = node["text"], node["class"]
    if kind in _LOOSE or (not kind and unicodedata.category(text).startswith("S")):
        said = ' stretchy="true"' if "stretched" in node else _OPERATORS.get(kind, ' stretchy="false"')
        return f"<mo{said}>{escape(text)}</mo>"
    upright = ' mathvariant="normal"' if node["upright"] or kind == "normal" else ""
    return f"<mi{upright}>{escape(text)}</mi>"


def _big(node: Maths) -> str:
    size = f"{node['size']:g}em"
    return f'<mo stretchy="true" symmetric="true" minsize="{size}" maxsize="{size}">{escape(node["text"])}</mo>'


def _fraction(node: Maths) -> str:
    bar = "" if node["bar"] else ' linethickness="0"'
    fraction = f"<mfrac{bar}>{_node(node['above'])}{_node(node['below'])}</mfrac>"
    return _styled(node["style"], fraction) if node["style"] else fraction


def _root(node: Maths) -> str:
    if node["index"] is None:
        return f"<msqrt>{_node(node['body'])}</msqrt>"
    return f"<mroot>{_node(node['body'])}{_node(node['index'])}</mroot>"


def _scripts(node: Maths) -> str:
    base, below, above = node["base"], node["below"], node["above"]
    limits = node["limits"]
    if limits is None:
        integral = base.get("text", "") in "∫∬∭∮"
        limits = base.get("limits", False) or (base.get("class") == "large" and not integral)
    names = ("munder", "mover", "munderover") if limits else ("msub", "msup", "msubsup")
    parts = _node(base) + "".join(_node(one) for one in (below, above) if one is not None)
    name = names[2] if below is not None and above is not None else names[0] if below is not None else names[1]
    return f"<{name}>{parts}</{name}>"


def _accent(node: Maths) -> str:
    stretchy = "true" if node["wide"] else "false"
    mark = f'<mo stretchy="{stretchy}">{_ABOVE[node["accent"]]}</mo>'
    return f'<mover accent="true">{_node(node["base"])}{mark}</mover>'


def _line(node: Maths) -> str:
    where = node["where"]
    base = _node(node["base"])
    if where == "cancel":
        return f'<mrow style="text-decoration:line-through">{base}</mrow>'
    name = "mover" if where.startswith("over") else "munder"
    lined = f'<{name}>{base}<mo stretchy="true">{_BRACES[where]}</mo></{name}>'
    return f"<{name}>{lined}{_node(node['note'])}</{name}>" if node["note"] is not None else lined


def _fenced(node: Maths) -> str:
    return f"<mrow>{_fence(node['open'], 'prefix')}{_node(node['body'])}{_fence(node['close'], 'postfix')}</mrow>"


def _fence(text: str, form: str) -> str:
    return f'<mo fence="true" stretchy="true" form="{form}">{escape(text)}</mo>' if text else ""


def _grid(node: Maths) -> str:
    tight = ";padding-left:0;padding-right:0" if node["style"] in ("lines", "stack") else ""

    def cell(content: Maths, align: str) -> str:
        side = f"text-align:{align};text-align:-webkit-{align}"  # the latter where cells hold blocks, as in Chromium
        return f'<mtd style="{side}{tight}">{_node(content)}</mtd>'

    rows = "".join(
        f"<mtr>{''.join(cell(content, align) for content, align in zip(row, node['align'], strict=True))}</mtr>"
        for row in node["rows"]
    )
    displayed = ' displaystyle="true"' if node["style"] == "lines" else ""
    table = f"<mtable{displayed}>{rows}</mtable>"
    return f"<mrow>{_fence(node['open'], 'prefix')}{table}{_fence(node['close'], 'postfix')}</mrow>"


def _styled(style: str, inner: str) -> str:
    displayed = "true" if style == "display" else "false"
    return f'<mstyle displaystyle="{displayed}">{inner}</mstyle>'


_KINDS: dict[str, Callable[[Maths], str]] = {
    "row": _row,
    "glyph": _glyph,
    "big": _big,
    "number": lambda node: f"<mn>{escape(node['text'])}</mn>",
    "words": lambda node: f"<mtext>{escape(node['text'].replace(' ', _KEPT_SPACE))}</mtext>",
    "name": lambda node: f'<mo lspace="0.16em" rspace="{_THIN}" movablelimits="true">{escape(node["text"])}</mo>',
    "space": lambda node: f'<mspace width="{node["em"]:.3g}em"/>',
    "frac": _fraction,
    "root": _root,
    "scripts": _scripts,
    "accent": _accent,
    "line": _line,
    "fenced": _fenced,
    "middle": lambda node: _fence(node["text"], "infix"),
    "grid": _grid,
    "style": lambda node: _styled(node["style"], _node(node["body"])),
}
