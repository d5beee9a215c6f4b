"""From nodes to PDF and PNG: files are staged in a temporary folder, and Typst compiles the template there.

The staging folder is Typst's root and holds copies only, so that nothing outside the project can be drawn. Two passes: the first
measures every block, from which the layout is made; figures are then drawn at their final size, with type of print size; the
second pass gives the files. Same input, same bytes.
"""

from __future__ import annotations

import importlib.resources
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projectkit.errors import WorkError
from projectkit.poster.compose import Composed
from projectkit.poster.fonts import Fonts
from projectkit.poster.layout import Excess, Ladder, Layout, arrange, excess

if TYPE_CHECKING:
    import typst

_PPI = 100
_STANDARDS: list[Any] = ["a-2a", "ua-1"]  # archival and accessible; missing glyphs and alternative texts are errors
_TYPE_IN_FIGURES = 0.68  # of the text's size,
_FIGURE_EMS = 26  # but no more than lets so many em stand side by side: narrow columns would hold nothing but labels
_POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True)
class Typeset:
    """A poster that fits."""

    pdf: bytes
    png: bytes
    layout: Layout


def typeset(composed: Composed, fonts: Fonts) -> Typeset | Excess:
    """Lay a poster out and render it; what is too much, where it does not fit.

    Args:
        composed: the poster.
        fonts: that it is set in.

    Raises:
        typst.TypstError: a picture that cannot be decoded, or characters that no font has.
    """
    starts = [atom["first"] for atom in composed.document["atoms"]]
    with _staged(composed) as stage:
        ladders, room = _measured(_compiler(stage, fonts))
        layout = arrange(starts, ladders, room, composed.good)
        if layout is None:
            return excess(starts, ladders, room)
        _draw(composed, layout, stage)
        columns = [
            {"blocks": list(column.blocks), "gaps": column.gaps, "grow": column.grow} for column in layout.columns
        ]
        _write(stage / "layout.json", {"size": layout.size, "columns": columns})
        compiler = _compiler(stage, fonts)
        pdf = compiler.compile(format="pdf", timestamp=0, pdf_standards=_STANDARDS)
        png = compiler.compile(format="png", ppi=_PPI)
    if not isinstance(pdf, bytes) or not isinstance(png, bytes):
        raise WorkError("the poster came out on more than one page", remedy="shorten the longest section")
    return Typeset(pdf, png, layout)


def _measured(compiler: typst.Compiler) -> tuple[dict[int, list[Ladder]], float]:
    """The first pass: number of columns -> heights at each size; the height of a column."""
    try:
        measured = json.loads(compiler.query("<measured>", field="value", one=True))
    except RuntimeError:
        compiler.compile(format="svg")  # says the same with a place, which `query` leaves out
        raise
    ladders = {entry["columns"]: [Ladder(**rung) for rung in entry["rungs"]] for entry in measured["ladders"]}
    return ladders, measured["room"]


def _draw(composed: Composed, layout: Layout, stage: Path) -> None:
    """Draw the figures at the size that the layout gives them."""
    page = composed.document["page"]
    count = len(layout.columns)
    width_mm = (page["width"] - 2 * page["margin"] - (count - 1) * page["gutter"]) / count
    font_pt = min(_TYPE_IN_FIGURES * layout.size, width_mm * _POINTS_PER_MM / _FIGURE_EMS)
    drawings = {drawing.file: drawing for drawing in composed.drawings}
    for column in layout.columns:
        for index in column.blocks:
            for node in composed.document["atoms"][index]["blocks"]:
                drawing = drawings.get(node.get("file"))
                if drawing is not None:
                    svg = drawing.svg(drawing.size(width_mm, column.grow), font_pt)
                    (stage / drawing.file).write_bytes(svg)


def _compiler(stage: Path, fonts: Fonts) -> typst.Compiler:
    import typst

    folders = [str(folder) for folder in fonts.folders]
    return typst.Compiler(
        str(stage / "template.typ"),
        root=str(stage),
        font_paths=typst.Fonts(include_system_fonts=fonts.system, font_paths=folders),
        package_path=str(stage),  # no package is ever looked for elsewhere, nor downloaded
        package_cache_path=str(stage),
    )


@contextmanager
def _staged(composed: Composed) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="poster-"))
    try:
        template = importlib.resources.files("projectkit.poster").joinpath("template.typ")
        (folder / "template.typ").write_bytes(template.read_bytes())
        _write(folder / "data.json", composed.document)
        _write(folder / "layout.json", None)
        for name, picture in composed.pictures.items():
            (folder / name).write_bytes(picture.content)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
