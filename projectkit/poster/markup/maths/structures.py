r"""Commands with arguments: fractions, roots, accents, delimiters that grow, matrices; and `STRUCTURES`, the table of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from projectkit.errors import did_you_mean
from projectkit.poster.markup.maths.symbols import ACCENTS, ALPHABETS, DELIMITERS
from projectkit.poster.markup.maths.tokens import MathsError, Token

if TYPE_CHECKING:
    from projectkit.poster.markup.maths.parser import Parser

Maths = dict[str, Any]

MOST_CELLS = 400  # of a matrix
_MOST_COLUMNS = 20


def _fraction(parser: Parser, token: Token, style: str = "", bar: bool = True) -> Maths:
    above = parser.argument(token)
    fraction = {"kind": "frac", "above": above, "below": parser.argument(token), "bar": bar, "style": style}
    if bar:
        return fraction
    return {"kind": "fenced", "open": "(", "close": ")", "body": fraction}


def _root(parser: Parser, token: Token) -> Maths:
    index = None
    if parser.peek().text == "[":
        opening = parser.take()
        index = parser.row(("]",))
        if not parser.take().text:
            raise MathsError("a bracket that is never closed", opening.offset, r"write \sqrt[3]{x}")
    return {"kind": "root", "body": parser.argument(token), "index": index}


def _text(parser: Parser, token: Token) -> Maths:
    return {"kind": "words", "text": parser.raw_argument(token)[0]}


def _operator(parser: Parser, token: Token) -> Maths:
    return {"kind": "name", "text": parser.raw_argument(token)[0].strip(), "limits": token.text.endswith("*")}


def _letters(parser: Parser, token: Token, alphabet: str | None) -> Maths:
    with parser.letters(alphabet):
        body = parser.argument(token)
    letters = body.get("children", [])
    if alphabet == "" and len(letters) > 1 and all(one.get("upright") for one in letters):
        return {"kind": "words", "text": "".join(one["text"] for one in letters)}
    return body


def _accent(parser: Parser, token: Token, accent: str, wide: bool) -> Maths:
    return {"kind": "accent", "base": parser.argument(token), "accent": accent, "wide": wide}


def _line(parser: Parser, token: Token) -> Maths:
    return {"kind": "line", "where": token.text[1:], "base": parser.argument(token), "note": None}


def _set_over(parser: Parser, token: Token, where: str) -> Maths:
    note = parser.argument(token)
    scripts = {"below": None, "above": None} | {where: note}
    return {"kind": "scripts", "base": parser.argument(token), **scripts, "limits": True}


def _arrow(parser: Parser, token: Token, text: str) -> Maths:
    """An arrow with words above it, as long as they are."""
    arrow = {"kind": "glyph", "text": text, "class": "relation", "upright": False, "stretched": True}
    return {"kind": "scripts", "base": arrow, "below": None, "above": parser.argument(token), "limits": True}


def _style(parser: Parser, token: Token, kind: str) -> Maths:
    """A group that is spaced as a symbol of that class."""
    return {"kind": "row", "children": [parser.argument(token)], "class": kind}


def _delimiter(parser: Parser, command: Token) -> str:
    token = parser.take()
    if token.text not in DELIMITERS:
        remedy = rf"write one of ( ) [ ] | \{{ \}} \| \langle \rangle, or . for none: {command.text}("
        raise MathsError(f"{token.text or 'nothing'} after {command.text} is no delimiter", command.offset, remedy)
    return DELIMITERS[token.text]


def _left(parser: Parser, token: Token) -> Maths:
    opening = _delimiter(parser, token)
    children = []
    while True:
        children.append(parser.row(("\\right", "\\middle")))
        end = parser.take()
        if end.text == "\\right":
            break
        if not end.text:
            raise MathsError(r"a \left without its \right", token.offset, r"write \right) or, for none, \right.")
        children.append({"kind": "middle", "text": _delimiter(parser, end)})
    body = children[0] if len(children) == 1 else {"kind": "row", "children": children}
    return {"kind": "fenced", "open": opening, "close": _delimiter(parser, end), "body": body}


def _big(parser: Parser, token: Token, size: float, kind: str) -> Maths:
    text = _delimiter(parser, token)
    if not kind and text:
        kind = {"Ps": "opening", "Pe": "closing"}.get(unicodedata.category(text), "fence")
    return {"kind": "big", "text": text, "class": kind, "size": size}


def _not(parser: Parser, token: Token) -> Maths:
    body = parser.argument(token)
    text = unicodedata.normalize("NFC", body.get("text", "") + "\u0338")
    if body["kind"] != "glyph" or len(text) != 1:
        raise MathsError(r"\not before something that has no negation", token.offset, r"write \not= or \not\in")
    return {**body, "text": text}


def _modulo(parser: Parser, token: Token) -> Maths:
    name = {"kind": "name", "text": "mod", "limits": False}
    if token.text == "\\bmod":
        return {"kind": "row", "children": [name], "class": "binary"}
    body = {"kind": "row", "children": [name, parser.argument(token)]}
    return {
        "kind": "row",
        "children": [{"kind": "space", "em": 1.0}, {"kind": "fenced", "open": "(", "close": ")", "body": body}],
    }


def _substack(parser: Parser, token: Token) -> Maths:
    opening = parser.take()
    if opening.text != "{":
        raise MathsError(f"{token.text} without braces", token.offset, r"write \substack{i < n \\ j < m}")
    rows = _rows(parser, token, "}")
    return _grid(rows, "", "", ["center"], "stack")


def _begin(parser: Parser, token: Token) -> Maths:
    name, offset = parser.raw_argument(token)
    if name not in _ENVIRONMENTS:
        raise MathsError(f"no environment {name!r} is known here", offset, did_you_mean(name, _ENVIRONMENTS))
    opening, closing, align, style = _ENVIRONMENTS[name]
    columns = list(align)
    if name == "array":
        letters, place = parser.raw_argument(token)
        columns = [{"l": "left", "c": "center", "r": "right"}.get(letter, "") for letter in letters.replace(" ", "")]
        if not columns or "" in columns:
            raise MathsError(
                f"the columns {letters!r} of an array", place, "write one l, c or r for each column, such as {lcr}"
            )
    rows = _rows(parser, token, "\\end")
    end, place = parser.raw_argument(token)
    if end != name:
        raise MathsError(rf"\begin{{{name}}} is closed by \end{{{end}}}", place, rf"write \end{{{name}}}")
    return _grid(rows, opening, closing, columns, style)


def _rows(parser: Parser, token: Token, end: str) -> list[list[Maths]]:
    """Cells up to the end, which is read."""
    rows: list[list[Maths]] = [[]]
    while True:
        rows[-1].append(parser.row(("&", "\\\\", end)))
        stop = parser.take()
        if not stop.text:
            remedy = "close it with }" if end == "}" else r"close it with \end{...}"
            raise MathsError(f"{token.text} without its end", token.offset, remedy)
        if stop.text == end:
            break
        if stop.text == "\\\\":
            rows.append([])
            _skip_gap(parser)
    empty = {"kind": "row", "children": []}
    if rows[-1] == [empty]:
        rows.pop()  # a line break behind the last row
    if sum(map(len, rows)) > MOST_CELLS or max(map(len, rows), default=0) > _MOST_COLUMNS:
        raise MathsError(
            "a matrix too large for a poster",
            token.offset,
            f"use at most {_MOST_COLUMNS} columns and {MOST_CELLS} cells",
        )
    if not rows:
        raise MathsError(f"{token.text} with nothing in it", token.offset, "take it out")
    columns = max(map(len, rows))
    return [row + [empty] * (columns - len(row)) for row in rows]


def _skip_gap(parser: Parser) -> None:
    r"""Pass over the height in `\\[4pt]`: gaps follow the poster's type."""
    if parser.peek(spaces=True).text != "[":
        return
    start = parser.at
    parser.take()
    words = ""
    while (token := parser.take(spaces=True)).text not in ("]", ""):
        words += token.text
    if not re.fullmatch(r"\s*-?[0-9.]+\s*(pt|em|ex|mm|cm)\s*", words):
        parser.at = start  # a bracket of the formula


