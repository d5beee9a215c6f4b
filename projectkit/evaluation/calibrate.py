"""Whether probabilities mean what they say, before and after one temperature that is fitted on `val`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit import metrics
from projectkit.evaluation.predict import Predicted


def calibration(predicted: Predicted, fitted: Predicted) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Temperature scaling.

    Args:
        predicted: the samples that it is judged on.
        fitted: the samples of val.

    Returns:
        `temperature`, and `ece` and `loss` before and after; and the probabilities at that temperature, (n, classes).

    Source: Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
    """
    temperature = metrics.fit_temperature(fitted.target, fitted.score)
    score = metrics.tempered(predicted.score, temperature)
    sides: dict[str, NDArray[Any]] = {"before": predicted.score, "after": score}
    found = {side: metrics.classification_metrics(predicted.target, each) for side, each in sides.items()}
    errors = {f"{name}_{side}": found[side][name] for name in ("ece", "loss") for side in sides}
    return {"temperature": temperature, **errors}, score
