"""`overfull` and `underfull`: the content against the page."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding, Status
from projectkit.poster.lint.proof import Proof, finding

_WARNING, _ERROR = 0.15, 1 / 3  # empty share of a column


def overfull(proof: Proof) -> Iterator[Finding]:
    """The content needs more than the page."""
    excess = proof.found.excess
    if excess is not None:
        message = f"the content needs {excess.share:.0%} of the page: about {excess.lines} lines too many"
        advice = "type `projectkit poster build`, which says which cuts would do"
        yield finding(
            "overfull", "error", proof.found.poster.file, message, advice, lines=excess.lines, share=excess.share
        )


def underfull(proof: Proof) -> Iterator[Finding]:
    """A column stays empty."""
    layout = proof.found.layout
    if layout is not None and layout.slack > _WARNING:
        status: Status = "error" if layout.slack > _ERROR else "warning"
        message = f"a column is {layout.slack:.0%} empty"
        yield finding(
            "underfull", status, proof.found.poster.file, message, "add a figure, or more text", empty=layout.slack
        )
