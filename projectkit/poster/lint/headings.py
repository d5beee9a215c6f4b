"""`headings`: those that name a chapter where they could say what was found."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding, Status
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.wording import CHAPTERS, FILLERS, words_of


def headings(proof: Proof) -> Iterator[Finding]:
    """Headings such as 'Results': who reads the headings alone learns nothing."""
    for passage in proof.passages:
        if passage.kind == "heading" and names_a_chapter(passage.text):
            status: Status = "warning" if passage.level == 1 else "note"
            message = f"the heading '{passage.text}' names a chapter"
            yield finding(
                "headings", status, passage.where, message, "say in it what this part found, as a short sentence"
            )
    if names_a_chapter(proof.found.poster.title):
        message = f"the title '{proof.found.poster.title}' names a chapter"
        yield finding("headings", "warning", proof.place("title"), message, "say what you found")


def names_a_chapter(heading: str) -> bool:
    """Whether nothing is left of a heading without the names of chapters and small words."""
    if heading.rstrip().endswith(("?", "？", "؟")):
        return False  # a question asks for an answer
    telling = [word for word in words_of(heading) if word not in FILLERS]
    return bool(telling) and all(word in CHAPTERS for word in telling)
