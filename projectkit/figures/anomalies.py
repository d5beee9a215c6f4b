"""Anomaly scores: how those of normal and anomalous samples are spread, and how they went over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.labels import MM_PER_PT, legend, measured, power_ticks
from projectkit.figures.points import envelope
from projectkit.figures.style import INK, PALETTE, finish, new_figure, stroke, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDE = 1e3  # where the edges span more than this, the axis is logarithmic


def score_histogram(
    normal: tuple[ArrayLike, ArrayLike],
    anomalous: tuple[ArrayLike, ArrayLike],
    threshold: float | None = None,
    *,
    size_mm: tuple[float, float] = (120, 75),
    font_pt: float = 9.0,
) -> Figure:
    """How anomaly scores are spread, each kind as shares of its own samples.

    Args:
        normal: (counts, edges) of the normal samples' scores, (bins,) and (bins + 1,), as `numpy.histogram` gives them.
        anomalous: the same of the anomalous samples.
        threshold: the score from which on an alarm is raised.
        size_mm: width and height in print.
        font_pt: size of labels in print.
    """
    kinds = {"normal": _histogram(*normal), "anomalous": _histogram(*anomalous)}
    with style(font_pt):
        from matplotlib.lines import Line2D

        figure = new_figure(size_mm)
        axes = figure.subplots()
        axes.set(xlabel="anomaly score", ylabel="samples (%)")
        handles: list[Any] = []
        looks: tuple[dict[str, Any], ...] = (
            {"color": PALETTE[0], "linestyle": "-", "facecolor": "#D5E6F3"},
            {"color": PALETTE[1], "linestyle": (0, (4, 1.6)), "facecolor": "none", "hatch": "////"},
        )
        ends = []
        for (words, (counts, edges)), look in zip(kinds.items(), looks, strict=True):
            total = float(counts.sum())
            if not total:
                continue
            face = {name: look[name] for name in ("facecolor", "hatch") if name in look}
            axes.stairs(
                100 * counts / total,
                edges,
                fill=True,
                linewidth=0,
                edgecolor=look["color"],
                alpha=0.6,
                zorder=2,
                **face,
            )
            outline = {"color": look["color"], "linestyle": look["linestyle"]}
            axes.stairs(100 * counts / total, edges, linewidth=stroke(1.3), zorder=3, **outline)
            handles.append(Line2D([], [], **outline, label=f"{words}: {int(total):,} samples"))
            ends.append(edges)
        if not handles:
            axes.set(xticks=[], yticks=[])
            axes.text(0.5, 0.5, "no samples", ha="center", va="center", color=INK, transform=axes.transAxes)
            finish(figure)
            return figure
        everything = np.concatenate(ends)
        if everything.min() > 0 and everything.max() > _WIDE * everything.min():
            axes.set_xscale("log")
            power_ticks(axes)
        if threshold is not None:
            handles.append(
                axes.axvline(
                    threshold, color=INK, linestyle=(0, (1, 1.2)), label=f"threshold: {threshold:.3g}", zorder=4
                )
            )
        axes.set_ylim(bottom=0)
        legend(axes, handles, corners=["upper right", "upper left"], font_pt=font_pt)
        finish(figure)
    return figure


def timeline(
    time: ArrayLike,
    score: ArrayLike,
    events: Sequence[tuple[Any, Any]],
    threshold: float | None = None,
    *,
    alarms: tuple[int, ArrayLike] | None = None,
    size_mm: tuple[float, float] = (170, 65),
    font_pt: float = 9.0,
) -> Figure:
    """Anomaly scores over time, with the events that were to be found and the alarms that were raised.

    Args:
        time: (n,), numbers, `numpy.datetime64` or ISO texts, ascending.
        score: (n,), higher is more anomalous; all are drawn as the highest and lowest of each stretch where there are many.
        events: (begin, end) of each, in the unit of `time`, hatched.
        threshold: the score from which on an alarm is raised; alarms stand as ticks above the scores.
        alarms: how many there were, and moments of them, where `score` has not every sample; else they are found in it.
        size_mm: width and height in print.
        font_pt: size of labels in print.
    """
    moments, values = _moments(time), np.asarray(score, dtype=np.float64)
    if moments.shape != values.shape or values.ndim != 1:
        raise ValueError(f"{moments.shape} times but {values.shape} scores")
    if np.isnan(values).any():
        raise ValueError("timeline: a score is NaN")
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        axes.set(xlabel="time", ylabel="anomaly score")
        if not len(values):
            axes.set(xticks=[], yticks=[])
            axes.text(0.5, 0.5, "no samples", ha="center", va="center", color=INK, transform=axes.transAxes)
            finish(figure)
            return figure
        handles: list[Any] = []
        for index, event in enumerate(events):
            band = axes.axvspan(
                *_moments(event),
                facecolor="#FBE3D2",
                edgecolor=PALETTE[1],
                hatch="////",
                linewidth=stroke(0.6),
                zorder=1,
                label="event",
            )
            handles += [band] if index == 0 else []
        chosen = envelope(values)
        handles += axes.plot(
            moments[chosen],
            values[chosen],
            color=PALETTE[0],
            linewidth=stroke(0.8),
            marker="o" if len(values) <= 30 else "",
            label="score",
            zorder=3,
        )
        low, high = float(values.min()), float(values.max())
        if threshold is not None:
            low, high = min(low, threshold), max(high, threshold)
            handles.append(
                axes.axhline(
                    threshold, color=INK, linestyle=(0, (4, 2)), linewidth=stroke(0.8), label="threshold", zorder=4
                )
            )
        reach = (high - low) or 1.0
        axes.set_ylim(low - 0.06 * reach, high + 0.16 * reach)
        if alarms is None:
            raised = moments[values >= threshold] if threshold is not None else moments[:0]
            alarms = len(raised), raised
        if alarms[0]:
            places = _moments(alarms[1])
            handles += axes.plot(
                places,
                np.full(len(places), high + 0.1 * reach),
                linestyle="",
                marker="v",
                markersize=0.35 * font_pt,
                color=INK,
                label=f"alarms: {alarms[0]:,}",
                zorder=4,
            )
        axes.margins(x=0.01)
        _time_ticks(axes, moments)
        if measured("anomaly score", font_pt) > 0.45 * size_mm[1] / MM_PER_PT:
            axes.set_ylabel("score")
        legend(axes, handles, font_pt=font_pt)
        finish(figure)
    return figure


def _histogram(counts: ArrayLike, edges: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    heights, places = np.asarray(counts, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    if heights.ndim != 1 or len(places) != len(heights) + 1:
        raise ValueError(f"{len(heights)} counts need {len(heights) + 1} edges, not {len(places)}")
    if not np.isfinite(places).all():
        raise ValueError("score histogram: an edge is NaN or infinite")
    return heights, places


def _moments(time: ArrayLike) -> NDArray[Any]:
    moments = np.asarray(time)
    return moments.astype("datetime64[us]") if moments.dtype.kind == "U" else moments


def _time_ticks(axes: Any, moments: NDArray[Any]) -> None:
    from matplotlib import dates
    from matplotlib.ticker import MaxNLocator

    if np.issubdtype(moments.dtype, np.datetime64):
        locator = dates.AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call] # matplotlib's dates have no types
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
