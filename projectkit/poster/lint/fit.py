"""`overfull` and `underfull`: the content against the page."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding, Status
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.overfull import told
from projectkit.poster.render import ROOM_LEFT

_ERROR = 1 / 3  # empty share of a column


def overfull(proof: Proof) -> Iterator[Finding]:
    """The content needs more than the page."""
    if proof.found.excess is not None:
        much = told(proof.found)
        lines = {"lines": much.lines, "share": round(much.share, 3), "sections": dict(much.sections)}
        yield finding("overfull", "error", much.where, much.what, much.remedy, **lines)


def underfull(proof: Proof) -> Iterator[Finding]:
    """A column stays empty."""
    layout = proof.found.layout
    if layout is not None and layout.slack > ROOM_LEFT:
        status: Status = "error" if layout.slack > _ERROR else "warning"
        message = f"a column is {layout.slack:.0%} empty"
        yield finding(
            "underfull", status, proof.found.poster.file, message, "add a figure, or more text", empty=layout.slack
        )
