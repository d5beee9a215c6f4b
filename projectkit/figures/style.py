"""The one look of every figure: colours, type, lines, and how a figure is made and saved.

Figures are made without pyplot, so drawing one leaves no window, no registry and no setting behind. A figure is drawn
at the size that it will have in print, with its type in points: text is never scaled afterwards.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projectkit.figures.colours import luminance, mixed
from projectkit.figures.fonts import families
from projectkit.figures.labels import lay_out, small_pt

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe & Ito 2008, "Color universal design", without its yellow, which vanishes on white paper.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# One a colour, in their order: what is told apart by its colour is told apart by its line too, for grey print.
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.6)), (0, (1, 1.3)), (0, (6, 1.4, 1, 1.4)), (0, (2.5, 1)), (0, (8, 2)), "-")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK = "#1F2933"
FAINT = "#9AA5B1"
GRID = "#E4E7EB"
_MM_PER_INCH = 25.4
_MOST_PASSES = 5
_DIGITS = 5  # of an axes' place in the figure
_STILL = 2e-4  # of the figure: a fiftieth of a millimetre
_LONGEST_NAME = 18  # characters
_LIGHT = 0.6  # relative luminance of a paper that the palette is made for


@contextmanager
def style(font_pt: float = 9.0) -> Iterator[None]:
    """The look, for as long as the context lasts; for figures of your own.

    Args:
        font_pt: size of labels; line widths follow it.
    """
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()  # a matplotlibrc in the folder where one stands could have labels run through LaTeX
        mpl.rcParams.update(_settings(font_pt))
        yield


def stroke(width_pt: float) -> float:
    """A line's width in the style that is in force: wider beside larger type.

    Args:
        width_pt: beside type of 9 points.
    """
    import matplotlib as mpl

    return width_pt * float(mpl.rcParams["font.size"]) / 9


def new_figure(size_mm: tuple[float, float]) -> Figure:
    """An empty figure of a size in millimetres, laid out so that nothing overlaps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size_mm[0] / _MM_PER_INCH, size_mm[1] / _MM_PER_INCH), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def finish(figure: Figure) -> None:
    """Lay the figure out and keep it so: laid out again while it is saved, it would move by fractions of a point."""
    before = _places(figure)  # of a figure that was laid out before, perhaps already the right ones
    # The first pass gives axes their size, by which ticks are chosen; those change the labels' room.
    for _ in range(_MOST_PASSES):
        lay_out(figure)
        now = _places(figure)
        if max((abs(one - other) for one, other in zip(before, now, strict=True)), default=0.0) < _STILL:
            break
        before = now
    figure.set_layout_engine(None)  # with any other, even "none", saving draws the figure twice
    for axes in figure.axes:
        # The solver's last digits hang on addresses in memory, and the names of clips in an SVG on those digits.
        left, bottom, width, height = (round(edge, _DIGITS) for edge in axes.get_position(original=True).bounds)
        axes.set_position((left, bottom, width, height))
        axes.set_in_layout(True)
        axes.apply_aspect()
        _keep_ticks(axes.xaxis, across=True)
        _keep_ticks(axes.yaxis, across=False)


def _places(figure: Figure) -> list[float]:
    return [edge for axes in figure.axes for edge in axes.get_position().bounds]


def _keep_ticks(axis: Axis, *, across: bool) -> None:
    """Keep the ticks as they are, without every second one where their numbers touch.

    Matplotlib chooses ticks anew at every drawing, by the type size of the settings that are in force then, and guesses how wide
    numbers are.
    """
    from matplotlib.ticker import FixedLocator

    places = [float(place) for place in axis.get_majorticklocs()]
    if across and not isinstance(axis.get_major_locator(), FixedLocator):
        boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
        if any(one.padded(1).overlaps(other) for one, other in itertools.pairwise(boxes)):
            places = places[places.index(0.0) % 2 if 0.0 in places else 0 :: 2]
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(FixedLocator([float(place) for place in axis.get_minorticklocs()]))


def short(name: str) -> str:
    """A class name as it fits beside an axis."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG: the same bytes each time, text as outlines, so that it looks the same on every machine."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "projectkit", "svg.image_inline": True}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def recoloured(svg: bytes, *, paper: str, ink: str, muted: str) -> bytes:
    """A figure of ours on another paper: its ground, its text, its axes and its grid; the colours that mean something stay.

    Args:
        svg: of `svg_bytes`.
        paper: as `#rrggbb`; on a dark one a figure keeps its white ground, as its colours are chosen for light paper.
        ink: of text.
        muted: of what stands back; axes are drawn in it, faded, and the grid.
    """
    import re

    if luminance(paper) < _LIGHT:
        return svg
    into = {
        "#ffffff": paper,
        INK.lower(): ink,
        FAINT.lower(): mixed(muted, paper, 0.6),
        GRID.lower(): mixed(muted, paper, 0.16),
    }
    found = re.compile("|".join(into).encode("ascii"))
    return found.sub(lambda match: into[match[0].decode("ascii")].lower().encode("ascii"), svg)


def save_svg(figure: Figure, path: Path) -> None:
    """Write `svg_bytes` to a file."""
    path.write_bytes(svg_bytes(figure))


def _settings(font_pt: float) -> Any:  # matplotlib's own type is the list of all 300 names
    from cycler import cycler

    line = font_pt / 9
    return {
        "font.family": list(families()),
        "text.parse_math": False,  # a class name with two dollar signs is a name
        "text.hinting": "none",  # measured as wide as the outlines of an SVG are
        "font.size": font_pt,
        "axes.titlesize": font_pt,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": font_pt,
        "xtick.labelsize": small_pt(font_pt),
        "ytick.labelsize": small_pt(font_pt),
        "legend.fontsize": small_pt(font_pt),
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.edgecolor": FAINT,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.linewidth": 0.6 * line,
        "xtick.major.width": 0.6 * line,
        "ytick.major.width": 0.6 * line,
        "xtick.major.size": 2.5 * line,
        "ytick.major.size": 2.5 * line,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.6 * line,
        "lines.linewidth": 1.5 * line,
        "lines.markersize": 3.5 * line,
        "lines.solid_capstyle": "round",
        "axes.prop_cycle": cycler(color=PALETTE),
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "figure.autolayout": False,
        "figure.constrained_layout.use": False,
        "figure.constrained_layout.w_pad": 0.03 * line,
        "figure.constrained_layout.h_pad": 0.03 * line,
    }
