"""HTML from plain values: every text and every attribute is escaped here, and nowhere else."""

from __future__ import annotations

from html import escape

_VOID = ("br", "img", "input", "meta", "link")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(words: object) -> Html:
    """Words as HTML; control characters, which no page may hold, are left out."""
    return Html(escape("".join(one for one in str(words) if one.isprintable() or one in "\n\t\u200b\u00ad")))


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
