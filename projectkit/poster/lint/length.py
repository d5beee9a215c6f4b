"""`words` and `paragraphs`: how much there is to read, on the sheet and in one piece."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding, Status
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.source.sheets import SHEETS, Sheet

# Of an A0; a visitor stays some five minutes, and reads 200 words a minute where nobody talks.
_NOTE, _WARNING, _ERROR = 600, 800, 1000
_PARAGRAPH = 70  # ten lines of a column


def words(proof: Proof) -> Iterator[Finding]:
    """More words than anybody reads standing."""
    count, scale = proof.found.words, _room(proof.found.poster.sheet) / _room(SHEETS["A0"])
    note, warning, error = (round(limit * scale, -1) for limit in (_NOTE, _WARNING, _ERROR))
    status: Status = "error" if count > error else "warning" if count > warning else "note" if count > note else "ok"
    kept = f"{proof.found.poster.sheet.name}, of which up to {note:.0f} are read"
    advice = f"cut to {note:.0f}; say it beside the poster" if count > note else ""
    yield finding(
        "words", status, proof.found.poster.file, f"{count} words on {kept}", advice, words=count, good=note, most=error
    )


def paragraphs(proof: Proof) -> Iterator[Finding]:
    """Paragraphs that nobody begins, standing in a crowd."""
    for passage in proof.passages:
        count = len(passage.text.split())
        if passage.kind == "paragraph" and count > _PARAGRAPH:
            message = f"a paragraph of {count} words, '{' '.join(passage.text.split()[:5])} ...'"
            yield finding("paragraphs", "note", passage.where, message, "cut it, or make points of it", words=count)


def _room(sheet: Sheet) -> float:
    """How much text a sheet holds: its area, in squares of the distance from which it is read (letters grow with that)."""
    return sheet.width_mm * sheet.height_mm / sheet.distance_m**2
