"""The table of checks: the name that findings carry, and the function that makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from projectkit.findings import Finding
from projectkit.poster.lint.alternatives import alt_text
from projectkit.poster.lint.built import built
from projectkit.poster.lint.contrast import contrast
from projectkit.poster.lint.figures import colour_blind, figure_type
from projectkit.poster.lint.fit import overfull, underfull
from projectkit.poster.lint.headings import headings
from projectkit.poster.lint.kept import kept
from projectkit.poster.lint.length import paragraphs, words
from projectkit.poster.lint.links import links
from projectkit.poster.lint.numbers import numbers
from projectkit.poster.lint.people import people
from projectkit.poster.lint.proof import Proof
from projectkit.poster.lint.qr import qr
from projectkit.poster.lint.required import required_sections
from projectkit.poster.lint.resolution import resolution
from projectkit.poster.lint.said import build_warnings
from projectkit.poster.lint.sizes import text_size
from projectkit.poster.lint.unfinished import unfinished

CHECKS: Mapping[str, Callable[[Proof], Iterator[Finding]]] = {
    "overfull": overfull,
    "underfull": underfull,
    "unfinished": unfinished,
    "people": people,
    "sections": required_sections,
    "headings": headings,
    "words": words,
    "paragraphs": paragraphs,
    "numbers": numbers,
    "text-size": text_size,
    "figure-type": figure_type,
    "resolution": resolution,
    "contrast": contrast,
    "colour-blind": colour_blind,
    "alt-text": alt_text,
    "qr": qr,
    "links": links,
    "built": built,
    "kept": kept,
    "build": build_warnings,
}
