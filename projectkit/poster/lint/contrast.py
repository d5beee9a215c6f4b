"""`contrast`: the theme's colours on each other."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding, Status
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.themes.contrast import LARGE, weak_contrasts


def contrast(proof: Proof) -> Iterator[Finding]:
    """Text that is too close to its background.

    Source: WCAG 2.2, success criterion 1.4.3.
    """
    theme = proof.found.poster.theme
    for weak in weak_contrasts(theme):
        status: Status = "error" if weak.ratio < LARGE else "warning"
        message = f"{weak.what}: {weak.colour} on {weak.on} has a contrast of {weak.ratio:.1f}"
        advice = (
            f"{weak.least:g} is the least: make {weak.colour} darker, or {weak.on} lighter (or the other way round)"
        )
        yield finding(
            "contrast", status, theme.file or proof.found.poster.file, message, advice, ratio=round(weak.ratio, 2)
        )
