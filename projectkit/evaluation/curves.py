"""Curves as points for the document, and the figures that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from projectkit import figures, metrics
from projectkit.evaluation.predict import Predicted

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def drawn(kind: str, predicted: Predicted, class_names: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Figure]]:
    """The points of each curve, and a figure a name."""
    curves = _roc_curves(predicted, class_names)
    points = {name: {"x": list(map(float, x)), "y": list(map(float, y))} for name, (x, y) in curves.items()}
    matrix = metrics.confusion_matrix(predicted.target, predicted.score.argmax(axis=1), predicted.score.shape[1])
    pictures = {"confusion": figures.confusion_matrix(matrix, class_names), "roc": figures.roc(curves)}
    return {"roc": points}, pictures


def _roc_curves(predicted: Predicted, class_names: tuple[str, ...]) -> dict[str, tuple[Any, Any]]:
    """The curve of each class that has samples inside and outside; of two classes, of the second."""
    sizes = np.bincount(predicted.target, minlength=len(class_names))
    classes = [1] if len(class_names) == 2 else range(len(class_names))
    return {
        class_names[index]: metrics.roc_curve(predicted.target == index, predicted.score[:, index])[:2]
        for index in classes
        if 0 < sizes[index] < len(predicted.target)
    }
