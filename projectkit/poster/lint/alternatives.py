"""`alt-text`: whether the alternative text says what can be seen."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding
from projectkit.poster.lint.passages import nodes
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.wording import EMPTY_ALT, FILE_NAME
from projectkit.poster.markup.nodes import inline_text

_WHY = "who cannot see the picture reads this in its place"
_OF_A_PICTURE = f'write {{alt="what can be seen"}} behind it ({_WHY})'
_OF_A_KEY = f'write alt: "what can be seen" ({_WHY})'


def alt_text(proof: Proof) -> Iterator[Finding]:
    """Alternative texts that are missing, a file's name, or the caption once more."""
    for section in proof.found.composed.sections:
        for where, node in nodes(section):
            if node["kind"] == "figure":
                advice = _OF_A_KEY if node["source"] else _OF_A_PICTURE
                yield from _of(node["alt"], inline_text(node["caption"]), where, advice)
    for logo in (*proof.found.poster.theme.logos, *proof.found.poster.logos):
        yield from _of(logo.alt, "", logo.where, _OF_A_KEY)


def _of(alt: str, caption: str, where: str, advice: str) -> Iterator[Finding]:
    if not alt.strip():
        yield finding("alt-text", "error", where, "no alternative text", advice)
    elif FILE_NAME.match(alt.strip()):
        yield finding("alt-text", "warning", where, f"the alternative text is a file's name: {alt}", advice)
    elif EMPTY_ALT.match(alt.strip()):
        yield finding("alt-text", "warning", where, f"the alternative text says only {alt!r}", advice)
    elif alt.strip() == caption.strip():
        yield finding("alt-text", "note", where, "the alternative text is the caption once more", advice)
