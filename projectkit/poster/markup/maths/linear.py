"""`linear`: a formula as a line of text, for search, for counting words, for captions that must be plain."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

Maths = Mapping[str, Any]


def linear(node: Maths) -> str:
    r"""A formula in a line, without white space between symbols.

    Example:
        >>> linear(parse_maths(r"\frac{a+b}{2} \le x_i^2"))
        '(a+b)/2≤x_i^2'
    """
    return _KINDS[node["kind"]](node)


def _grouped(node: Maths) -> str:
    text = linear(node)
    return f"({text})" if node["kind"] == "row" and len(node["children"]) > 1 else text


def _fraction(node: Maths) -> str:
    return f"{_grouped(node['above'])}{'/' if node['bar'] else ','}{_grouped(node['below'])}"


def _scripts(node: Maths) -> str:
    scripts = [sign + _grouped(node[name]) for sign, name in (("_", "below"), ("^", "above")) if node[name] is not None]
    return _grouped(node["base"]) + "".join(scripts)


def _grid(node: Maths) -> str:
    rows = ";".join(",".join(linear(cell) for cell in row) for row in node["rows"])
    return f"{node['open']}{rows}{node['close']}"


_KINDS: dict[str, Callable[[Maths], str]] = {
    **dict.fromkeys(("glyph", "big", "number", "words", "name", "middle"), lambda node: str(node["text"])),
    "row": lambda node: "".join(linear(child) for child in node["children"]),
    "space": lambda _: "",
    "frac": _fraction,
    "root": lambda node: f"{'' if node['index'] is None else linear(node['index'])}√{_grouped(node['body'])}",
    "scripts": _scripts,
    "accent": lambda node: unicodedata.normalize("NFC", linear(node["base"]) + node["accent"]),
    "line": lambda node: linear(node["base"]),
    "fenced": lambda node: f"{node['open']}{linear(node['body'])}{node['close']}",
    "grid": _grid,
    "style": lambda node: linear(node["body"]),
}
