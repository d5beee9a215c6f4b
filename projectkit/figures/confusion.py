"""What was taken for what: a confusion matrix whose colours are shares of the true class and whose numbers are samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.labels import LEAST_PT, fitted_names, lay_out, measured, small_pt
from projectkit.figures.style import FAINT, GRID, INK, finish, new_figure, stroke, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUES = ("#FFFFFF", "#CFE3F1", "#7FB5D8", "#0072B2", "#003F66")
_GAMMA = 0.6  # a class of which a tenth is lost must not look like one without a mistake
_NAMES = 0.2  # of the side at most for the names of the classes
_DIGIT_WIDTH = 0.52  # of the type size


def confusion_matrix(
    matrix: ArrayLike,
    class_names: Sequence[str],
    *,
    size_mm: tuple[float, float] = (120, 102),
    font_pt: float = 9.0,
) -> Figure:
    """A confusion matrix.

    Args:
        matrix: counts (classes, classes), rows are the true classes.
        class_names: in the order of the rows.
        size_mm: width and height in print.
        font_pt: size of labels in print; class names and counts become smaller where there are many, and counts are
            left out where they could not be read.
    """
    counts = np.asarray(matrix)
    if counts.shape != (len(class_names), len(class_names)):
        raise ValueError(f"a matrix {counts.shape} does not fit {len(class_names)} class names")
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    with style(font_pt):
        from matplotlib.colors import LinearSegmentedColormap, PowerNorm

        figure = new_figure(size_mm)
        # a square that fills the page in both directions is laid out a few pixels too far to the left
        figure.set_layout_engine("constrained", w_pad=0.08)
        axes = figure.subplots()
        colours = LinearSegmentedColormap.from_list("share", _BLUES).with_extremes(bad=GRID)
        image = axes.imshow(shares, cmap=colours, norm=PowerNorm(_GAMMA, vmin=0, vmax=1))
        bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=25, pad=0.02, ticks=[0, 0.1, 0.5, 1])
        bar.ax.set_yticklabels(["0", "10", "50", "100%"])
        bar.outline.set_visible(False)
        bar.set_label("share of the true class")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("predicted", labelpad=0.45 * font_pt)
        axes.set_ylabel("true", labelpad=0.45 * font_pt)
        room_pt = (_NAMES * size_mm[0] / 25.4 * 72, _NAMES * size_mm[1] / 25.4 * 72)
        _name_ticks(axes, class_names, room_pt, cell_pt=_cell_pt(size_mm, len(counts)), font_pt=font_pt)
        lay_out(figure)  # now names and bar have taken their place
        _name_ticks(axes, class_names, room_pt, cell_pt=_side_pt(axes) / len(counts), font_pt=font_pt)
        finish(figure)
        cell_pt = _side_pt(axes) / len(counts)
        _separate(axes, len(counts), width=min(stroke(0.6), cell_pt / 20))
        _write_counts(axes, counts, shares, cell_pt=cell_pt, font_pt=font_pt)
    return figure


def _cell_pt(size_mm: tuple[float, float], classes: int) -> float:
    """A first guess at a cell's side: seven tenths of the figure are the matrix."""
    return 0.7 * min(size_mm) / 25.4 * 72 / classes


def _side_pt(axes: Axes) -> float:
    figure = axes.get_figure(root=True)
    assert figure is not None
    return float(axes.get_window_extent().width * 72 / figure.dpi)


def _name_ticks(
    axes: Axes, names: Sequence[str], room_pt: tuple[float, float], *, cell_pt: float, font_pt: float
) -> None:
    size = min(small_pt(font_pt), max(LEAST_PT, 0.85 * cell_pt))
    every = int(np.ceil(1.1 * size / cell_pt)) if cell_pt < 1.1 * size else 1
    positions = range(0, len(names), every)
    beside, beneath = (fitted_names([names[index] for index in positions], room, size) for room in room_pt)
    fits = max(measured(name, size) for name in beneath) < 0.92 * cell_pt * every
    axes.set_xticks(positions, beneath, fontsize=size, rotation=0 if fits else 90)
    axes.set_yticks(positions, beside, fontsize=size)
    axes.tick_params(length=0, pad=2)


def _separate(axes: Axes, classes: int, *, width: float) -> None:
    """Fine lines between the cells, and a frame."""
    edges = np.arange(classes + 1) - 0.5
    axes.hlines(edges, -0.5, classes - 0.5, color=GRID, linewidth=width, zorder=2)
    axes.vlines(edges, -0.5, classes - 0.5, color=GRID, linewidth=width, zorder=2)
    axes.set_xlim(-0.5, classes - 0.5)
    axes.set_ylim(classes - 0.5, -0.5)


def _write_counts(
    axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64], *, cell_pt: float, font_pt: float
) -> None:
    digits = len(str(int(counts.max())))
    size = min(font_pt, 0.85 * cell_pt / (digits * _DIGIT_WIDTH), 0.6 * cell_pt)
    if size < LEAST_PT:
        return
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        # Nothing in most cells: a zero in each would hide the mistakes.
        if count or len(counts) <= 3:
            colour = FAINT if not count else "white" if share > 0.4 else INK
            axes.text(column, row, str(count), ha="center", va="center", fontsize=size, color=colour, zorder=3)
