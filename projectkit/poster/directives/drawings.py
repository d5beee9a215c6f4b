"""Figures that are drawn once the layout knows their size, and what the directives of a poster ask for beside their nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from projectkit.errors import UserError
from projectkit.poster.directives.captions import caption
from projectkit.poster.directives.found import named_source
from projectkit.poster.directives.shown import Shown
from projectkit.poster.markup.nodes import Node, inline_text, walk
from projectkit.poster.source.fields import Fields
from projectkit.runs import Run

Svg = Callable[[tuple[float, float], float], bytes]  # (width, height) in mm, type in points -> SVG


@dataclass(frozen=True)
class Shape:
    """Between which sizes a figure looks well.

    Args:
        least: its least height, in widths of the column.
        most: its greatest height.
        ratio: its greatest width, in heights.
    """

    least: float
    most: float
    ratio: float


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn once the layout knows its size, so that its type has print size."""

    file: str  # the name in the staging folder
    asked: str  # what it shows: drawings of one text are one figure, as long as runs and theme stay as they are
    svg: Svg
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
        colours: of the theme, `paper`, `ink` and `muted` among them; without any, figures have their own.
    """

    address: str = ""
    drawings: list[Drawing] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    colours: Mapping[str, str] = field(default_factory=dict)

    def warn_once(self, where: str, messages: Iterable[str]) -> None:
        """Add warnings with their place, but for what was said of another place already."""
        for message in messages:
            if not any(warning.endswith(f": {message}") for warning in self.warnings):
                self.warnings.append(f"{where}: {message}")


def drawing(
    svg: Svg,
    shape: Shape,
    fields: Fields,
    drawn: Drawn,
    *,
    what: Sequence[str],
    runs: Sequence[Run],
    subset: str | None = None,
    alt: str,
    before: str = "",
) -> Node:
    """The node of a figure that is drawn when its size is known.

    Args:
        svg: draws it.
        shape: bounds its size.
        fields: of the directive, with `caption` and `alt`.
        drawn: receives the drawing, and what it shows.
        what: it shows, for the list of numbers and figures.
        runs: that it shows.
        subset: that was evaluated; None for what training left.
        alt: unless the team gives one.
        before: in the line below it, before the runs' ids.
    """
    bounds = {"least": shape.least, "most": shape.most, "ratio": shape.ratio}
    asked = repr((list(what), subset, [run.id for run in runs], sorted(fields.values.items(), key=str)))
    drawing = Drawing(f"drawing-{len(drawn.drawings)}.svg", asked, _in_colours(svg, drawn.colours), **bounds)
    drawn.drawings.append(drawing)
    remember(fields, drawn, runs, subset, what)
    source = named_source({run.id: run for run in runs}, before)
    return {"kind": "figure", "redrawn": True, "file": drawing.file, **bounds, **words(fields, alt), "source": source}


def refused(svg: Svg, error: UserError) -> Svg:
    """The same drawing, which raises `error` where the numbers are not what a figure can be drawn from: a file may be edited by hand."""

    def drawn(size_mm: tuple[float, float], font_pt: float) -> bytes:
        try:
            return svg(size_mm, font_pt)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as reason:
            raise error from reason

    return drawn


def _in_colours(svg: Svg, colours: Mapping[str, str]) -> Svg:
    if not colours:
        return svg

    def drawn(size_mm: tuple[float, float], font_pt: float) -> bytes:
        from projectkit.figures import recoloured

        kept = {name: colours[name] for name in ("paper", "ink", "muted")}
        return recoloured(svg(size_mm, font_pt), **kept)

    return drawn


def remember(fields: Fields, drawn: Drawn, runs: Sequence[Run], subset: str | None, what: Sequence[str]) -> None:
    """Note a figure of each run among what the poster shows."""
    drawn.shown += [Shown(fields.place, run.id, subset, name) for run in runs for name in what]


def words(fields: Fields, alt: str) -> Node:
    """Caption and alternative text as the team gives them; `alt` where there is neither, or a number of a run in the caption."""
    inlines = caption(fields)
    whole = all(node["kind"] != "role" for node in walk(inlines))
    return {"caption": inlines, "alt": fields.text("alt") or (whole and inline_text(inlines)) or alt}
