"""Curves as points for the document, and the figures that show them; both are drawn from the same points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit import figures, metrics
from projectkit.evaluation.operate import binary
from projectkit.evaluation.predict import Predicted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 200  # points of a curve
_MOST_IN_ALL = 4000  # of all classes' curves of one kind: a document of a hundred classes stays under 2 MB
_LEAST = 20
_DIGITS = 6
_MOST_MOMENTS = 600  # of a line over time
_BINS = 60  # of the scores' histogram


@dataclass
class Drawn:
    """Curve points as they stand in the document, and figures by name."""

    points: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)


def classification_curves(
    predicted: Predicted,
    class_names: tuple[str, ...],
    *,
    rows: Sequence[Mapping[str, Any]],
    confusion: ArrayLike,
    tempered: NDArray[np.float64] | None,
) -> Drawn:
    """Confusion matrix, ranking curves of each class, reliability, F1 of each class.

    Args:
        predicted: targets and probabilities.
        class_names: in the order of the classes.
        rows: `per_class` of the document.
        confusion: `confusion` of the document.
        tempered: the probabilities at the fitted temperature, or None.
    """
    drawn = Drawn(figures={"confusion": figures.confusion_matrix(confusion, class_names)})
    kinds = [1] if len(class_names) == 2 else range(len(class_names))
    ranked = {
        class_names[index]: ((predicted.target == index).astype(np.int64), predicted.score[:, index])
        for index in kinds
        if 0 < rows[index]["support"] < len(predicted.target)
    }
    _rank(drawn, ranked)
    before = metrics.reliability(predicted.target, predicted.score).as_dict()
    after = None if tempered is None else metrics.reliability(predicted.target, tempered).as_dict()
    drawn.points["reliability"] = {"before": before, "after": after}
    drawn.figures["reliability"] = figures.reliability(before, after)
    if len(class_names) > 2:  # of two, operating point and confusion matrix say it all
        value, low, high = (
            [np.nan if row["f1"] is None else row["f1"][end] for row in rows] for end in ("value", "low", "high")
        )
        support = [int(row["support"]) for row in rows]
        drawn.figures["per_class"] = figures.per_class(class_names, value, low, high, support)
    return drawn


def anomaly_curves(
    predicted: Predicted,
    class_names: tuple[str, ...],
    *,
    confusion: ArrayLike | None,
    threshold: float | None,
    time: NDArray[Any] | None,
) -> Drawn:
    """Ranking curves, the spread of the scores and, where the samples have a time, the scores over it."""
    drawn = Drawn()
    if confusion is not None:
        drawn.figures["confusion"] = figures.confusion_matrix(confusion, class_names)
    target, score = binary(predicted)
    _rank(drawn, {class_names[1]: (target, score)} if 0 < target.sum() < len(target) else {})
    edges = np.histogram_bin_edges(score.astype(np.float64), bins=_spread(score))
    spreads = [np.histogram(score[target == kind], bins=edges) for kind in (0, 1)]
    drawn.points["scores"] = {
        "edges": _plain(edges),
        "normal": spreads[0][0].tolist(),
        "anomalous": spreads[1][0].tolist(),
    }
    drawn.figures["scores"] = figures.score_histogram(spreads[0], spreads[1], threshold)
    if time is not None and (np.diff(time) >= 0).all():
        line = _timeline(time, score, target, threshold)
        drawn.points["timeline"] = line
        drawn.figures["timeline"] = figures.timeline(
            line["time"], line["score"], line["events"], threshold, alarms=line["alarms"]
        )
    return drawn


def _timeline(
    time: NDArray[Any], score: NDArray[Any], target: NDArray[np.int64], threshold: float | None
) -> dict[str, Any]:
    """Scores over time in as many points as a figure shows: the lowest and the highest of each stretch, and where alarms were raised."""
    chosen = figures.envelope(np.asarray(score, dtype=np.float64), _MOST_MOMENTS)
    alarms = np.flatnonzero(score >= threshold) if threshold is not None else np.zeros(0, dtype=np.int64)
    few = alarms[np.unique(np.linspace(0, len(alarms) - 1, min(len(alarms), _MOST_MOMENTS)).astype(int))]
    return {
        "time": _said(time[chosen]),
        "score": _plain(score[chosen]),
        "events": [_said(np.asarray(event)) for event in _merged(_events(target, time), time)],
        "alarms": [len(alarms), _said(time[few])],
    }


def _merged(events: Sequence[tuple[Any, Any]], time: NDArray[Any]) -> list[tuple[Any, Any]]:
    """Events with less between them than a page shows are one."""
    least = (time[-1] - time[0]) / _MOST_MOMENTS
    merged: list[tuple[Any, Any]] = []
    for begin, end in events:
        if merged and begin - merged[-1][1] < least:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return merged


def _said(time: NDArray[Any]) -> list[Any]:
    """Moments as JSON holds them: numbers, or ISO texts."""
    said: list[Any] = (time.astype("datetime64[us]").astype(str) if time.dtype.kind == "M" else time).tolist()
    return said


def _rank(drawn: Drawn, ranked: Mapping[str, tuple[NDArray[np.int64], NDArray[Any]]]) -> None:
    """ROC, precision against recall and DET of each class: of its samples against the others."""
    most = max(_LEAST, min(_MOST, _MOST_IN_ALL // max(1, len(ranked))))
    curves: dict[str, Callable[[ArrayLike, ArrayLike], tuple[Any, Any, Any]]] = {
        "roc": metrics.roc_curve,
        "precision_recall": metrics.precision_recall_curve,
        "det": metrics.det_curve,
    }
    whole = {kind: {name: curve(*pair)[:2] for name, pair in ranked.items()} for kind, curve in curves.items()}
    thin = {
        kind: {name: metrics.thinned(x, y, most, deviates=kind == "det") for name, (x, y) in each.items()}
        for kind, each in whole.items()
    }
    for kind, each in thin.items():
        drawn.points[kind] = {name: {"x": _plain(x), "y": _plain(y)} for name, (x, y) in each.items()}
    # areas of all points, so that a figure and the table of metrics say the same
    areas = {name: float(np.trapezoid(y, x)) for name, (x, y) in whole["roc"].items()}
    precisions = {name: float(np.sum(np.diff(x) * y[1:])) for name, (x, y) in whole["precision_recall"].items()}
    shares = {name: float(target.mean()) for name, (target, _) in ranked.items()}
    drawn.figures["roc"] = figures.roc(thin["roc"], areas=areas)
    drawn.figures["precision_recall"] = figures.precision_recall(thin["precision_recall"], shares, areas=precisions)
    drawn.figures["det"] = figures.det(thin["det"])


def _spread(score: NDArray[Any]) -> NDArray[np.float64] | int:
    """Bins of equal width; where the largest score would squeeze all others into one of them, of equal ratio."""
    low, high = float(score.min()), float(score.max())
    if low > 0 and high > 1e3 * low:
        return np.geomspace(low * (1 - 1e-6), high * (1 + 1e-6), _BINS + 1)
    return _BINS


def _events(target: NDArray[np.int64], time: NDArray[Any]) -> list[tuple[Any, Any]]:
    """Begin and end of each stretch of anomalous samples."""
    change = np.diff(np.concatenate([[0], target, [0]]))
    return [
        (time[begin], time[end])
        for begin, end in zip(np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1, strict=True)
    ]


def _plain(values: NDArray[Any]) -> list[float]:
    """Numbers with six digits: the file is read by people too."""
    return [float(f"{value:.{_DIGITS}g}") for value in np.asarray(values, dtype=np.float64).tolist()]
