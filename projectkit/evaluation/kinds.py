"""The numbers of each kind of evaluation, with intervals, and what is refused with its reason."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from projectkit import metrics
from projectkit.evaluation.predict import Predicted


def numbers(kind: str, predicted: Predicted, groups: NDArray[Any] | None) -> dict[str, Any]:
    """The keys of the document that hold numbers.

    Args:
        kind: `classification`, `anomaly` or `regression`.
        predicted: targets and scores.
        groups: see `Measured`.

    Returns:
        `metrics` and `refused`, and for a classification `confusion`.
    """
    return _classification(predicted, groups)


def _classification(predicted: Predicted, groups: NDArray[Any] | None) -> dict[str, Any]:
    values = metrics.classification_metrics(predicted.target, predicted.score)
    intervals = metrics.classification_intervals(predicted.target, predicted.score)
    return {
        "metrics": {
            name: intervals[name].as_dict() if name in intervals else {"value": value} for name, value in values.items()
        },
        "refused": {},
        "confusion": metrics.confusion_matrix(
            predicted.target, predicted.score.argmax(axis=1), predicted.score.shape[1]
        ).tolist(),
    }
