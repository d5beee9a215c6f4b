"""True against false alarms at every threshold: one curve for two classes; for more, the mean over the classes and each of them behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.style import FAINT, INK, PALETTE, finish, new_figure, short, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]

_MEAN_POINTS = 1001  # false positive rates at which the curves of several classes are averaged


def roc(
    target: ArrayLike,
    score: ArrayLike,
    class_names: Sequence[str],
    *,
    size_mm: tuple[float, float] = (95, 95),
    font_pt: float = 9.0,
) -> Figure:
    """ROC curves with the area under them.

    Args:
        target: true class indices, (n,).
        score: probabilities, (n, classes).
        class_names: in the order of the columns; of two classes, the second is the one to be found.
        size_mm: width and height in print.
        font_pt: size of labels in print.
    """
    labels, scores = np.asarray(target), np.asarray(score)
    classes = [1] if len(class_names) == 2 else range(len(class_names))
    curves = {
        class_names[index]: _curve(labels == index, scores[:, index])
        for index in classes
        if 0 < np.count_nonzero(labels == index) < len(labels)
    }
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
        if len(curves) == 1:
            ((name, curve),) = curves.items()
            axes.plot(*curve, color=PALETTE[0], label=f"{short(name)}: AUC {_area(curve):.3f}")
        elif curves:
            _several(axes, curves)
        else:
            axes.text(0.5, 0.55, "only one class among the samples:\nno ROC curve", ha="center", color=INK)
        axes.set(
            xlabel="false positive rate",
            ylabel="true positive rate",
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            aspect="equal",
        )
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        if curves:
            axes.legend(loc="lower right")
        finish(figure)
    return figure


def _several(axes: Axes, curves: dict[str, Curve]) -> None:
    """Each class in grey, the hardest named, the mean in front."""
    areas = {name: _area(curve) for name, curve in curves.items()}
    hardest = min(areas, key=areas.__getitem__)
    for name, curve in curves.items():
        if name != hardest:
            axes.plot(*curve, color=FAINT, alpha=0.45, linewidth=0.7)
    rates = np.linspace(0, 1, _MEAN_POINTS)
    mean = np.mean([np.interp(rates, *curve) for curve in curves.values()], axis=0)
    axes.plot(
        np.append(0.0, rates),
        np.append(0.0, mean),
        color=PALETTE[0],
        label=f"mean: AUC {np.mean(list(areas.values())):.3f}",
        zorder=4,
    )
    axes.plot(
        *curves[hardest],
        color=PALETTE[1],
        linewidth=1.0,
        label=f"lowest, {short(hardest)}: AUC {areas[hardest]:.3f}",
        zorder=3,
    )
    axes.plot([], [], color=FAINT, linewidth=0.7, label=f"{len(curves)} classes against the rest")


def _curve(positive: NDArray[np.bool_], score: NDArray[Any]) -> Curve:
    """The corners of the curve, as `metrics.roc_curve` gives them (this room draws and cannot ask that one; a test compares)."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.append(0, np.cumsum(positive[order])[ends])
    alarms = np.append(0, 1 + ends) - hits
    corner = np.ones(len(hits), dtype=bool)
    corner[1:-1] = (np.diff(hits, 2) != 0) | (np.diff(alarms, 2) != 0)
    return alarms[corner] / alarms[-1], hits[corner] / hits[-1]


def _area(curve: Curve) -> float:
    return float(np.trapezoid(curve[1], curve[0]))
