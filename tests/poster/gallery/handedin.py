"""A built poster, made by hand in the form that `poster build` leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PDF = b"%PDF-1.7\n%%EOF\n"


def write_built(folder: Path, *, size: tuple[int, int] = (84, 119), colour: str = "teal", **document: Any) -> Path:
    """A built poster in `folder/poster/build`; returns the folder."""
    from PIL import Image

    build = folder / "poster" / "build"
    build.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(build / "poster.png")
    (build / "poster.pdf").write_bytes(PDF)
    said = {
        "schema": 1,
        "title": folder.name,
        "authors": [{"name": "Ada Lovelace", "affiliation": ""}],
        "language": "en",
        "text": "Some words.",
        "audit": None,
    }
    (build / "poster.json").write_text(json.dumps(said | document), encoding="utf-8")
    return folder
