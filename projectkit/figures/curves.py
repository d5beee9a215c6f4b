"""How metrics went while runs were trained: one panel a metric, one colour a run, dashed while training and solid on validation data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from projectkit.figures.labels import fitted_names, legend, legend_columns, legend_room_pt, small_pt
from projectkit.figures.style import INK, MARKERS, PALETTE, finish, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Curve = tuple[Sequence[float], Sequence[float]]
Line = Curve | tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]]  # with the ends of a band

_NAMES = {"f1_macro": "macro F1", "mcc": "MCC", "auroc": "AUROC", "ece": "calibration error"}
_SUBSETS = {"train": "training", "val": "validation"}
_MOST_COLUMNS = 3
_MARKS = 6  # of each run's curve: told apart by their shape in grey print
_FEW_POINTS = 12  # so few that each is marked
_DASHES: dict[str, Any] = {"train": (0, (3, 1.5)), "val": "-"}
_FEW_RUNS = 4  # more are named in two columns, or their names would take the room of their curves


def learning_curves(
    curves: Mapping[str, Mapping[str, Line]],
    *,
    metrics: Sequence[str] | None = None,
    size_mm: tuple[float, float] = (170, 75),
    font_pt: float = 9.0,
) -> Figure:
    """Metrics over the steps of training.

    Args:
        curves: run label -> metric as it was logged (`val/loss`) -> (steps, values), or `averaged` of several seeds; a run may
            lack a metric.
        metrics: which metrics, in which order; default all of them. `train/loss` and `val/loss` share a panel.
        size_mm: width and height in print.
        font_pt: size of labels in print.
    """
    wanted = (
        list(metrics) if metrics is not None else list(dict.fromkeys(name for run in curves.values() for name in run))
    )
    panels = list(dict.fromkeys(_quantity(name) for name in wanted))
    columns = max(1, min(_MOST_COLUMNS, len(panels)))
    with style(font_pt):
        figure = new_figure(size_mm)
        grid = figure.subplots(max(1, math.ceil(len(panels) / columns)), columns, squeeze=False).ravel()
        for axes, quantity in zip(grid, panels, strict=False):
            names = [name for name in wanted if _quantity(name) == quantity]
            _panel(axes, curves, names, several=len(curves) > 1)
            axes.set_title(_NAMES.get(quantity, quantity.replace("_", " ")))
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        for axes in grid[max(0, len(panels) - columns) : len(panels)]:
            axes.set_xlabel("optimiser step")
        side_by_side = 1 if len(curves) <= _FEW_RUNS else 2
        room_pt = legend_room_pt(size_mm[0], side_by_side, font_pt)
        handles = _legend(fitted_names(list(curves), room_pt, small_pt(font_pt)), wanted)
        if handles and len(panels) == 1:
            legend(grid[0], handles, corners=["upper right", "lower right", "lower left"], font_pt=font_pt)
        elif handles:
            ncols = legend_columns(figure, handles, font_pt)
            figure.legend(handles=handles, loc="outside upper left", ncols=ncols, borderaxespad=0.2)
        finish(figure)
    return figure


def averaged(curves: Sequence[Curve]) -> Line:
    """The mean of several runs' curves with their lowest and highest values; of one run its curve.

    Args:
        curves: (steps, values) of each. Where fewer than half of them have a value, as after early stops, there is no mean: it would
            be that of the survivors.

    Returns:
        (steps, mean, lowest, highest).
    """
    if len(curves) == 1:
        return curves[0]
    values: dict[float, list[float]] = {}
    for steps, points in curves:
        for step, value in zip(steps, points, strict=True):
            if math.isfinite(value):
                values.setdefault(step, []).append(value)
    known = sorted(step for step, found in values.items() if 2 * len(found) >= len(curves))
    means = [sum(values[step]) / len(values[step]) for step in known]
    return known, means, [min(values[step]) for step in known], [max(values[step]) for step in known]


def _panel(axes: Axes, curves: Mapping[str, Mapping[str, Line]], names: Sequence[str], *, several: bool) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    for index, run in enumerate(curves.values()):
        for name in names:
            if name not in run:
                continue
            steps, values, *band = run[name]
            shown = [value if math.isfinite(value) else math.nan for value in values]  # a gap where a run diverged
            training = name.startswith("train/")
            colour = PALETTE[index % len(PALETTE)] if several else PALETTE[1 if training else 0]
            if band:
                axes.fill_between(steps, band[0], band[1], color=colour, alpha=0.18, linewidth=0, zorder=1)
            axes.plot(
                steps,
                shown,
                color=colour,
                linestyle=_DASHES["train" if training else "val"],
                alpha=0.75 if training else 1.0,
                marker=_marker(index) if several or len(shown) <= _FEW_POINTS else "",
                markevery=_marked(len(shown), index),
                zorder=2 if training else 3,
            )
    if not any(math.isfinite(value) for line in axes.lines for value in np.asarray(line.get_ydata(), dtype=float)):
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no finite value", ha="center", va="center", transform=axes.transAxes, color=INK)
        return
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 20k, as 20000 would run into its neighbour
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.margins(x=0.02, y=0.06)


def _marker(run: int) -> str:
    """Where colours come back, markers are others."""
    return MARKERS[(run + run // len(PALETTE)) % len(MARKERS)]


def _marked(points: int, run: int) -> tuple[int, int] | None:
    """Which points are marked, (first, step): all of a few, else about six, each run's at places of its own."""
    if points <= _FEW_POINTS:
        return None
    step = points // _MARKS
    return run * step // 3 % step, step


def _legend(labels: Sequence[str], names: Sequence[str]) -> list[Line2D]:
    from matplotlib.lines import Line2D

    subsets = list(dict.fromkeys(name.partition("/")[0] for name in names if name.partition("/")[0] in _SUBSETS))
    if len(labels) > 1:
        runs = [
            Line2D([], [], color=PALETTE[index % len(PALETTE)], marker=_marker(index), label=label)
            for index, label in enumerate(labels)
        ]
        kinds = [Line2D([], [], color=INK, linestyle=_DASHES[name], label=_SUBSETS[name]) for name in subsets]
        return [*runs, *kinds] if len(kinds) > 1 else runs
    colours = {"train": PALETTE[1], "val": PALETTE[0]}
    return [Line2D([], [], color=colours[name], linestyle=_DASHES[name], label=_SUBSETS[name]) for name in subsets]


def _quantity(name: str) -> str:
    """`loss` of `val/loss`."""
    return name.partition("/")[2] or name
