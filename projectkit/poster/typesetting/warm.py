"""What is kept between builds of a poster that is being written: a typesetting process, and the figures that were drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

from projectkit.poster.directives.drawings import Drawing
from projectkit.poster.typesetting.worker import Worker

_MOST_FIGURES = 64  # each some 50 kB


@dataclass
class Figures:
    """Figures by what was asked for. A figure takes 0.2 s to draw, and a sentence more makes each of its column a little smaller.

    Args:
        rough: a figure of another size will do for the moment.
        was_rough: whether one did, since this was last set to False.
    """

    rough: bool = False
    was_rough: bool = False
    _drawn: dict[str, tuple[tuple[float, float], float, bytes]] = field(default_factory=dict)

    def svg(self, drawing: Drawing, size_mm: tuple[float, float], font_pt: float) -> bytes:
        """The figure: as it is kept, or drawn."""
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
        """Draw every figure anew: a run or the theme has changed."""
        self._drawn.clear()


@dataclass
class Warm:
    """A typesetting process and figures, for as long as one poster is built again and again."""

    worker: Worker = field(default_factory=Worker)
    figures: Figures = field(default_factory=Figures)
