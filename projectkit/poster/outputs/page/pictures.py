"""Pictures of the page, inside the page: drawings at a phone's size, photographs no larger than a screen shows."""

from __future__ import annotations

import base64
import io
from typing import Any

from projectkit.poster.typesetting.compose import Composed
from projectkit.poster.typesetting.pictures import Picture

_WIDTH_MM, _FONT_PT = 110.0, 9.0  # of drawings: as wide as a phone is held, type of a page
_MOST_PIXELS = 1_400  # of a photograph's longer side
_KINDS = {".svg": "svg+xml", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp"}


class Pictures:
    """The drawings and pictures of a poster as addresses that hold the data themselves."""

    def __init__(self, composed: Composed) -> None:
        self._drawings = {drawing.file: drawing for drawing in composed.drawings}
        self._pictures = composed.pictures

    def source(self, node: dict[str, Any]) -> str:
        """The `src` of a figure's node."""
        drawing = self._drawings.get(node["file"])
        if drawing is None:
            return _photograph(self._pictures[node["file"]])
        return _address(drawing.svg(drawing.size(_WIDTH_MM, 0.5), _FONT_PT), ".svg")


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
