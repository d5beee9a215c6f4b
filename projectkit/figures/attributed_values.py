"""Which columns of a table and which moments of a series spoke for a class: to the right and upwards for it, hatched against it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.diverging import AGAINST, AGAINST_WORDS, FOR, FOR_WORDS, finite, largest
from projectkit.figures.labels import MM_PER_PT, fitted_names, small_pt, wrapped
from projectkit.figures.points import envelope
from projectkit.figures.style import DASHES, INK, PALETTE, finish, new_figure, stroke, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMES = 0.32  # of the width at most for the names of columns
_PANEL_MM = 3.75  # the least width of a sample's panel, for each point of the type
_MOST_COLUMNS = 15  # of a table: the rest is less than can be read from a picture
_LEAST_COLUMNS = 4  # of a table in each panel: where fewer fit, there are fewer panels
_MOST_CHANNELS = 4
_LEAST_SERIES_MM = 2.5  # the least height of a series, for each point of the type
_LOOKS: tuple[dict[str, Any], ...] = (
    {"facecolor": FOR, "edgecolor": FOR, "label": FOR_WORDS},
    {"facecolor": "#FBE3D2", "edgecolor": AGAINST, "hatch": "/////", "label": AGAINST_WORDS},
)


def attributed_table(
    names: Sequence[str],
    values: ArrayLike,
    titles: Sequence[str] = (),
    *,
    size_mm: tuple[float, float] | None = None,
    font_pt: float = 8.0,
) -> Figure:
    """Attributions of a table's columns, the largest on top: of single samples side by side, or one mean over many.

    Args:
        names: of the columns, p.
        values: attributions (k, p), above 0 for the class, each sample on a scale of its own; or the mean over samples, (p,).
        titles: over each sample's panel, k; of a mean none, or one.
        size_mm: width and height in print; unless given, 170 mm wide and as high as the rows need. Where they do not fit, the
            last samples and the smallest columns are left out.
        font_pt: size of labels in print.
    """
    table = np.atleast_2d(finite(values, "attributed table"))
    if table.shape[1] != len(names) or (len(titles) or 1) != len(table):
        raise ValueError(f"attributions {table.shape}, {len(names)} names and {len(titles)} titles; give (k, p), p, k")
    size = small_pt(font_pt)
    wide = size_mm[0] if size_mm else 170.0
    columns = max(1, min(len(table), int((1 - _NAMES) * wide / (_PANEL_MM * font_pt))))
    rows = math.ceil(len(table) / columns)
    signed = np.ndim(values) != 1 or bool((table < 0).any())  # a mean of magnitudes is neither for nor against
    em = font_pt * MM_PER_PT
    room = (size_mm[1] if size_mm else math.inf) - (2.0 * em if signed else 0.4 * em)
    around = (3.0 + (1.3 if len(table) > 1 else 0.0)) * em  # of each row of panels: title, ticks and their gaps
    line = 1.25 * size * MM_PER_PT
    if size_mm:
        rows = min(rows, max(1, int(room / (around + min(_LEAST_COLUMNS, len(names)) * line))))
    columns = min(columns, math.ceil(len(table) / rows))
    most = max(1, min(_MOST_COLUMNS, len(names), int(min(1e6, room / rows - around) / line)))
    order = np.argsort(-np.mean(np.abs(table), axis=0), kind="stable")[:most]
    height = rows * (most * 1.5 + 5.0) * size * MM_PER_PT + 10
    with style(font_pt):
        figure = new_figure(size_mm or (wide, height))
        shown = fitted_names([names[index] for index in order], _NAMES * wide / MM_PER_PT, size)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        title_pt = ((1 - _NAMES) * wide / columns - 4) / MM_PER_PT
        for index, axes in enumerate(grid):
            if index >= len(table):
                axes.set_axis_off()
                continue
            _bars(axes, table[index, order], single=len(table) == 1)
            axes.set_yticks(np.arange(len(order)), shown)
            axes.set_ylim(len(order) - 0.5, -0.5)
            if titles:
                lines = wrapped(titles[index], title_pt, font_pt, most=2, bold=True)
                axes.set_title("\n".join(lines))
        if np.ndim(values) == 1 and not titles:
            grid[0].set_xlabel("mean attribution")
        if signed:
            _key(figure)
        finish(figure)
    return figure


def attributed_series(
    series: ArrayLike,
    maps: ArrayLike,
    titles: Sequence[str],
    *,
    size_mm: tuple[float, float] | None = None,
    font_pt: float = 8.0,
) -> Figure:
    """Series with the attribution of each moment beneath: bars upwards for the class, hatched and downwards against it.

    Args:
        series: (k, length), or (k, channels, length), of which the first four channels are drawn.
        maps: attributions (k, length), above 0 for the class; each series has a scale of its own.
        titles: over each series, k.
        size_mm: width and height in print; unless given, 170 mm wide and 36 mm a series. Where they do not fit, the last are
            left out.
        font_pt: size of labels in print.
    """
    lines, weights = np.asarray(series, dtype=np.float64), finite(maps, "attributed series")
    lines = lines[:, None] if lines.ndim == 2 else lines
    if lines.ndim != 3 or weights.shape != (len(lines), lines.shape[2]) or len(titles) != len(lines):
        raise ValueError(f"series {lines.shape}, maps {weights.shape}, {len(titles)} titles; give (k, length) and k")
    count = (
        min(len(lines), max(1, int((size_mm[1] - 1.5 * font_pt) / (_LEAST_SERIES_MM * font_pt))))
        if size_mm
        else len(lines)
    )
    from matplotlib.ticker import MaxNLocator

    with style(font_pt):
        figure = new_figure(size_mm or (170.0, 36.0 * count + 12))
        if not len(lines):
            figure.text(0.5, 0.5, "no series", ha="center", va="center", color=INK)
            finish(figure)
            return figure
        grid = figure.subplots(2 * count, 1, squeeze=False, sharex=True, height_ratios=[2, 1.2] * count).ravel()
        room = (figure.get_size_inches()[0] * 72) * 0.85
        for index in range(count):
            upper, lower = grid[2 * index], grid[2 * index + 1]
            for channel, values in enumerate(lines[index][:_MOST_CHANNELS]):
                chosen = envelope(values)
                upper.plot(
                    chosen, values[chosen], color=PALETTE[channel], linestyle=DASHES[channel], linewidth=stroke(0.8)
                )
            upper.set_title(wrapped(titles[index], room, font_pt, most=1, bold=True)[0])
            _moments(lower, weights[index])
            upper.tick_params(axis="x", length=0)
            upper.yaxis.set_major_locator(MaxNLocator(2))
            upper.margins(x=0.01)
        grid[-1].set_xlabel("step")
        _key(figure)
        finish(figure)
    return figure


def _bars(axes: Axes, weights: NDArray[np.float64], *, single: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    end, both = 1.08 * largest(weights), bool((weights > 0).any() and (weights < 0).any())
    for look, chosen in zip(_LOOKS, (weights > 0, weights < 0), strict=True):
        places = np.flatnonzero(chosen)
        axes.barh(places, weights[places], height=0.7, linewidth=stroke(0.5), **look)
    axes.axvline(0, color=INK, linewidth=stroke(0.6))
    if single and not both:  # a mean of magnitudes
        axes.set_xlim((-end, 0) if (weights < 0).any() else (0, end))
    else:
        axes.set_xlim(-end, end)
        axes.xaxis.set_major_locator(MaxNLocator(2, symmetric=True))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _moments(axes: Axes, weights: NDArray[np.float64]) -> None:
    steps = np.arange(len(weights))
    end = 1.1 * largest(weights)
    for look, side in zip(_LOOKS, (np.clip(weights, 0, None), np.clip(weights, None, 0)), strict=True):
        axes.fill_between(steps, side, where=side != 0, step="mid", linewidth=stroke(0.5), **look)
    axes.axhline(0, color=INK, linewidth=stroke(0.6))
    axes.set_ylim(-end, end)
    axes.set_yticks([0], ["0"])


def _key(figure: Figure) -> None:
    from matplotlib.patches import Patch

    figure.legend(
        handles=[Patch(**look, linewidth=stroke(0.5)) for look in _LOOKS],
        loc="outside lower left",
        ncols=2,
        borderaxespad=0.2,
    )