def _grid(rows: list[list[Maths]], opening: str, closing: str, align: list[str], style: str) -> Maths:
    columns = len(rows[0])
    repeated = (align * columns)[:columns]
    return {"kind": "grid", "rows": rows, "open": opening, "close": closing, "align": repeated, "style": style}


# Environment -> delimiters, alignment of its columns in turn, style.
_ENVIRONMENTS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "matrix": ("", "", ("center",), "matrix"),
    "smallmatrix": ("", "", ("center",), "matrix"),
    "pmatrix": ("(", ")", ("center",), "matrix"),
    "bmatrix": ("[", "]", ("center",), "matrix"),
    "Bmatrix": ("{", "}", ("center",), "matrix"),
    "vmatrix": ("|", "|", ("center",), "matrix"),
    "Vmatrix": ("‖", "‖", ("center",), "matrix"),
    "array": ("", "", ("center",), "matrix"),
    "cases": ("{", "", ("left",), "cases"),
    **dict.fromkeys(("aligned", "align", "align*", "split"), ("", "", ("right", "left"), "lines")),
    **dict.fromkeys(("gathered", "gather", "gather*"), ("", "", ("center",), "lines")),
}

_Structure = Callable[["Parser", Token], Maths]
_SIZES = {"big": 1.2, "Big": 1.8, "bigg": 2.4, "Bigg": 3.0}
_SIDES = {"": "", "l": "opening", "r": "closing", "m": "relation"}
_SPACED_AS = {"mathbin": "binary", "mathrel": "relation", "mathop": "large", "mathord": "normal"} | {
    "mathopen": "opening",
    "mathclose": "closing",
    "mathpunct": "punctuation",
}
STRUCTURES: dict[str, _Structure] = {
    "frac": _fraction,
    "dfrac": partial(_fraction, style="display"),
    "tfrac": partial(_fraction, style="inline"),
    "cfrac": partial(_fraction, style="display"),
    "binom": partial(_fraction, bar=False),
    "sqrt": _root,
    **dict.fromkeys(("text", "mbox", "textrm", "textnormal"), _text),
    **dict.fromkeys(("operatorname", "operatorname*"), _operator),
    **{name: partial(_letters, alphabet=alphabet) for name, alphabet in ALPHABETS.items()},
    **{name: partial(_accent, accent=accent, wide=wide) for name, (accent, wide) in ACCENTS.items()},
    **dict.fromkeys(("overline", "underline", "overbrace", "underbrace", "cancel"), _line),
    "overset": partial(_set_over, where="above"),
    "stackrel": partial(_set_over, where="above"),
    "underset": partial(_set_over, where="below"),
    "xrightarrow": partial(_arrow, text="→"),
    "xleftarrow": partial(_arrow, text="←"),
    **{name: partial(_style, kind=kind) for name, kind in _SPACED_AS.items()},
    "left": _left,
    **{
        name + side: partial(_big, size=size, kind=kind)
        for name, size in _SIZES.items()
        for side, kind in _SIDES.items()
    },
    "not": _not,
    "bmod": _modulo,
    "pmod": _modulo,
    "substack": _substack,
    "begin": _begin,
}
