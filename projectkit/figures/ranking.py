"""What a threshold trades for what: ROC, and precision against recall, from the points that `metrics` gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from projectkit.figures.labels import legend
from projectkit.figures.several import MOST_NAMED, Array, Points, checked, draw_curves, say
from projectkit.figures.style import FAINT, finish, new_figure, stroke, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MEAN_POINTS = 1001  # places at which several curves are averaged


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
    lines = {name: checked(points, "ROC") for name, points in curves.items()}
    shown = {name: (areas or {}).get(name, float(np.trapezoid(y, x))) for name, (x, y) in lines.items()}
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        _unit_square(axes, "false positive rate", "true positive rate")
        if not lines:
            return say(figure, axes, "only one class among the samples:\nno ROC curve")
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=stroke(0.8), linestyle=(0, (2, 2)))
        rates = np.linspace(0, 1, _MEAN_POINTS)
        mean = np.mean([np.interp(rates, *line) for line in lines.values()], axis=0)
        handles = draw_curves(
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
    lines = {name: _ascending(checked(points, "precision-recall")) for name, points in curves.items()}
    shown = {
        name: (areas or {}).get(name, float(np.sum(np.diff(x, prepend=0.0) * y))) for name, (x, y) in lines.items()
    }
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        _unit_square(axes, "recall", "precision")
        if not lines:
            return say(figure, axes, "only one class among the samples:\nno precision-recall curve")
        guesses = sorted({round(float(prevalence[name]), 3) for name in lines if name in prevalence})
        for guess in guesses if len(lines) <= MOST_NAMED else []:
            axes.plot([0, 1], [guess, guess], color=FAINT, linewidth=stroke(0.8), linestyle=(0, (2, 2)))
        recalls = np.linspace(0, 1, _MEAN_POINTS)
        mean = np.mean([_precision_at(recalls, *line) for line in lines.values()], axis=0)
        handles = draw_curves(axes, lines, shown, "AP", mean=(recalls, mean), worst=min, font_pt=font_pt)
        if guesses and len(lines) <= MOST_NAMED:
            from matplotlib.lines import Line2D

            share = f"{guesses[0]:.3g}" if len(guesses) == 1 else f"{guesses[0]:.3g} to {guesses[-1]:.3g}"
            label = f"a guess: {share}"
            handles = [*handles, Line2D([], [], color=FAINT, linewidth=stroke(0.8), linestyle=(0, (2, 2)), label=label)]
        legend(axes, handles, corners=["lower left", "lower right", "upper right"], font_pt=font_pt)
        finish(figure)
    return figure


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])


def _ascending(points: tuple[Array, Array]) -> tuple[Array, Array]:
    x, y = points
    return (x[::-1], y[::-1]) if x[0] > x[-1] else (x, y)


def _precision_at(recalls: Array, recall: Array, precision: Array) -> Array:
    """The precision of the first point that reaches each recall: between points a curve of precision is no straight line."""
    return precision[np.minimum(np.searchsorted(recall, recalls), len(recall) - 1)]
