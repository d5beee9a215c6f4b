"""Posters as teams hand them in: a folder with what was built, made by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runs"))  # the browser's driver, devtools.py

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


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a team's built poster and returns its folder."""
    return lambda name="team", **said: write_built(tmp_path / "teams" / name, **said)
