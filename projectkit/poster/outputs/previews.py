"""Pictures of a built poster: the preview, the hall's screen, the wall's thumbnail."""

from __future__ import annotations

import io
from dataclasses import dataclass

from projectkit.poster.typesetting.typesetter import Typesetter

PREVIEW_PPI = 100
SCREENS = ((3840, 2160), (2560, 1440), (1280, 720))  # pixels, 16:9; conferences take up to 5120 x 2880
THUMBNAIL = (320, 256)  # pixels, at most
_MOST_BYTES = 10_000_000  # of a hall's screen
_PREVIEW_PIXELS = 40_000_000  # 160 MB while they are drawn: a sheet that is larger than A0 is shown a little coarser


@dataclass(frozen=True)
class Previews:
    """PNG, each.

    Args:
        preview: at `PREVIEW_PPI`.
        screen: the poster in the middle of a screen: the first of `SCREENS` that is not too large a file.
        thumbnail: within `THUMBNAIL`.
    """

    preview: bytes
    screen: bytes
    thumbnail: bytes


def previews(typesetter: Typesetter, width_mm: float, height_mm: float) -> Previews:
    """Draw the pictures of a poster that is laid out."""
    inches = width_mm * height_mm / 25.4**2
    ppi = min(PREVIEW_PPI, (_PREVIEW_PIXELS / inches) ** 0.5)
    preview = typesetter.png(ppi)
    return Previews(preview, _screen(typesetter), _thumbnail(typesetter, width_mm, height_mm))


def _screen(typesetter: Typesetter) -> bytes:
    for width, height in SCREENS:  # photographs: PNG is as large as they are detailed
        content = typesetter.screen_png(width, height)
        if len(content) <= _MOST_BYTES:
            break
    return content


def _thumbnail(typesetter: Typesetter, width_mm: float, height_mm: float) -> bytes:
    """Drawn four times too large and made smaller: lines as thin as a pixel would come and go otherwise."""
    from PIL import Image

    ppi = 4 * 25.4 * min(THUMBNAIL[0] / width_mm, THUMBNAIL[1] / height_mm)
    with Image.open(io.BytesIO(typesetter.png(ppi))) as large:
        small = large.convert("RGB")
    small.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, format="PNG", optimize=True)
    return out.getvalue()
