"""What a threshold trades for what: ROC, precision against recall, and DET, from the points that `metrics` gives.

Up to four curves have a colour, a dash and a name each; of more than four each is grey, with the mean and the worst in front.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.labels import fitted, legend, legend_room_pt, measured, small_pt
from projectkit.figures.style import DASHES, FAINT, INK, MARKERS, PALETTE, finish, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Points = tuple[ArrayLike, ArrayLike]
Array = NDArray[np.float64]

_MOST_NAMED = 4
_MEAN_POINTS = 1001  # places at which several curves are averaged
_BEHIND: dict[str, Any] = {"color": FAINT, "alpha": 0.55, "linewidth": 0.7}
_DET_TICKS = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
_DET_LEAST, _DET_MOST = 1e-5, 0.6  # beyond these a detector is of no use, or nothing was counted


def roc(
    curves: Mapping[str, Points],
    *,
    areas: Mapping[str, float] | None = None,
    size_mm: tuple[float, float] = (95, 95),
    font_pt: float = 9.0,
) -> Figure:
    """True against false alarms at every threshold, with the area under each curve.

    Args:
        curves: class name -> (false positive rates, true positive rates), (k,) each, ascending, as `metrics.roc_curve` gives them.
        areas: class name -> area; unless given, the area under the points.
        size_mm: width and height in print.
        font_pt: size of labels in print.
    """
    lines = {name: _checked(points, "ROC") for name, points in curves.items()}
    shown = {name: (areas or {}).get(name, float(np.trapezoid(y, x))) for name, (x, y) in lines.items()}
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        _unit_square(axes, "false positive rate", "true positive rate")
        if not lines:
            return _empty(figure, axes, "only one class among the samples:\nno ROC curve")
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
        rates = np.linspace(0, 1, _MEAN_POINTS)
        mean = np.mean([np.interp(rates, *line) for line in lines.values()], axis=0)
        handles = _draw(
            axes,
            lines,
            shown,
            "AUC",
            mean=(np.append(0.0, rates), np.append(0.0, mean)),
            worst=min,
            font_pt=font_pt,
        )
        legend(axes, handles, corners=["lower right"], font_pt=font_pt)
        finish(figure)
    return figure


def precision_recall(
    curves: Mapping[str, Points],
    prevalence: Mapping[str, float],
    *,
    areas: Mapping[str, float] | None = None,
    size_mm: tuple[float, float] = (95, 95),
    font_pt: float = 9.0,
) -> Figure:
    """Precision against recall at every threshold, with the average precision of each curve.

    Args:
        curves: class name -> (recall, precision), (k,) each, as `metrics.precision_recall_curve` gives them.
        prevalence: class name -> share of the class among the samples: the precision of a guess, drawn dotted.
        areas: class name -> average precision; unless given, the area of the steps under the points.
        size_mm: width and height in print.
        font_pt: size of labels in print.
    """
    lines = {name: _ascending(_checked(points, "precision-recall")) for name, points in curves.items()}
    shown = {
        name: (areas or {}).get(name, float(np.sum(np.diff(x, prepend=0.0) * y))) for name, (x, y) in lines.items()
    }
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        _unit_square(axes, "recall", "precision")
        if not lines:
            return _empty(figure, axes, "only one class among the samples:\nno precision-recall curve")
        guesses = sorted({round(float(prevalence[name]), 3) for name in lines if name in prevalence})
        for guess in guesses if len(lines) <= _MOST_NAMED else []:
            axes.plot([0, 1], [guess, guess], color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
        recalls = np.linspace(0, 1, _MEAN_POINTS)
        mean = np.mean([_precision_at(recalls, *line) for line in lines.values()], axis=0)
        handles = _draw(axes, lines, shown, "AP", mean=(recalls, mean), worst=min, font_pt=font_pt)
        if guesses and len(lines) <= _MOST_NAMED:
            from matplotlib.lines import Line2D

            share = f"{guesses[0]:.3g}" if len(guesses) == 1 else f"{guesses[0]:.3g} to {guesses[-1]:.3g}"
            label = f"a guess: {share}"
            handles = [*handles, Line2D([], [], color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)), label=label)]
        legend(axes, handles, corners=["lower left", "lower right", "upper right"], font_pt=font_pt)
        finish(figure)
    return figure


def det(
    curves: Mapping[str, Points],
    *,
    size_mm: tuple[float, float] = (95, 95),
    font_pt: float = 9.0,
) -> Figure:
    """What is missed against false alarms, both as normal deviates, so that two normal score distributions make a straight line.

    Args:
        curves: class name -> (false positive rates, false negative rates), (k,) each, as `metrics.det_curve` gives them.
        size_mm: width and height in print.
        font_pt: size of labels in print.

    Source: Martin et al. 1997, "The DET curve in assessment of detection task performance".
    """
    lines = {name: _checked(points, "DET") for name, points in curves.items()}
    equal = {name: _equal_error(*line) for name, line in lines.items()}
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        axes.set(xlabel="false alarms (%)", ylabel="missed (%)", aspect="equal")
        if not lines:
            return _empty(figure, axes, "only one class among the samples:\nno DET curve")
        inside = {name: _seen(*line) for name, line in lines.items()}
        low = min(float(values[values > 0].min()) for line in lines.values() for values in line if (values > 0).any())
        low = max(_DET_LEAST, min(low, 0.04))
        high = min(0.999, max(_DET_MOST, 1.5 * max(equal.values())))
        ends = _deviate(np.array([low * 0.8, high]))
        handles = _draw(
            axes,
            {name: (_deviate(x), _deviate(y)) for name, (x, y) in inside.items()},
            equal,
            "equal error",
            mean=None,
            worst=max,
            font_pt=font_pt,
        )
        axes.set(xlim=ends, ylim=ends)
        if not any(((line > ends[0]) & (line < ends[1])).all(axis=1).any() for line in map(_xy, axes.lines)):
            axes.text(
                0.5, 0.5, "nothing missed\nwithout a false alarm", ha="center", va="center", transform=axes.transAxes
            )
        _percent_ticks(axes, low * 0.8, high)
        legend(axes, handles, corners=["upper right", "lower left"], font_pt=font_pt)
        finish(figure)
    return figure


def _draw(
    axes: Axes,
    lines: Mapping[str, tuple[Array, Array]],
    numbers: Mapping[str, float],
    quantity: str,
    *,
    mean: tuple[Array, Array] | None,
    worst: Callable[..., Any],
    font_pt: float,
) -> list[Line2D]:
    """The curves, and the handles of their legend with the number of each."""
    from matplotlib.lines import Line2D

    figure = axes.get_figure(root=True)
    assert figure is not None
    size, room = small_pt(font_pt), legend_room_pt(figure.get_size_inches()[0] * 25.4, 1, font_pt)

    def label(before: str, name: str, number: float) -> str:
        after = f": {quantity} {number:.3f}" if quantity != "equal error" else f": {quantity} {_percent(number)}"
        return before + fitted(name, max(4 * size, room - measured(before + after, size)), size) + after

    if len(lines) <= _MOST_NAMED:
        return [
            axes.plot(
                *line,
                color=PALETTE[index],
                linestyle=DASHES[index],
                marker=MARKERS[index] if len(line[0]) == 1 else "",
                label=label("", name, numbers[name]),
                zorder=4,
            )[0]
            for index, (name, line) in enumerate(lines.items())
        ]
    hardest = worst(numbers, key=numbers.__getitem__)
    for name, line in lines.items():
        if name != hardest:
            axes.plot(*line, **_BEHIND)
    first = "highest, " if worst is max else "lowest, "
    handles = axes.plot(
        *lines[hardest],
        color=PALETTE[1],
        linestyle=DASHES[1],
        linewidth=1.2,
        label=label(first, hardest, numbers[hardest]),
        zorder=3,
    )
    if mean is not None:
        average = float(np.mean(list(numbers.values())))
        handles = [*axes.plot(*mean, color=PALETTE[0], label=label("", "mean", average), zorder=4), *handles]
    return [*handles, Line2D([], [], **_BEHIND, label=f"{len(lines)} classes, each against the rest")]


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])


def _empty(figure: Figure, axes: Axes, words: str) -> Figure:
    axes.text(0.5, 0.5, words, ha="center", va="center", color=INK, transform=axes.transAxes)
    finish(figure)
    return figure


def _checked(points: Points, kind: str) -> tuple[Array, Array]:
    x, y = (np.asarray(values, dtype=np.float64) for values in points)
    if x.shape != y.shape or x.ndim != 1 or not len(x):
        raise ValueError(f"{kind} curve: {x.shape} against {y.shape} points; give two lists of one length")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"{kind} curve: a rate is NaN or infinite")
    return x, y


def _ascending(points: tuple[Array, Array]) -> tuple[Array, Array]:
    x, y = points
    return (x[::-1], y[::-1]) if x[0] > x[-1] else (x, y)


def _precision_at(recalls: Array, recall: Array, precision: Array) -> Array:
    """The precision of the first point that reaches each recall: between points a curve of precision is no straight line."""
    return precision[np.minimum(np.searchsorted(recall, recalls), len(recall) - 1)]


def _equal_error(fpr: Array, fnr: Array) -> float:
    """The rate at which both errors are equal, between the two points around it."""
    gap = fpr - fnr
    order = np.argsort(gap, kind="stable")
    return float(np.interp(0.0, gap[order], ((fpr + fnr) / 2)[order]))


def _seen(fpr: Array, fnr: Array) -> tuple[Array, Array]:
    """Rates within what a normal deviate can show: a rate of 0 lies infinitely far out."""
    least = _DET_LEAST / 10
    return np.clip(fpr, least, 1 - least), np.clip(fnr, least, 1 - least)


def _xy(line: Line2D) -> Array:
    return np.asarray(line.get_xydata(), dtype=np.float64)


def _deviate(rates: Array) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri(rates), dtype=np.float64)


def _percent(rate: float) -> str:
    return f"{100 * rate:.{max(0, 1 - math.floor(math.log10(100 * rate)))}f}%" if 1e-6 < rate < 0.1 else f"{rate:.0%}"


def _percent_ticks(axes: Axes, low: float, high: float) -> None:
    ticks: Sequence[float] = [rate for rate in _DET_TICKS if low <= rate <= high]
    places, words = _deviate(np.array(ticks)), [f"{100 * rate:g}" for rate in ticks]
    axes.set_xticks(places, words)
    axes.set_yticks(places, words)
