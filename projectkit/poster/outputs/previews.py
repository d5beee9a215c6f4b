"""Pictures of a built poster: the preview, the wall's thumbnail. `screen.py` draws the hall's screen."""

from __future__ import annotations

import io
from dataclasses import dataclass

from projectkit.poster.source.sheets import MM_PER_INCH
from projectkit.poster.typesetting.typesetter import Typesetter

PREVIEW_PPI = 100
THUMBNAIL = (320, 256)  # pixels, at most
_PREVIEW_PIXELS = 40_000_000  # 160 MB while they are drawn: a sheet that is larger than A0 is shown a little coarser


@dataclass(frozen=True)
class Previews:
    """PNG, each.

    Args:
        preview: at `PREVIEW_PPI`.
        thumbnail: within `THUMBNAIL`.
    """

    preview: bytes
    thumbnail: bytes


def previews(typesetter: Typesetter, width_mm: float, height_mm: float) -> Previews:
    """Draw the pictures of a poster that is laid out."""
    inches = width_mm * height_mm / MM_PER_INCH**2
    ppi = min(PREVIEW_PPI, (_PREVIEW_PIXELS / inches) ** 0.5)
    preview = typesetter.png(ppi)
    return Previews(preview, _thumbnail(typesetter, width_mm, height_mm))


def _thumbnail(typesetter: Typesetter, width_mm: float, height_mm: float) -> bytes:
    """Drawn four times too large and made smaller: lines as thin as a pixel would come and go otherwise."""
    from PIL import Image

    ppi = 4 * MM_PER_INCH * min(THUMBNAIL[0] / width_mm, THUMBNAIL[1] / height_mm)
    with Image.open(io.BytesIO(typesetter.png(ppi))) as large:
        small = large.convert("RGB")
    small.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, format="PNG", optimize=True)
    return out.getvalue()
