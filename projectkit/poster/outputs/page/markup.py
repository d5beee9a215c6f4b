"""HTML from plain values: every text and every attribute is escaped here, and nowhere else."""

from __future__ import annotations

import unicodedata
from html import escape

_NO_TEXT = (
    "Cc",
    "Cs",
)  # control characters, halves of a character; a no-break space and the joiners of Persian are text
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # would turn around what stands behind them
_VOID = ("br", "img", "input", "meta", "link")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(words: object) -> Html:
    """Words as HTML; control characters, which no page may hold, are left out, and so are those that turn around the page's text."""
    kept = (
        one
        for one in str(words)
        if one in "\n\t" or (unicodedata.category(one) not in _NO_TEXT and one not in _TURNING)
    )
    return Html(escape("".join(kept)))


def element(name: str, /, *children: Html | str, **attributes: str | bool | None) -> Html:
    """An element.

    Args:
        name: of the element.
        children: HTML as it is; plain strings are escaped.
        attributes: a trailing underscore is dropped (`class_`), others become hyphens (`aria_label`); None leaves one out, True gives
            one without a value.
    """
    written = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        named = key.removesuffix("_").replace("_", "-")
        written += f" {named}" if value is True else f' {named}="{text(value)}"'
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Html | str) -> Html:
    """Pieces one after the other."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children))
