"""A learning-rate range test: the loss while the rate grows with every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.labels import legend, power_ticks
from projectkit.figures.style import FAINT, INK, PALETTE, finish, new_figure, stroke, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDEST = 5.0  # steps: the bell of the mean that is drawn through the losses
_HEADROOM = 0.6  # of the fall, above the first loss: beyond it a diverging loss would flatten what matters


def lr_range(
    rates: ArrayLike,
    losses: ArrayLike,
    suggested: float | None = None,
    fastest: float | None = None,
    *,
    size_mm: tuple[float, float] = (120, 75),
    font_pt: float = 9.0,
) -> Figure:
    """The loss over learning rates, each step's as a dot and the mean of neighbours as a line.

    Args:
        rates: learning rates, (steps,), ascending, above 0.
        losses: one a rate; not a number from where the model diverged.
        suggested: the rate to begin with, marked.
        fastest: the rate at which the loss falls fastest, marked.
        size_mm: width and height in print.
        font_pt: size of labels in print.

    Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3.
    """
    x, y = np.asarray(rates, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"{x.shape} learning rates but {y.shape} losses")
    if not (np.isfinite(x).all() and (x > 0).all()):
        raise ValueError("a learning rate is not above 0")
    known = np.isfinite(y)
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        axes.set(xlabel="learning rate", ylabel="training loss", xscale="log")
        if not known.any():
            axes.set(xticks=[], yticks=[])
            axes.minorticks_off()
            axes.text(0.5, 0.5, "no finite loss", ha="center", va="center", color=INK, transform=axes.transAxes)
            finish(figure)
            return figure
        top = _top(y[known])
        mean = _smooth(
            np.minimum(y[known], 2 * top - float(y[known].min()))
        )  # so that it leaves the axes where it diverges
        axes.plot(x[known], y[known], linestyle="", marker="o", markersize=stroke(2), color=FAINT, zorder=2)
        handles = [axes.plot(x[known], mean, color=PALETTE[0], label="mean of neighbours", zorder=3)[0]]
        low = float(min(mean.min(), y[known].min()))
        axes.set_ylim(low - 0.08 * (top - low), top)
        marks = (
            ("falls fastest", fastest, PALETTE[1], (0, (4, 1.6)), "s"),
            ("suggested", suggested, PALETTE[2], "-", "v"),
        )
        for words, rate, colour, dash, marker in marks:
            if rate is not None:
                axes.axvline(rate, color=colour, linestyle=dash, linewidth=stroke(1.0), zorder=1)
                height = float(np.interp(np.log(rate), np.log(x[known]), mean))
                handles += axes.plot(
                    [rate],
                    [height],
                    color=colour,
                    linestyle=dash,
                    marker=marker,
                    markersize=0.6 * font_pt,
                    linewidth=stroke(1.0),
                    zorder=4,
                    label=f"{words}: {rate:.2g}",
                )
        power_ticks(axes)
        legend(axes, handles, font_pt=font_pt)
        finish(figure)
    return figure


def _top(losses: NDArray[np.float64]) -> float:
    """Where the axis ends: what lies above says only that the model diverged."""
    first, low, high = float(np.median(losses[:5])), float(losses.min()), float(losses.max())
    room = max(first - low, 0.1 * abs(first), 1e-6)
    return min(first + _HEADROOM * room, high + 0.1 * room)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A mean over neighbouring steps, weighted by a bell around each: it does not lag behind the losses."""
    width = min(_WIDEST, max(1.0, len(values) / 40))
    distance = np.arange(len(values))[:, None] - np.arange(len(values))
    weights = np.exp(-0.5 * (distance / width) ** 2)
    return np.asarray(weights @ values / weights.sum(axis=1), dtype=np.float64)
