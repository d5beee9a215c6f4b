"""A detector at work: the threshold that validation chose, what it finds and misses, and what that means a day.

Two classes have a positive one, the second; an anomaly score has anomalies. The threshold is fitted on `val` and never on the samples
that it is judged on, unless those are val themselves, which the document then says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit import metrics
from projectkit.evaluation.predict import Predicted
from projectkit.metrics import Interval, Refused

RATES = (1e-2, 1e-3)  # false positive rates at which detectors are compared
_ALARMS = 0.01  # of the normal samples, where val has no anomaly to choose a threshold by


@dataclass(frozen=True)
class Threshold:
    """From which score on there is an alarm, and what chose it."""

    value: float
    chosen_by: str


def binary(predicted: Predicted) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Targets 0 or 1 and the score of 1, (n,) each, of two classes or of anomaly scores."""
    score = predicted.score[:, 1] if predicted.score.ndim == 2 else predicted.score
    return (predicted.target == 1).astype(np.int64), score


def fitted_threshold(fitted: Predicted | None) -> Threshold | Refused:
    """The threshold that the validation samples choose.

    Args:
        fitted: predictions of val; None where there is none.

    Returns:
        That of the largest F1; where val has no positive sample, as in a set for anomaly detection, the one at which 1% of its samples
        raise an alarm.
    """
    if fitted is None:
        return Refused("there is no val subset to choose a threshold by")
    target, score = binary(fitted)
    if 0 < target.sum() < len(target):
        return Threshold(metrics.best_threshold(target, score), "largest F1")
    if target.any():
        return Refused("all samples of val are positive, so no threshold can be chosen")
    if fitted.score.ndim == 2:
        return Refused("no sample of val is positive, so no threshold can be chosen")
    highest = np.sort(score)[::-1]
    return Threshold(float(np.nextafter(highest[int(_ALARMS * len(highest))], np.inf)), "1% false alarms")


def operating_point(
    predicted: Predicted,
    threshold: Threshold,
    *,
    groups: NDArray[Any] | None,
    prevalence: float | None,
    per_day: float,
) -> dict[str, Any]:
    """What happens at the threshold.

    Args:
        predicted: the samples that it is judged on.
        threshold: see `fitted_threshold`.
        groups: of the predicted samples, see `Measured`.
        prevalence: share of positives where the detector works; None: nothing is said about a day.
        per_day: samples a day there.

    Returns:
        `threshold`, `chosen_by`; `precision`, `recall`, `fpr`, `f1` as far as they are defined; `own_prevalence` and `positives` of the
        samples; `prevalence`, `per_day` and `alarms` (None unless a prevalence is stated).
    """
    target, score = binary(predicted)
    found = metrics.at_threshold(target, score, threshold.value, groups=groups)
    point: dict[str, Any] = {
        "threshold": threshold.value,
        "chosen_by": threshold.chosen_by,
        **{name: share.as_dict() for name, share in found.items()},
        "positives": int(target.sum()),
        "own_prevalence": float(target.mean()),
        "prevalence": prevalence,
        "per_day": per_day,
        "alarms": None,
    }
    if prevalence is not None and {"recall", "fpr"} <= found.keys():
        point["alarms"] = asdict(metrics.alarms(found["recall"], found["fpr"], prevalence, per_day))
    return point


def low_rates(
    predicted: Predicted, fitted: Predicted | None, groups: NDArray[Any] | None
) -> tuple[dict[str, Interval], dict[str, str]]:
    """The share that is found at low false positive rates, with thresholds from val.

    Returns:
        `tpr_at_fpr_1e-2` and `tpr_at_fpr_1e-3` with their intervals, and the reasons for those that are refused.
    """
    target, score = binary(predicted)
    known: dict[str, Interval] = {}
    refused: dict[str, str] = {}
    for rate in RATES:
        name = f"tpr_at_fpr_1e{round(np.log10(rate))}"
        threshold = _threshold_at(fitted, rate)
        if isinstance(threshold, Refused):
            refused[name] = threshold.reason
            continue
        found = metrics.tpr_at_fpr(target, score, rate, threshold=threshold, groups=groups)
        if isinstance(found, Refused):
            refused[name] = found.reason
        else:
            known[name] = found
    return known, refused


def _threshold_at(fitted: Predicted | None, rate: float) -> float | Refused:
    if fitted is None:
        return Refused("there is no val subset to choose a threshold by")
    target, score = binary(fitted)
    if not 0 < target.sum() < len(target):
        return Refused("val has samples of one class only, so no threshold can be chosen")
    return metrics.threshold_at_fpr(target, score, rate)
