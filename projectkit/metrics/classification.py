"""Every number of a classifier, from targets and probabilities, while it trains and when it is evaluated.

| metric | definition | left out |
|---|---|---|
| accuracy, balanced_accuracy, f1_macro, mcc | see confusion.py; the prediction is the first largest score | never |
| auroc, average_precision | see ranking.py; class 1 of two, else the mean of one against the rest | one class only |
| ece | expected calibration error of the predicted class in 15 bins of equal width | never |
| loss | mean negative log likelihood, natural logarithm | never |
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.metrics.calibration import calibration_error
from projectkit.metrics.checks import checked
from projectkit.metrics.confusion import CONFUSION_METRICS, Margins, confusion_matrix
from projectkit.metrics.ranking import auroc_and_average_precision

_LEAST = float(np.finfo(np.float32).eps)  # a probability of 0 would make the loss infinite; scikit-learn clips here too
WORST_LOSS = -math.log(_LEAST)  # nats of one sample: 15.9


def classification_metrics(target: ArrayLike, score: ArrayLike) -> dict[str, float]:
    """All metrics of a classifier.

    Args:
        target: true class indices, (n,).
        score: probabilities, (n, classes).

    Returns:
        metric name -> value, in the order of the table above; `auroc` and `average_precision` are absent where the
        targets are all of one class.

    Raises:
        UserError: no samples, lengths that differ, labels out of range, scores that are NaN or no probabilities.
    """
    labels, scores = checked(target, score)
    margins = Margins.of(confusion_matrix(labels, scores.argmax(axis=1), scores.shape[1]))
    values = {name: float(metric(margins)) for name, metric in CONFUSION_METRICS.items()}
    ranking = auroc_and_average_precision(labels, scores)
    if ranking is not None:
        values["auroc"], values["average_precision"] = ranking
    return {**values, "ece": calibration_error(labels, scores), "loss": float(sample_losses(labels, scores).mean())}


def sample_losses(target: NDArray[np.int64], score: NDArray[Any]) -> NDArray[np.float64]:
    """The negative log likelihood of each sample in nats, (n,), between 0 and `WORST_LOSS`.

    Args:
        target: class indices that were checked, (n,).
        score: probabilities that were checked, (n, classes).
    """
    likelihood = score[np.arange(len(target)), target].astype(np.float64)
    return np.asarray(-np.log(np.clip(likelihood, _LEAST, 1.0)))
