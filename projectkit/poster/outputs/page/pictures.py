"""Pictures of the page, inside the page: figures as the poster has them, photographs no larger than a screen shows."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any

from projectkit.poster.typesetting.pictures import Picture

_MOST_PIXELS = 1_400  # of a photograph's longer side
_KINDS = {".svg": "svg+xml", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp"}


class Pictures:
    """The figures and pictures of a poster as addresses that hold the data themselves.

    Args:
        pictures: staged name -> a team's picture.
        figure: staged name -> SVG of a figure that was drawn for the poster.
    """

    def __init__(self, pictures: Mapping[str, Picture], figure: Callable[[str], bytes]) -> None:
        self._pictures = pictures
        self._figure = figure

    def source(self, node: dict[str, Any]) -> str:
        """The `src` of a figure's node."""
        if node["redrawn"]:
            return _address(self._figure(node["file"]), ".svg")
        return _photograph(self._pictures[node["file"]])


def _photograph(picture: Picture) -> str:
    from PIL import Image, ImageOps

    if picture.suffix in (".svg", ".gif"):  # drawn at any size; moving
        return _address(picture.content, picture.suffix)
    with Image.open(io.BytesIO(picture.content)) as opened:
        image: Image.Image = ImageOps.exif_transpose(opened)
        if max(image.size) <= _MOST_PIXELS:
            return _address(picture.content, picture.suffix)
        image.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
        buffer = io.BytesIO()
        image.convert("RGBA" if "A" in image.getbands() else "RGB").save(buffer, "WEBP", quality=85, method=4)
    return _address(buffer.getvalue(), ".webp")


def _address(content: bytes, suffix: str) -> str:
    return f"data:image/{_KINDS[suffix]};base64,{base64.b64encode(content).decode('ascii')}"
