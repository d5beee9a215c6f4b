"""A poster's picture for a screen: one that can be read, and a small one for the wall. What a team built is decoded and encoded anew."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from projectkit.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

_MOST_PIXELS = 45_000_000  # `poster build` draws up to 40 million; each takes up to 7 bytes here
_LONGEST_SIDE = 16_000  # of WebP, which holds 16,383
_LARGE, _SMALL = 1_800_000, 145_000  # pixels: A0 with 34 pixels an inch, text of 32 pt is 15 pixels tall; 320 x 453
_LARGE_QUALITIES = (60, 45, 30)  # of WebP; the first that keeps
_LARGE_BYTES = 135_000  # the picture below this, so that a hundred posters with their PDFs stay below 25 MB
_SMALL_QUALITY = 60
_REMEDY = "run `projectkit poster build` there"


@dataclass(frozen=True)
class Picture:
    """A picture as WebP.

    Args:
        content: the file.
        width: in pixels.
        height: in pixels.
    """

    content: bytes
    width: int
    height: int


def pictures(file: Path) -> tuple[Picture, Picture]:
    """The large and the small picture of a poster.

    Args:
        file: a PNG.

    Raises:
        UserError: it is no picture, or one of too many pixels.
    """
    from PIL import Image

    try:
        pixels = _pixels(file)
        if pixels > _MOST_PIXELS:
            raise UserError(f"has {pixels / 1e6:.0f} million pixels", where=str(file), remedy=_REMEDY)
        with Image.open(file, formats=["PNG"]) as opened:
            image = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError("cannot be read as a PNG", where=str(file), remedy=_REMEDY) from error
    large = _resized(image, _LARGE)
    small = _resized(large, _SMALL)
    content = b""
    for quality in _LARGE_QUALITIES:
        content = _webp(large, quality)
        if len(content) <= _LARGE_BYTES:
            break
    return Picture(content, *large.size), Picture(_webp(small, _SMALL_QUALITY), *small.size)


def _pixels(file: Path) -> int:
    """Width times height, from the file's first bytes: Pillow warns of large ones by itself, in its own words."""
    with file.open("rb") as opened:
        head = opened.read(24)
    return int.from_bytes(head[16:20]) * int.from_bytes(head[20:24])


def _resized(image: Image.Image, pixels: int) -> Image.Image:
    from PIL import Image

    scale = min(1.0, (pixels / (image.width * image.height)) ** 0.5, _LONGEST_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING)


def _webp(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()
