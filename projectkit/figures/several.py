"""Curves of one class or of many, as ROC, precision-recall and DET draw them.

Up to four curves have a colour, a dash and a name each; of more than four each is grey, with the mean and the worst in front.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.labels import fitted, legend_room_pt, measured, small_pt
from projectkit.figures.style import DASHES, FAINT, INK, MARKERS, PALETTE, finish, stroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Points = tuple[ArrayLike, ArrayLike]
Array = NDArray[np.float64]

MOST_NAMED = 4
_MOST_DIGITS = 6  # of an area near 1; what is nearer is said as 0.999999
_BEHIND: dict[str, Any] = {"color": FAINT, "alpha": 0.55}


def draw_curves(
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
        after = f": {quantity} {area_text(number)}" if quantity != "equal error" else f": {quantity} {percent(number)}"
        return before + fitted(name, max(4 * size, room - measured(before + after, size)), size) + after

    if len(lines) <= MOST_NAMED:
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
            axes.plot(*line, **_BEHIND, linewidth=stroke(0.7))
    first = "highest, " if worst is max else "lowest, "
    handles = axes.plot(
        *lines[hardest],
        color=PALETTE[1],
        linestyle=DASHES[1],
        linewidth=stroke(1.2),
        label=label(first, hardest, numbers[hardest]),
        zorder=3,
    )
    if mean is not None:
        average = float(np.mean(list(numbers.values())))
        handles = [*axes.plot(*mean, color=PALETTE[0], label=label("", "mean", average), zorder=4), *handles]
    return [
        *handles,
        Line2D([], [], **_BEHIND, linewidth=stroke(0.7), label=f"{len(lines)} classes, each against the rest"),
    ]


def say(figure: Figure, axes: Axes, words: str) -> Figure:
    """The figure finished with words in the place of curves."""
    axes.text(0.5, 0.5, words, ha="center", va="center", color=INK, transform=axes.transAxes)
    finish(figure)
    return figure


def checked(points: Points, kind: str) -> tuple[Array, Array]:
    """Both axes of a curve as numbers, (k,) each.

    Raises:
        ValueError: there are none, not as many of each, or one is no number.
    """
    x, y = (np.asarray(values, dtype=np.float64) for values in points)
    if x.shape != y.shape or x.ndim != 1 or not len(x):
        raise ValueError(f"{kind} curve: {x.shape} against {y.shape} points; give two lists of one length")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"{kind} curve: a rate is NaN or infinite")
    return x, y


def area_text(area: float) -> str:
    """An area with three digits, near 1 with so many that two of what is missing count: 0.943, 0.99972; 1.000 for 1 alone."""
    missing = 1 - area
    if not 0 < missing < 0.001:
        return f"{area:.3f}"
    digits = 1 + int(f"{missing:.1e}".rpartition("-")[2])  # rounded first: 0.9999 lacks a little less than 1e-4
    return f"{min(area, 1 - 10.0**-_MOST_DIGITS):.{min(digits, _MOST_DIGITS)}f}"


def percent(rate: float) -> str:
    """A rate with two digits that count: 0.031%, 6.8%, 13%."""
    return f"{100 * rate:.{max(0, 1 - math.floor(math.log10(100 * rate)))}f}%" if 1e-6 < rate < 0.1 else f"{rate:.0%}"
