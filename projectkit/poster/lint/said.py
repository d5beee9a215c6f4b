"""`build`: what directives and typesetting say besides, such as a number that is older than its run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from projectkit.findings import Finding
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.unfinished import missing_places

_PARTS = re.compile(r"(?P<where>\S+?): (?P<message>.*?)(?:; (?P<advice>.*))?", re.DOTALL)


def build_warnings(proof: Proof) -> Iterator[Finding]:
    """The warnings of `projectkit poster build` that no other check has."""
    known = missing_places(proof)
    for warning in proof.found.warnings:
        parts = _PARTS.fullmatch(warning)
        where, message, advice = (
            parts.group("where", "message", "advice") if parts else (proof.found.poster.file, warning, "")
        )
        told = "is a placeholder" in message or "% empty" in message  # by `unfinished` and `underfull`
        if not told and (where not in known or "font" in message):
            yield finding("build", "warning", where, message, advice or "")
