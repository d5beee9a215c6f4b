"""From nodes to a page and its files: everything is staged in a temporary folder, and Typst compiles the design there.

The staging folder is Typst's root and holds copies only, so that nothing outside the project can be drawn. The first compilation
measures every block, from which the layout is made; figures are then drawn at their final size, with type of print size; after that any
number of files can be had. Same input, same bytes.
"""

from __future__ import annotations

import importlib.resources
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from projectkit.errors import WorkError
from projectkit.poster.typesetting.compose import Composed
from projectkit.poster.typesetting.fonts import Fonts
from projectkit.poster.typesetting.layout import Excess, Ladder, Layout, arrange, excess

if TYPE_CHECKING:
    import typst

_STANDARDS: list[Any] = ["a-2a", "ua-1"]  # archival and accessible; missing glyphs and alternative texts are errors
_TYPE_IN_FIGURES = 0.68  # of the text's size,
_FIGURE_EMS = 26  # but no more than lets so many em stand side by side: narrow columns would hold nothing but labels
_POINTS_PER_MM = 72 / 25.4


class Typesetter:
    """One poster on its way to a page; a context, whose staging folder is removed at its end.

    Args:
        composed: the poster.
        fonts: that it is set in.

    All methods raise `typst.TypstError` for a picture that cannot be decoded, and for characters that no font has.
    """

    def __init__(self, composed: Composed, fonts: Fonts) -> None:
        self._composed = composed
        self._fonts = fonts
        self._stage = Path(tempfile.mkdtemp(prefix="poster-"))

    def __enter__(self) -> Self:
        design = importlib.resources.files("projectkit.poster.typesetting").joinpath("design")
        for file in design.iterdir():
            (self._stage / file.name).write_bytes(file.read_bytes())
        self._write("data.json", self._composed.document)
        self._write("layout.json", None)
        for name, picture in self._composed.pictures.items():
            (self._stage / name).write_bytes(picture.content)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._stage, ignore_errors=True)

    def lay_out(self) -> Layout | Excess:
        """Measure, and find the best layout; what is too much, where nothing fits."""
        starts = [atom["first"] for atom in self._composed.document["atoms"]]
        ladders, room = self._measured()
        return arrange(starts, ladders, room, self._composed.good) or excess(starts, ladders, room)

    def draw(self, layout: Layout) -> None:
        """Draw the figures at the size that the layout gives them; `pdf` and `png` give that layout from now on."""
        page = self._composed.document["page"]
        count = len(layout.columns)
        width_mm = (page["width"] - 2 * page["margin"] - (count - 1) * page["gutter"]) / count
        font_pt = min(_TYPE_IN_FIGURES * layout.size, width_mm * _POINTS_PER_MM / _FIGURE_EMS)
        drawings = {drawing.file: drawing for drawing in self._composed.drawings}
        for column in layout.columns:
            for index in column.blocks:
                for node in self._composed.document["atoms"][index]["blocks"]:
                    drawing = drawings.get(node.get("file"))
                    if drawing is not None:
                        svg = drawing.svg(drawing.size(width_mm, column.grow), font_pt)
                        (self._stage / drawing.file).write_bytes(svg)
        columns = [
            {"blocks": list(column.blocks), "gaps": column.gaps, "grow": column.grow} for column in layout.columns
        ]
        self._write("layout.json", {"size": layout.size, "columns": columns})

    def pdf(self) -> bytes:
        """The page as PDF/A-2a and PDF/UA-1."""
        return _one_page(self._compiler().compile(format="pdf", timestamp=0, pdf_standards=_STANDARDS))

    def png(self, ppi: float) -> bytes:
        """The page as pixels."""
        return _one_page(self._compiler().compile(format="png", ppi=ppi))

    def staged(self, name: str) -> bytes:
        """A picture or a drawn figure as it is set into the page."""
        return (self._stage / name).read_bytes()

    def _measured(self) -> tuple[Mapping[int, list[Ladder]], float]:
        """Number of columns -> heights at each size; the height of a column."""
        compiler = self._compiler()
        try:
            measured = json.loads(compiler.query("<measured>", field="value", one=True))
        except RuntimeError:
            compiler.compile(format="svg")  # says the same with a place, which `query` leaves out
            raise
        ladders = {entry["columns"]: [Ladder(**rung) for rung in entry["rungs"]] for entry in measured["ladders"]}
        return ladders, measured["room"]

    def _compiler(self) -> typst.Compiler:
        import typst

        folders = [str(folder) for folder in self._fonts.folders]
        return typst.Compiler(
            str(self._stage / "page.typ"),
            root=str(self._stage),
            font_paths=typst.Fonts(include_system_fonts=self._fonts.system, font_paths=folders),
            package_path=str(self._stage),  # no package is ever looked for elsewhere, nor downloaded
            package_cache_path=str(self._stage),
        )

    def _write(self, name: str, value: Any) -> None:
        (self._stage / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _one_page(compiled: object) -> bytes:
    if not isinstance(compiled, bytes):
        raise WorkError("the poster came out on more than one page", remedy="shorten the longest section")
    return compiled
