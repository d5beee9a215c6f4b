"""Addresses that a poster leads to: how they begin, and how people write them."""

from __future__ import annotations

WEB = ("https://", "http://")
LINKS = (*WEB, "mailto:")


def short(url: str) -> str:
    """An address as people write it, without what every address begins with."""
    for start in LINKS:
        url = url.removeprefix(start)
    return url.rstrip("/")
