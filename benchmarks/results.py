"""RESULTS.md: one section a benchmark, each rewritten by its own benchmark alone."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from projectkit import __version__

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEAD = "# Results\n\nWritten by `make bench`.\n"


def write_section(title: str, body: str, path: Path = RESULTS) -> str:
    """Put a section in the place of the one with the same title, else at the end.

    Returns:
        The section as it was written.
    """
    parts = re.split(r"^(?=## )", path.read_text(encoding="utf-8"), flags=re.MULTILINE) if path.is_file() else [_HEAD]
    section = f"## {title}\n\n{body.strip()}\n"
    kept = [part.strip() + "\n" for part in parts[1:]]
    places = [index for index, part in enumerate(kept) if part.splitlines()[0] == f"## {title}"]
    if places:
        kept[places[0]] = section
    else:
        kept.append(section)
    path.write_text("\n".join([_HEAD, *kept]), encoding="utf-8")
    return section


def measured_on() -> str:
    """Date, machine and versions, a line of Markdown."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{datetime.now(UTC):%Y-%m-%d}, {machine}, Python {platform.python_version()}, projectkit {__version__}"


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; None is an empty cell."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
