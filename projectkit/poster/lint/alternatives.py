"""`alt-text`: whether the alternative text says what can be seen."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding
from projectkit.poster.lint.passages import nodes
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.wording import EMPTY_ALT, FILE_NAME
from projectkit.poster.markup.nodes import inline_text

_ADVICE = 'write alt="what can be seen": who cannot see the picture reads this in its place'


def alt_text(proof: Proof) -> Iterator[Finding]:
    """Alternative texts that are missing, a file's name, or the caption once more."""
    for section in proof.found.composed.sections:
        for where, node in nodes(section):
            if node["kind"] == "figure":
                yield from _of(node["alt"], inline_text(node["caption"]), where)
    for logo in (*proof.found.poster.theme.logos, *proof.found.poster.logos):
        yield from _of(logo.alt, "", logo.where)


def _of(alt: str, caption: str, where: str) -> Iterator[Finding]:
    if not alt.strip():
        yield finding("alt-text", "error", where, "no alternative text", _ADVICE)
    elif FILE_NAME.match(alt.strip()):
        yield finding("alt-text", "warning", where, f"the alternative text is a file's name: {alt}", _ADVICE)
    elif EMPTY_ALT.match(alt.strip()):
        yield finding("alt-text", "warning", where, f"the alternative text says only {alt!r}", _ADVICE)
    elif alt.strip() == caption.strip():
        yield finding("alt-text", "note", where, "the alternative text is the caption once more", _ADVICE)
