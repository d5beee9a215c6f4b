"""From nodes to PDF and PNG: files are staged in a temporary folder, and Typst compiles the template there.

The staging folder is Typst's root and holds copies only, so that nothing outside the project can be drawn. Two passes: the first
finds the layout and so the size of each drawing; curves are then drawn at that size, with type of print size; the second
gives the files. Same input, same bytes.
"""

from __future__ import annotations

import importlib.resources
import json
import math
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projectkit.errors import UserError, WorkError
from projectkit.poster.directives import Drawing

if TYPE_CHECKING:
    import typst

_PPI = 100
_STANDARDS: list[Any] = ["a-2a", "ua-1"]  # archival and accessible; missing glyphs and alternative texts are errors
_POINTS_PER_INCH = 72


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
    block: tuple[str, int] | None  # file and line of a block that is taller than a column by itself


def typeset(document: Mapping[str, Any], files: Mapping[str, bytes], drawings: Sequence[Drawing], fonts: Sequence[Path]) -> Typeset | Overfull:
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
        compiler = _compiler(stage, fonts)
        layout = _query(compiler, "layout")[0]
        if not layout["fits"]:
            return _overfull(layout)
        figures = {entry["file"]: (entry["width"], entry["height"]) for entry in _query(compiler, "picture")}
        for drawing in drawings:
            width, height = figures[drawing.file]
            draw_curves(drawing, stage / drawing.file, width=width, height=height, type_size=0.72 * layout["size"])
        final = {"pass": "final"}
        pdf = compiler.compile(format="pdf", timestamp=0, pdf_standards=_STANDARDS, sys_inputs=final)
        png = compiler.compile(format="png", ppi=_PPI, sys_inputs=final)
        if not isinstance(pdf, bytes) or not isinstance(png, bytes):
            raise WorkError("the poster came out on more than one page", remedy="make it shorter, and report the text that did this")
        return Typeset(pdf, png, Layout(layout["size"], layout["columns"], max(layout["slack"]), figures))


def draw_curves(drawing: Drawing, path: Path, *, width: float, height: float, type_size: float) -> None:
    """Draw curves as an SVG of the given size, in points."""
    import matplotlib as mpl

    from projectkit.figures import learning_curves, save_svg, style

    size = (width / _POINTS_PER_INCH, height / _POINTS_PER_INCH)
    with style(), mpl.rc_context({"figure.figsize": size, "font.size": type_size}):
        figure = learning_curves(drawing.curves, metrics=drawing.metrics)
        figure.set_size_inches(size)
        save_svg(figure, path)


def _compiler(stage: Path, fonts: Sequence[Path]) -> typst.Compiler:
    import fontpkg_source_sans_3
    import typst

    folders = [str(fontpkg_source_sans_3.ROOT / "files"), *(str(folder) for folder in fonts)]
    return typst.Compiler(
        str(stage / "template.typ"),
        root=str(stage),
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=folders),
        sys_inputs={"pass": "layout"},
        package_path=str(stage),  # no package is ever looked for elsewhere, nor downloaded
        package_cache_path=str(stage),
    )


def _query(compiler: typst.Compiler, label: str) -> list[Any]:
    found: list[Any] = json.loads(compiler.query(f"<{label}>", field="value"))
    return found


def _overfull(layout: Mapping[str, Any]) -> Overfull:
    block = (layout["tallest-file"], layout["tallest"]) if layout["tallest"] else None
    return Overfull(math.ceil(layout["lines"]), layout["share"], layout["sections"], block)


@contextmanager
def _staged(document: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="poster-"))
    try:
        template = importlib.resources.files("projectkit.poster").joinpath("template.typ")
        (folder / "template.typ").write_bytes(template.read_bytes())
        (folder / "data.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        for name, content in files.items():
            (folder / name).write_bytes(content)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
