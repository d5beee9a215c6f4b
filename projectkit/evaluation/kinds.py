"""The numbers of each kind of evaluation, each with its interval, and what is refused with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit import metrics
from projectkit.evaluation.operate import Threshold
from projectkit.evaluation.predict import Predicted
from projectkit.metrics import Interval, Refused


def classification(predicted: Predicted, class_names: tuple[str, ...], groups: NDArray[Any] | None) -> dict[str, Any]:
    """The numbers of a classifier.

    Returns:
        `metrics`, `refused`, `confusion` and `per_class` as they stand in the document.
    """
    target, score = predicted.target, predicted.score
    values = metrics.classification_metrics(target, score)
    intervals = metrics.classification_intervals(target, score, groups=groups)
    one_class = f"all {len(target):,} samples are '{class_names[int(target[0])]}', so there is nothing to rank"
    return {
        "metrics": _entries(values, intervals),
        "refused": {name: one_class for name in ("auroc", "average_precision") if name not in values},
        "confusion": metrics.confusion_matrix(target, score.argmax(axis=1), score.shape[1]).tolist(),
        "per_class": [row.as_dict() for row in metrics.class_table(target, score, class_names, groups=groups)],
    }


def anomaly(
    predicted: Predicted,
    class_names: tuple[str, ...],
    groups: NDArray[Any] | None,
    time: NDArray[Any] | None,
    threshold: Threshold | Refused,
) -> dict[str, Any]:
    """The numbers of anomaly scores.

    Returns:
        `metrics`, `refused` and, where there is a threshold, `confusion`.
    """
    target, score = predicted.target, predicted.score
    at = None if isinstance(threshold, Refused) else threshold.value
    values = metrics.anomaly_metrics(target, score, threshold=at, time=time)
    intervals = metrics.anomaly_intervals(target, score, threshold=at, time=time, groups=groups)
    refused = {}
    if "auroc" not in values:
        one_class = f"all {len(target):,} samples are '{class_names[int(target[0])]}', so there is nothing to rank"
        refused = dict.fromkeys(("auroc", "average_precision"), one_class)
    if isinstance(threshold, Refused):
        refused |= dict.fromkeys(("precision", "recall", "f1"), threshold.reason)
    if at is not None and time is not None and "time_to_detect" not in values:
        refused["time_to_detect"] = "no event is detected at the threshold" if target.any() else "there are no events"
    document: dict[str, Any] = {"metrics": _entries(values, intervals), "refused": refused}
    if at is not None:
        document["confusion"] = metrics.confusion_matrix(target, (score >= at).astype(int), 2).tolist()
    return document


def regression(predicted: Predicted, groups: NDArray[Any] | None) -> dict[str, Any]:
    """The numbers of predictions that are numbers.

    Returns:
        `metrics` and `refused`.
    """
    values = metrics.regression_metrics(predicted.target, predicted.score)
    intervals = metrics.regression_intervals(predicted.target, predicted.score, groups=groups)
    constant = "all targets are the same" if not np.ptp(predicted.target) else "all predictions are the same"
    return {
        "metrics": _entries(values, intervals),
        "refused": {name: constant for name in ("r2", "spearman") if name not in values},
    }


def _entries(values: Mapping[str, float], intervals: Mapping[str, Interval]) -> dict[str, dict[str, Any]]:
    """Metric name -> value, low, high and method; the value alone where no interval is known."""
    return {
        name: intervals[name].as_dict() if name in intervals else {"value": value} for name, value in values.items()
    }
