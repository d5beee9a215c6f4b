"""Figures of an evaluation, drawn anew from the numbers of its document, so that their type has print size on a poster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

from projectkit.poster.directives.drawings import Shape, Svg

Document = Mapping[str, Any]

_MOST_SLICES = 16

# what a screen reader is told, where the name alone says too little
NAMES = {
    "confusion": "confusion matrix",
    "roc": "ROC curves",
    "precision_recall": "precision-recall curves",
    "det": "detection error tradeoff",
    "reliability": "reliability diagram",
    "per_class": "F1 of each class",
    "slices": "slices of the data that do worse",
    "scores": "histogram of the anomaly scores",
    "timeline": "anomaly scores over time",
    "attributions": "attributions of inputs",
}


@dataclass(frozen=True)
class Evaluated:
    """A figure that can be drawn at any size.

    Args:
        svg: draws it.
        shape: bounds its size.
    """

    svg: Svg
    shape: Shape


def evaluated(name: str, document: Document, left: Document | None = None) -> Evaluated | None:
    """The figure of that name, or None where the documents have not what it shows.

    Args:
        name: as in `evaluation/figures/`, without the subset.
        document: `evaluation/<subset>.json`.
        left: the figure's own numbers, `evaluation/figures/<name>-<subset>.json`, where there are some.
    """
    if name not in _FIGURES:
        return None
    draw, *bounds = _FIGURES[name]
    try:
        shown = draw(document if left is None else left)
    except (KeyError, TypeError, IndexError, AttributeError):  # an older document, or one of another kind
        return None
    if shown is None:
        return None
    figure, arguments, options = (*shown, {})[:3]

    def svg(size_mm: tuple[float, float], font_pt: float) -> bytes:
        from projectkit import figures

        return figures.svg_bytes(getattr(figures, figure)(*arguments, **options, size_mm=size_mm, font_pt=font_pt))

    if left is not None:
        bounds = _BY_FORM.get(str(left.get("form")), bounds)
    return Evaluated(svg, Shape(*bounds))


# A function of `figures`, its arguments
Call = tuple[str, tuple[Any, ...]] | tuple[str, tuple[Any, ...], dict[str, Any]] | None


def _confusion(document: Document) -> Call:
    return "confusion_matrix", (document["confusion"], document.get("class_names", []))


def _roc(document: Document) -> Call:
    # of all samples, as in the table of metrics; the points are thinned
    areas = {row["name"]: row["auroc"] for row in document.get("per_class", ()) if row.get("auroc") is not None}
    return "roc", (_points(document["curves"]["roc"]),), {"areas": areas}


def _precision_recall(document: Document) -> Call:
    rows = {name: sum(row) for name, row in zip(document["class_names"], document["confusion"], strict=True)}
    curves = _points(document["curves"]["precision_recall"])
    shares = {name: rows[name] / sum(rows.values()) for name in curves}
    whole = document["metrics"].get("average_precision")
    areas = dict.fromkeys(curves, whole["value"]) if whole and len(curves) == 1 else None
    return "precision_recall", (curves, shares), {"areas": areas}


def _det(document: Document) -> Call:
    return "det", (_points(document["curves"]["det"]),)


def _reliability(document: Document) -> Call:
    bins = document["curves"]["reliability"]
    return "reliability", (bins["before"], bins.get("after"))


def _per_class(document: Document) -> Call:
    rows = document["per_class"]
    ends = ([nan if row["f1"] is None else row["f1"][end] for row in rows] for end in ("value", "low", "high"))
    return "per_class", ([row["name"] for row in rows], *ends, [int(row["support"]) for row in rows])


def _slices(document: Document) -> Call:
    metric, overall = "accuracy", document["metrics"].get("accuracy")
    if overall is None:
        metric, overall = "mean absolute error", document["metrics"]["mae"]
    rows = document["slices"][:_MOST_SLICES]
    if not rows:
        return None
    names = [f"{row['column']}: {row['label']}" for row in rows]
    ends = ([row[end] for row in rows] for end in ("value", "low", "high"))
    return "slices", (names, *ends, [row["n"] for row in rows], overall["value"], metric)


def _scores(document: Document) -> Call:
    scores = document["curves"]["scores"]
    threshold = (document.get("operating") or {}).get("threshold")
    spreads = [(scores[kind], scores["edges"]) for kind in ("normal", "anomalous")]
    return "score_histogram", (*spreads, threshold)


def _timeline(document: Document) -> Call:
    line = document["curves"]["timeline"]
    threshold = (document.get("operating") or {}).get("threshold")
    return "timeline", (line["time"], line["score"], line["events"], threshold), {"alarms": line["alarms"]}


def _attributions(left: Document) -> Call:
    return ("attributed", (left,)) if "form" in left else None  # of an older run there is a picture alone


def _points(curves: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Any, Any]]:
    if not curves:
        raise KeyError("no class has a curve")
    return {name: (points["x"], points["y"]) for name, points in curves.items()}


# least and greatest height in widths of the column, greatest width in heights
_FIGURES: dict[str, tuple[Callable[[Document], Call], float, float, float]] = {
    "confusion": (_confusion, 0.6, 0.9, 1.18),
    "roc": (_roc, 0.6, 0.9, 1.7),
    "precision_recall": (_precision_recall, 0.6, 0.9, 1.7),
    "det": (_det, 0.6, 0.9, 1.7),
    "reliability": (_reliability, 0.65, 1.0, 1.55),
    "per_class": (_per_class, 0.4, 0.9, 3.0),
    "slices": (_slices, 0.5, 0.9, 3.0),
    "scores": (_scores, 0.5, 0.75, 3.0),
    "timeline": (_timeline, 0.4, 0.65, 4.0),
    "attributions": (_attributions, 0.5, 0.95, 10.0),
}
# of attributions, by what they are of
_BY_FORM = {"images": [0.4, 0.75, 10.0], "columns": [0.4, 0.9, 10.0]}
