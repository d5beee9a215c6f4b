"""What is missed against false alarms, from the points that `metrics` gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from projectkit.figures.labels import legend
from projectkit.figures.several import Array, Points, checked, draw_curves, say
from projectkit.figures.style import finish, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_TICKS = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
_FINE_TICKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
_LEAST_TICKS = 4
_TICK_MM = 9.0  # of the figure: what a tick with its number takes
_RANGE = 0.25  # the axis goes down to this share of where it ends, at least
_LEAST, _MOST = 1e-5, 0.6  # beyond these a detector is of no use, or nothing was counted


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
    lines = {name: checked(points, "DET") for name, points in curves.items()}
    equal = {name: _equal_error(*line) for name, line in lines.items()}
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        axes.set(xlabel="false alarms (%)", ylabel="missed (%)", aspect="equal")
        if not lines:
            return say(figure, axes, "only one class among the samples:\nno DET curve")
        inside = {name: _seen(*line) for name, line in lines.items()}
        high = min(0.999, max(_MOST, 1.5 * max(equal.values())))
        low = 0.8 * max(_LEAST, min([_RANGE * high, *(_lowest(*line, high) for line in lines.values())]))
        ends = _deviate(np.array([low, high]))
        handles = draw_curves(
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
        _percent_ticks(axes, low, high, most=int(min(size_mm) / (_TICK_MM * font_pt / 9)))
        legend(axes, handles, corners=["upper right", "lower left"], font_pt=font_pt)
        finish(figure)
    return figure


def _equal_error(fpr: Array, fnr: Array) -> float:
    """The rate at which both errors are equal, between the two points around it."""
    gap = fpr - fnr
    order = np.argsort(gap, kind="stable")
    return float(np.interp(0.0, gap[order], ((fpr + fnr) / 2)[order]))


def _lowest(fpr: Array, fnr: Array, high: float) -> float:
    """The lowest rate above 0 on the part of the curve where both rates are at most `high`."""
    shown = np.concatenate([fpr, fnr])[np.tile((fpr <= high) & (fnr <= high), 2)]
    return float(shown[shown > 0].min(initial=high))


def _seen(fpr: Array, fnr: Array) -> tuple[Array, Array]:
    """Rates within what a normal deviate can show: a rate of 0 lies infinitely far out."""
    least = _LEAST / 10
    return np.clip(fpr, least, 1 - least), np.clip(fnr, least, 1 - least)


def _xy(line: Line2D) -> Array:
    return np.asarray(line.get_xydata(), dtype=np.float64)


def _deviate(rates: Array) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri(rates), dtype=np.float64)


def _percent_ticks(axes: Axes, low: float, high: float, *, most: int) -> None:
    ticks = [rate for rate in _TICKS if low <= rate <= high]
    if len(ticks) < _LEAST_TICKS:
        ticks = [rate for rate in _FINE_TICKS if low <= rate <= high]
    if len(ticks) > most:
        ticks = ticks[::2]
    places, words = _deviate(np.array(ticks)), [f"{100 * rate:g}" for rate in ticks]
    axes.set_xticks(places, words)
    axes.set_yticks(places, words)
