"""From nodes to a page and its files: all is staged in a temporary folder, and a process of its own has Typst compile the design there.

The staging folder is Typst's root and holds copies only, so that nothing outside the project can be drawn. The first compilation
measures every block, from which the layout is made; figures are then drawn at their final size, with type of print size; after that any
number of files can be had. Same input, same bytes.
"""

from __future__ import annotations

import importlib.resources
import json
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

from projectkit.poster.source.sheets import MM_PER_INCH
from projectkit.poster.typesetting.compose import Composed
from projectkit.poster.typesetting.fonts import Fonts
from projectkit.poster.typesetting.layout import Excess, Layout
from projectkit.poster.typesetting.plan import fit, placed, plan
from projectkit.poster.typesetting.printing import with_bleed_box
from projectkit.poster.typesetting.warm import Warm


class Typesetter:
    """One poster on its way to a page; a context, whose staging folder is removed at its end.

    Args:
        composed: the poster.
        fonts: that it is set in.
        warm: the process that typesets it, and figures that were drawn before.

    All methods raise `TypesettingError` for a picture that cannot be decoded, and for characters that no font has; `WorkError` where a
    limit of time or memory is met.
    """

    def __init__(self, composed: Composed, fonts: Fonts, warm: Warm) -> None:
        self._composed = composed
        self.fonts = fonts
        self._stage = Path(tempfile.mkdtemp(prefix="poster-")).resolve()
        self._warm = warm

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
        if self._composed.drawings:  # loading what draws takes as long as measuring, which another process does
            threading.Thread(target=_load_drawing, daemon=True).start()
        document, good = self._composed.document, self._composed.good
        near = self._warm.near(document)
        if near is not None:
            self._write("data.json", near)
            layout = fit(near, self._ask("measure"), good)
            self._write("data.json", document)
            if isinstance(layout, Layout):
                self._warm.found(layout, rough=True)
                return layout
        found = fit(document, self._ask("measure"), good)
        self._warm.found(found, rough=False)
        return found

    def draw(self, layout: Layout, *, over: float = 0.0, notice: str = "") -> None:
        """Draw the figures at the size that the layout gives them; `pdf` and `png` give that layout from now on.

        Args:
            layout: as `lay_out` found it.
            over: by how many points the page is taller than its sheet, of a poster that does not fit.
            notice: words on top of such a page.
        """
        drawings = {drawing.file: drawing for drawing in self._composed.drawings}
        for figure in placed(self._composed.document, layout):
            drawing = drawings[figure.file]
            svg = self._warm.svg(drawing, drawing.size(figure.width_mm, figure.grow), figure.font_pt)
            (self._stage / figure.file).write_bytes(svg)
        self._write("layout.json", plan(layout, over=over, notice=notice))

    def pdf(self) -> bytes:
        """The page as PDF/A-2a and PDF/UA-1."""
        return self._file("pdf")

    def print_pdf(self) -> bytes:
        """The page for a print shop: with bleed and crop marks, and the boxes that say where they are."""
        return with_bleed_box(self._file("pdf", inputs={"print": "yes"}))

    def png(self, ppi: float) -> bytes:
        """The page as pixels."""
        return self._file("png", ppi=ppi)

    def svg(self) -> bytes:
        """The page as SVG, sharp at any size and drawn in a hundredth of the time that pixels take."""
        return self._file("svg")

    def screen_png(self, width: int, height: int) -> bytes:
        """The page in the middle of a screen of so many pixels, whose sides are left in the colour around a poster."""
        page = self._composed.document["page"]
        ratio = width / height
        tall = page["width"] / page["height"] <= ratio
        ppi = (height / page["height"] if tall else width / page["width"]) * MM_PER_INCH
        return self._file("png", ppi=ppi, inputs={"screen": f"{ratio}"})

    def staged(self, name: str) -> bytes:
        """A picture or a drawn figure as it is set into the page."""
        return (self._stage / name).read_bytes()

    def _file(self, kind: str, **arguments: Any) -> bytes:
        out = self._stage / f"out.{kind}"
        self._ask(kind, out=str(out), **arguments)
        content = out.read_bytes()
        out.unlink()
        return content

    def _ask(self, task: str, **arguments: Any) -> Any:
        return self._warm.worker.ask(task, self._stage, self.fonts.folders, system=self.fonts.system, **arguments)

    def _write(self, name: str, value: Any) -> None:
        (self._stage / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _load_drawing() -> None:
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401
