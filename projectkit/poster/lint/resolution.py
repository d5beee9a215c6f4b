"""`resolution`: pixels an inch of the team's pictures, at the size in which they are printed."""

from __future__ import annotations

import io
from collections.abc import Iterator

from projectkit.findings import Finding, Status
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.source.sheets import POINTS_PER_INCH

_ERROR, _WARNING = 72, 150  # pixels an inch


def resolution(proof: Proof) -> Iterator[Finding]:
    """Pictures that will be blurred in print."""
    if proof.found.poster.sheet.screen:
        return  # shown pixel by pixel
    for picture in proof.found.composed.pictures.values():
        if picture.suffix == ".svg":
            continue
        from PIL import Image

        with Image.open(io.BytesIO(picture.content)) as opened:
            pixels = opened.size
        printed = [placed for placed in proof.printed.placed if placed.pixels in (pixels, pixels[::-1])]
        if not printed:
            continue
        ppi = round(min(placed.ppi for placed in printed))
        inches = max(placed.width for placed in printed) / POINTS_PER_INCH
        status: Status = "error" if ppi < _ERROR else "warning" if ppi < _WARNING else "ok"
        message = f"{picture.named} has {pixels[0]} x {pixels[1]} pixels, {ppi} an inch in print"
        advice = f"give it {_WARNING * inches:.0f} pixels of width, or save it as SVG" if status != "ok" else ""
        yield finding("resolution", status, picture.where, message, advice, ppi=ppi, pixels=list(pixels))
