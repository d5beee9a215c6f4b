"""Whether a confidence means what it says: accuracy against confidence, bin by bin, over the number of samples in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from projectkit.figures.labels import legend
from projectkit.figures.style import DASHES, FAINT, INK, MARKERS, PALETTE, finish, new_figure, stroke, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure

Bins = Mapping[str, Sequence[float]]

_ASIDE = 0.006  # of the axis: from where a bin's confidence lies to its stem
_KEYS = ("confidence", "accuracy", "count", "low", "high")


def reliability(
    bins: Bins,
    after: Bins | None = None,
    *,
    size_mm: tuple[float, float] = (95, 115),
    font_pt: float = 9.0,
) -> Figure:
    """A reliability diagram: on the diagonal, of the samples with confidence .8 four in five are right.

    Args:
        bins: `confidence` (mean of the bin), `accuracy`, `count`, `low` and `high` (the accuracy's interval), a number a bin each;
            bins without samples are left out.
        after: the same with a fitted temperature, drawn open and dashed.
        size_mm: width and height in print.
        font_pt: size of labels in print.

    Source: Guo et al. 2017, "On calibration of modern neural networks", section 2.
    """
    sides = [("as trained", _checked(bins))] + ([("with temperature", _checked(after))] if after is not None else [])
    with style(font_pt):
        figure = new_figure(size_mm)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        upper.plot([0, 1], [0, 1], color=FAINT, linewidth=stroke(0.8), linestyle=(0, (2, 2)))
        upper.set(ylabel="accuracy", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        upper.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        lower.set(xlabel="confidence", ylabel="samples\n(%)")
        lower.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        handles = [_points(upper, index, words, side) for index, (words, side) in enumerate(sides) if len(side)]
        for index, (_, side) in enumerate(sides):
            _counts(lower, index, side)
        if handles:
            legend(upper, handles, corners=["upper left", "lower right"], font_pt=font_pt)
        else:
            upper.text(0.5, 0.5, "no samples", ha="center", va="center", color=INK)
        finish(figure)
    return figure


def _checked(bins: Bins) -> NDArray[np.float64]:
    """(bins with samples, 5) in the order of `_KEYS`."""
    columns = [np.asarray(bins[key], dtype=np.float64) for key in _KEYS]
    if len({column.shape for column in columns}) > 1 or columns[0].ndim != 1:
        raise ValueError(f"reliability: {', '.join(_KEYS)} have {[len(column) for column in columns]} bins")
    table = np.stack(columns, axis=1)
    table = table[table[:, 2] > 0]
    if not np.isfinite(table).all():
        raise ValueError("reliability: a bin with samples has a confidence, accuracy or limit that is no number")
    return table


def _points(axes: Axes, index: int, words: str, table: NDArray[np.float64]) -> ErrorbarContainer:
    confidence, accuracy, count, low, high = table.T
    error = float(np.sum(count * np.abs(accuracy - confidence)) / np.sum(count))
    colour = PALETTE[index]
    return axes.errorbar(
        confidence,
        accuracy,
        yerr=np.clip([accuracy - low, high - accuracy], 0, None),
        color=colour,
        linestyle=DASHES[index],
        marker=MARKERS[index],
        markerfacecolor=colour if index == 0 else "white",
        elinewidth=stroke(0.8),
        linewidth=stroke(1.2),
        zorder=3 + index,
        label=f"{words}: ECE {error:.3f}",
    )


def _counts(axes: Axes, index: int, table: NDArray[np.float64]) -> None:
    """Where the samples are, a stem a bin; those of the second set stand a hair to the right."""
    if not len(table):
        return
    share = 100 * table[:, 2] / table[:, 2].sum()
    colour, places = PALETTE[index], table[:, 0] + _ASIDE * (2 * index - 1)
    axes.vlines(places, 0, share, color=colour, linewidth=stroke(1.4), linestyle=DASHES[index])
    axes.plot(
        places,
        share,
        linestyle="",
        marker=MARKERS[index],
        markersize=stroke(2.8),
        color=colour,
        markerfacecolor=colour if index == 0 else "white",
    )
    axes.set_ylim(0, max(axes.get_ylim()[1], 1.15 * float(share.max())))
