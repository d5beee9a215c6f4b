"""Draws the pictures of poster.md: each example that is followed by a picture, built from the runs of a real project.

    python docs/draw.py PROJECT     # such as the one that `make demo` leaves

An example is a poster of one section. Its column is cut out of the page at 60 pixels an inch.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageChops

from projectkit.poster.render import rendered
from projectkit.project import Project, find_project

DOCS = Path(__file__).parent
_EXAMPLE = re.compile(
    r"^```markdown\n(.*?)^```\n\n!\[[^\]]*\]\((images/poster/[\w-]+\.png)\)", re.MULTILINE | re.DOTALL
)
_PPI = 60
_COLOURS = 64  # of the picture's palette: text and flat colours
_YAML = "title: Example\nauthors: [A Team]\nsize: A2\ncolumns: 2\nrepository: https://example.org/our-team/project\n"


def main(folder: Path) -> None:
    """Draw every picture anew."""
    project = find_project(folder)
    if project is None:
        raise SystemExit(f"{folder} is no project; type `make demo` for one")
    for text, path in examples(DOCS / "poster.md"):
        picture = drawn(text, Path(path).stem, project)
        (DOCS / path).parent.mkdir(parents=True, exist_ok=True)
        picture.quantize(_COLOURS).save(DOCS / path, optimize=True)
        print(path, picture.size)


def examples(page: Path) -> Iterator[tuple[str, str]]:
    """Each example's Markdown, and the picture that follows it."""
    yield from _EXAMPLE.findall(page.read_text(encoding="utf-8"))


def drawn(text: str, name: str, project: Project) -> Image.Image:
    """The column of a poster that holds nothing but this text."""
    with tempfile.TemporaryDirectory(prefix="docs-", dir=project.root) as place:
        folder = Path(place) / "poster"
        own = project.root / "poster"
        shutil.copytree(own, folder, ignore=shutil.ignore_patterns("sections", "build", "poster.yaml"))
        (folder / "sections").mkdir()
        (folder / "poster.yaml").write_text(_YAML, encoding="utf-8")
        section = text if text.startswith("# ") else f"# {name.replace('-', ' ')}\n\n{text}"
        (folder / "sections" / "10-example.md").write_text(section, encoding="utf-8")
        with rendered(folder, replace(project, root=project.root)) as found:
            if found.layout is None:
                raise SystemExit(f"the example {name} does not fit")
            page = Image.open(io.BytesIO(found.typesetter.png(_PPI))).convert("RGB")
            box = found.composed.document["page"]
    pixels = _PPI / 25.4
    margin, gutter = box["margin"] * pixels, box["gutter"] * pixels
    column = page.crop((round(margin - gutter / 2), 0, round(page.width / 2), page.height))
    return _between_header_and_footer(column)


def _between_header_and_footer(column: Image.Image) -> Image.Image:
    """The rows from below the header to the last one before a long empty stretch."""
    ground = Image.new("RGB", column.size, column.getpixel((1, column.height // 2)))
    ink = ImageChops.difference(column, ground).convert("L").point(lambda value: 255 if value > 8 else 0)
    written = [ink.crop((0, row, ink.width, row + 1)).getbbox() is not None for row in range(ink.height)]
    top = written.index(False)  # the header's ground ends here
    first = written.index(True, top)
    last, empty = first, 0
    for row in range(first, len(written)):
        last, empty = (row, 0) if written[row] else (last, empty + 1)
        if empty > _PPI:
            break
    return column.crop((0, max(first - 8, top), column.width, last + 10))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
