"""What a data set looks like: shares of classes, histograms, a sheet of images, a few series."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from projectkit.figures.labels import MM_PER_PT, fitted_names, measured, small_pt
from projectkit.figures.style import DASHES, PALETTE, finish, new_figure, short, stroke, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BINS = 40
_MOST_COLOURS = len(PALETTE)
_HATCHES = ("", "////", "....", "xxxx", "----")  # of the bars' colours in their order, for grey print
_NAMES = 0.3  # of the width at most for the names of classes
_SKEWED = 20  # where the largest value is so many times the median, the axis is logarithmic
_LEGEND_COLUMNS = 4


def class_balance(counts: Mapping[str, Mapping[str, int]], *, width_mm: float = 170, font_pt: float = 9.0) -> Figure:
    """Each class's share of each subset, a bar a subset.

    Args:
        counts: class name -> subset -> samples.
        width_mm: width in print; the height follows from the number of classes.
        font_pt: size of labels in print.
    """
    subsets = list(dict.fromkeys(name for each in counts.values() for name in each))
    totals = {name: max(1, sum(each.get(name, 0) for each in counts.values())) for name in subsets}
    line_mm = font_pt * MM_PER_PT * (2.2 if len(counts) <= 12 else 1.5)
    with style(font_pt):
        figure = new_figure((width_mm, max(35.0, len(counts) * line_mm + 20)))
        axes = figure.subplots()
        thick = 0.8 / max(1, len(subsets))
        places = np.arange(len(counts))
        for index, name in enumerate(subsets):
            shares = [100 * each.get(name, 0) / totals[name] for each in counts.values()]
            offset = (index - (len(subsets) - 1) / 2) * thick
            axes.barh(
                places + offset,
                shares,
                height=0.9 * thick,
                color=PALETTE[index % _MOST_COLOURS],
                hatch=_HATCHES[index % len(_HATCHES)],
                edgecolor="white",
                linewidth=0,
                label=name,
            )
        axes.set_yticks(places, fitted_names(list(counts), _NAMES * width_mm / MM_PER_PT, small_pt(font_pt)))
        axes.set_ylim(len(counts) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("share of the subset's samples (%)")
        figure.legend(loc="outside upper left", ncols=len(subsets), borderaxespad=0.2)
        finish(figure)
    return figure


def histograms(
    panels: Mapping[str, Mapping[str, NDArray[Any]]], *, width_mm: float = 170, font_pt: float = 9.0
) -> Figure:
    """How values are spread, a panel a quantity, a line a class; each line's area is one, so that rare classes can be seen.

    Args:
        panels: quantity -> class -> values, (n,) each; NaN is left out.
        width_mm: width in print; the height follows from the number of panels.
        font_pt: size of labels in print.
    """
    columns = 1 if len(panels) == 1 else 2
    rows = max(1, math.ceil(len(panels) / columns))
    from matplotlib.ticker import EngFormatter, FixedLocator, MaxNLocator, NullLocator

    with style(font_pt):
        figure = new_figure((width_mm, 48.0 * rows + 12))
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        names: list[str] = []
        for axes, (quantity, classes) in zip(grid, panels.items(), strict=False):
            finite = {name: values[np.isfinite(values)] for name, values in classes.items()}
            edges, logarithmic = _edges(np.concatenate([np.zeros(0), *finite.values()]))
            for index, (name, values) in enumerate(finite.items()):
                if len(values):
                    share = np.histogram(values, bins=edges)[0] / len(values)
                    look = {"color": PALETTE[index % _MOST_COLOURS], "linestyle": DASHES[index % _MOST_COLOURS]}
                    axes.stairs(100 * share, edges, label=name, linewidth=stroke(1.2), **look)
            names = names or list(finite)
            if not logarithmic and (edges % 1 == 0.5).all():  # a bin a whole number
                axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
            if logarithmic:
                axes.set_xscale("symlog", linthresh=1)
                axes.xaxis.set_major_locator(FixedLocator(_decades(float(edges[-1]))))
                axes.xaxis.set_minor_locator(NullLocator())
                axes.xaxis.set_major_formatter(EngFormatter(sep=""))
            axes.set_title(short(quantity) if len(panels) > 1 else quantity)
            axes.set_ylabel("share (%)")
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        if len(names) > 1:
            handles = grid[0].get_legend_handles_labels()[0]
            figure.legend(handles=handles, loc="outside upper left", ncols=_LEGEND_COLUMNS, borderaxespad=0.2)
        finish(figure)
    return figure


def image_sheet(images: Mapping[str, NDArray[np.uint8]], *, width_mm: float = 170, font_pt: float = 8.0) -> Figure:
    """A row of images a class.

    Args:
        images: class name -> (count, channels, height, width).
        width_mm: width in print; the height follows from the number of classes.
        font_pt: size of the class names in print.
    """
    first = next(iter(images.values()))
    channels, height, width = first.shape[1:]
    gap = max(1, width // 16)
    columns = max(len(each) for each in images.values())
    sheet = np.full((len(images) * (height + gap), columns * (width + gap), channels), 255, dtype=np.uint8)
    for row, each in enumerate(images.values()):
        for column, image in enumerate(each):
            top, left = row * (height + gap), column * (width + gap)
            sheet[top : top + height, left : left + width] = np.moveaxis(image, 0, -1)
    with style(font_pt):
        names = fitted_names(list(images), _NAMES * width_mm / MM_PER_PT, small_pt(font_pt))
        names_mm = max(measured(name, small_pt(font_pt)) for name in names) * MM_PER_PT + 3
        figure = new_figure((width_mm, (width_mm - names_mm) * sheet.shape[0] / sheet.shape[1] + 3))
        axes = figure.subplots()
        axes.imshow(sheet if channels == 3 else sheet[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="none")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xticks([])
        axes.set_yticks(np.arange(len(images)) * (height + gap) + height / 2, names)
        axes.tick_params(length=0)
        finish(figure)
    return figure


def series(examples: Mapping[str, NDArray[np.float32]], *, width_mm: float = 170, font_pt: float = 9.0) -> Figure:
    """A few series below one another, their first channel.

    Args:
        examples: label -> (length,).
        width_mm: width in print; the height follows from the number of series.
        font_pt: size of labels in print.
    """
    with style(font_pt):
        figure = new_figure((width_mm, 28.0 * max(1, len(examples)) + 5))
        grid = figure.subplots(max(1, len(examples)), 1, squeeze=False, sharex=True).ravel()
        for axes, (name, values) in zip(grid, examples.items(), strict=False):
            axes.plot(values, linewidth=stroke(0.6), color=PALETTE[0])
            axes.set_title(name)
            axes.margins(x=0.01)
        finish(figure)
    return figure


def _decades(high: float) -> list[float]:
    """0 and at most five powers of ten below `high`."""
    powers = range(math.floor(math.log10(max(high, 1))) + 1)
    return [0.0, *(10.0**power for power in powers[:: math.ceil(len(powers) / 5)])]


def _edges(values: NDArray[Any]) -> tuple[NDArray[np.float64], bool]:
    """Bin edges that suit all classes of a panel, and whether the axis is to be logarithmic."""
    if not len(values):
        return np.linspace(0, 1, 2), False
    low, high = float(values.min()), float(values.max())
    whole = bool((values == np.round(values)).all())
    if low >= 0 and high > _SKEWED * max(1.0, float(np.median(values))):
        inner = np.geomspace(1, high, _BINS)
        edges = np.concatenate([[0.0], inner]) if whole else np.concatenate([np.linspace(0, 1, 5)[:-1], inner])
        edges[-1] = high * (1 + 1e-9)
        return edges, True
    if whole and high - low < _BINS:
        return np.arange(low - 0.5, high + 1), False
    if low == high:
        return np.array([low - 0.5, high + 0.5]), False
    return np.linspace(low, high, _BINS + 1), False
