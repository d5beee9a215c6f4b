"""From nodes to PDF and PNG: files are staged in a temporary folder, and Typst compiles the template there.

The staging folder is Typst's root and holds copies only, so that nothing outside the project can be drawn. Two passes: the first
finds the layout and so the size of each drawing; curves are then drawn at that size, with type of print size; the second
gives the files. Same input, same bytes.
"""

from __future__ import annotations

import importlib.resources
import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projectkit.errors import WorkError
from projectkit.poster.directives import Drawing

if TYPE_CHECKING:
    import typst

_PPI = 100
_STANDARDS: list[Any] = ["a-2a", "ua-1"]  # archival and accessible; missing glyphs and alternative texts are errors
_MM_PER_POINT = 25.4 / 72
_TYPE_IN_FIGURES = 0.62  # of the text's size


@dataclass(frozen=True)
class Layout:
    """What the template decided."""

    size: float  # of the text, in points
    columns: int
    slack: float  # the emptiest column's empty share, 0..1
    figures: Mapping[str, tuple[float, float]]  # staged file -> width, height in points


@dataclass(frozen=True)
class Typeset:
    """A poster that fits."""

    pdf: bytes
    png: bytes
    layout: Layout


@dataclass(frozen=True)
class Overfull:
    """A poster that does not fit at the smallest legible size."""

    lines: int  # too many
    share: float  # of the page that the content needs, above 1
    sections: Mapping[str, float]  # file -> lines
    tall: tuple[str, int] | None  # file and line of a block that is taller than a column by itself
    wide: tuple[str, int] | None  # file and line of a table that is wider than a column


def typeset(
    document: Mapping[str, Any], files: Mapping[str, bytes], drawings: Sequence[Drawing], fonts: Sequence[Path]
) -> Typeset | Overfull:
    """Lay a poster out and render it.

    Args:
        document: what `template.typ` reads as `data.json`.
        files: staged name -> the picture's bytes.
        drawings: curves to be drawn when their size is known.
        fonts: folders of further fonts.

    Raises:
        UserError: a picture that cannot be decoded, or characters that no font has.
    """
    with _staged(document, files) as stage:
        layout, figures = _find_layout(_compiler(stage, fonts))
        if not layout["fits"]:
            return _overfull(layout)
        for drawing in drawings:
            width, height = (points * _MM_PER_POINT for points in figures[drawing.file])
            (stage / drawing.file).write_bytes(drawing.svg((width, height), _TYPE_IN_FIGURES * layout["size"]))
        (stage / "layout.json").write_text(json.dumps(layout), encoding="utf-8")
        compiler = _compiler(stage, fonts)
        pdf = compiler.compile(format="pdf", timestamp=0, pdf_standards=_STANDARDS)
        png = compiler.compile(format="png", ppi=_PPI)
        if not isinstance(pdf, bytes) or not isinstance(png, bytes):
            raise WorkError(
                "the poster came out on more than one page", remedy="make it shorter, and report the text that did this"
            )
        return Typeset(pdf, png, Layout(layout["size"], layout["columns"], layout["slack"], figures))


def _find_layout(compiler: typst.Compiler) -> tuple[dict[str, Any], dict[str, tuple[float, float]]]:
    """The first pass: what the template decided, and the size of each figure."""
    try:
        layout = json.loads(compiler.query("<layout>", field="value", one=True))
        sizes = json.loads(compiler.query("<picture>", field="value"))
    except RuntimeError:
        compiler.compile(format="svg")  # says the same with a place, which `query` leaves out
        raise
    return layout, {entry["file"]: (entry["width"], entry["height"]) for entry in sizes}


def _compiler(stage: Path, fonts: Sequence[Path]) -> typst.Compiler:
    import fontpkg_source_sans_3
    import typst

    folders = [str(fontpkg_source_sans_3.ROOT / "files"), *(str(folder) for folder in fonts)]
    return typst.Compiler(
        str(stage / "template.typ"),
        root=str(stage),
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=folders),
        package_path=str(stage),  # no package is ever looked for elsewhere, nor downloaded
        package_cache_path=str(stage),
    )


def _overfull(layout: Mapping[str, Any]) -> Overfull:
    tall = (layout["tallest-file"], layout["tallest"]) if layout["tallest"] else None
    wide = next(((place["file"], place["line"]) for place in layout["wide"]), None)
    return Overfull(math.ceil(layout["lines"]), layout["share"], layout["sections"], tall, wide)


@contextmanager
def _staged(document: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="poster-"))
    try:
        template = importlib.resources.files("projectkit.poster").joinpath("template.typ")
        (folder / "template.typ").write_bytes(template.read_bytes())
        (folder / "layout.json").write_text("{}", encoding="utf-8")
        (folder / "data.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        for name, content in files.items():
            (folder / name).write_bytes(content)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
