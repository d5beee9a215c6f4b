"""What is kept between builds of a poster that is being written: a typesetting process, the layout, the figures that were drawn.

Measuring every block at every size takes 0.3 s and drawing a figure 0.2 s, while a sentence more changes both by little. So a build may be
rough: measured near the last layout only, with figures of the size that they had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from projectkit.poster.directives.drawings import Drawing
from projectkit.poster.typesetting.layout import Excess, Layout
from projectkit.poster.typesetting.worker import Worker

_MOST_FIGURES = 64  # each some 50 kB
_NEAR = 3  # sizes of text


@dataclass
class Warm:
    """Kept for as long as one poster is built again and again.

    Args:
        worker: the typesetting process.
        rough: what is near enough will do for the moment.
        was_rough: whether it did, since this was last set to False.
    """

    worker: Worker = field(default_factory=Worker)
    rough: bool = False
    was_rough: bool = False
    _layout: Layout | None = None
    _drawn: dict[str, tuple[tuple[float, float], float, bytes]] = field(default_factory=dict)

    def near(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """The template's data with the last layout's columns and sizes of text near its own; None where all must be measured."""
        if not self.rough or self._layout is None:
            return None
        size, width = self._layout.size, self._layout.columns[0].area.width
        sizes = sorted(sorted(document["sizes"], key=lambda one: abs(one - size))[:_NEAR])
        options = [option for option in document["options"] if abs(option["width"] - width) < 0.01]
        return {**document, "options": options, "near": sizes} if options else None

    def found(self, layout: Layout | Excess, *, rough: bool) -> None:
        """Remember a layout."""
        self._layout = layout if isinstance(layout, Layout) else None
        self.was_rough = self.was_rough or rough

    def svg(self, drawing: Drawing, size_mm: tuple[float, float], font_pt: float) -> bytes:
        """A figure: as it is kept, or drawn."""
        kept = self._drawn.get(drawing.asked)
        if kept is not None and (kept[0], kept[1]) == (size_mm, font_pt):
            return kept[2]
        if kept is not None and self.rough:
            self.was_rough = True
            return kept[2]
        if len(self._drawn) >= _MOST_FIGURES:
            self._drawn.clear()
        svg = drawing.svg(size_mm, font_pt)
        self._drawn[drawing.asked] = (size_mm, font_pt, svg)
        return svg

    def forget(self) -> None:
        """Build all of it anew: a run or the theme has changed."""
        self.rough = False
        self._layout = None
        self._drawn.clear()
