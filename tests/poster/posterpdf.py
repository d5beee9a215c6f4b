"""What can be read from a PDF without a PDF library: bookmarks, titles, alternative texts, the number of pages."""

from __future__ import annotations

import re
import zlib
from pathlib import Path


def pdf_text(path: Path) -> bytes:
    """A PDF with its streams unpacked: bookmarks, titles, alternative texts can be searched."""
    raw = path.read_bytes()
    parts = [raw]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.DOTALL):
        try:
            parts.append(zlib.decompress(match[1]))
        except zlib.error:
            continue
    return b"\n".join(parts)


def pages(path: Path) -> int:
    """The number of pages of a PDF."""
    (count,) = re.findall(rb"/Type\s*/Pages\s*/Count (\d+)", pdf_text(path)) or [b"0"]
    return int(count)
