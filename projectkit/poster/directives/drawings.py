"""Figures that are drawn once the layout knows their size, and what the directives of a poster ask for beside their nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from projectkit.poster.directives.found import named_source
from projectkit.poster.directives.shown import Shown
from projectkit.poster.markup.markdown import Node
from projectkit.poster.source.fields import Fields
from projectkit.runs import Run


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn once the layout knows its size, so that its type has print size."""

    file: str  # the name in the staging folder
    asked: str  # what it shows: drawings of one text are one figure, as long as runs and theme stay as they are
    svg: Callable[[tuple[float, float], float], bytes]  # (width, height) in mm, type in points -> SVG
    least: float  # height, in widths of the column
    most: float
    ratio: float  # greatest width, in heights

    def size(self, column: float, grow: float) -> tuple[float, float]:
        """Width and height in a column of that width; the template's `figure-size` says the same."""
        height = column * (self.least + (self.most - self.least) * grow)
        return min(column, height * self.ratio), height


@dataclass
class Drawn:
    """What the directives of a poster ask for beside their nodes.

    Args:
        address: what the poster's own QR code says; empty where it has none.
        drawings: figures to be drawn when their size is known.
        warnings: what is unfinished or older than its run, each with its place.
        shown: every number and figure.
    """

    address: str = ""
    drawings: list[Drawing] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    def warn_once(self, where: str, messages: Iterable[str]) -> None:
        """Add warnings with their place, but for what was said of another place already."""
        for message in messages:
            if not any(warning.endswith(f": {message}") for warning in self.warnings):
                self.warnings.append(f"{where}: {message}")


def drawing(
    svg: Callable[[tuple[float, float], float], bytes],
    fields: Fields,
    drawn: Drawn,
    *,
    alt: str,
    runs: Mapping[str, Run],
    least: float,
    most: float,
    ratio: float,
) -> Node:
    """A figure that is drawn later: `least` and `most` bound its height in column widths, `ratio` its width in heights."""
    asked = f"{alt} {sorted(fields.values.items(), key=str)}"
    drawing = Drawing(f"drawing-{len(drawn.drawings)}.svg", asked, svg, least, most, ratio)
    drawn.drawings.append(drawing)
    bounds = {"least": least, "most": most, "ratio": ratio}
    return {
        "kind": "figure",
        "redrawn": True,
        "file": drawing.file,
        **bounds,
        **words(fields, alt),
        "source": named_source(runs),
    }


def words(fields: Fields, alt: str) -> Node:
    caption = fields.text("caption")
    return {
        "caption": [{"kind": "text", "text": caption}] if caption else [],
        "alt": fields.text("alt") or caption or alt,
    }
