"""The metrics that depend on the confusion matrix alone.

All of them are functions of three counts a class (`Margins`), which may carry leading dimensions: the bootstrap
computes 2,000 confusion matrices in one call and cannot disagree with the value that is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.checks import checked_target

Array = NDArray[np.float64]


def confusion_matrix(target: ArrayLike, predicted: ArrayLike, num_classes: int) -> NDArray[np.int64]:
    """Counts (num_classes, num_classes): rows are the true classes, columns the predicted ones.

    Raises:
        UserError: lengths that differ, or labels out of range.
    """
    true = checked_target(target, num_classes=num_classes)
    said = checked_target(predicted, num_classes=num_classes, what="prediction")
    if len(true) != len(said):
        raise UserError(
            f"{len(true)} targets but {len(said)} predictions", where="metrics", remedy="predict each sample once"
        )
    counts = np.bincount(true * num_classes + said, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


@dataclass(frozen=True)
class Margins:
    """Counts or weights a class, each (..., classes): right predictions, true samples, predictions."""

    hits: Array
    true: Array
    said: Array

    @classmethod
    def of(cls, matrix: NDArray[np.int64]) -> Margins:
        """The margins of one confusion matrix."""
        counts = matrix.astype(np.float64)
        return cls(np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0))


def accuracy(margins: Margins) -> Array:
    """The share of right predictions."""
    return np.asarray(margins.hits.sum(-1) / margins.true.sum(-1))


def balanced_accuracy(margins: Margins) -> Array:
    """The mean recall of the classes that occur among the targets.

    Source: Brodersen et al. 2010, "The balanced accuracy and its posterior distribution".
    """
    return _mean_ratio(margins.hits, margins.true)


def f1_macro(margins: Margins) -> Array:
    """The mean F1 of the classes that occur among the targets or the predictions; a class without a hit counts 0."""
    return _mean_ratio(2 * margins.hits, margins.true + margins.said)


def mcc(margins: Margins) -> Array:
    """Matthews' correlation coefficient of any number of classes; 0 where targets or predictions are of one class.

    Source: Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".
    """
    n = margins.true.sum(-1)
    covariance = margins.hits.sum(-1) * n - (margins.true * margins.said).sum(-1)
    spread_true = n**2 - (margins.true**2).sum(-1)
    spread_said = n**2 - (margins.said**2).sum(-1)
    spread = np.sqrt(np.maximum(spread_true * spread_said, 0))
    return np.asarray(np.divide(covariance, spread, out=np.zeros_like(covariance), where=spread > 0))


CONFUSION_METRICS: Mapping[str, Callable[[Margins], Array]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1_macro": f1_macro,
    "mcc": mcc,
}


def _mean_ratio(numerator: Array, denominator: Array) -> Array:
    """The mean over the classes with a denominator; there is always one."""
    there = denominator > 0
    ratio = np.divide(numerator, denominator, out=np.zeros_like(denominator), where=there)
    return np.asarray(ratio.sum(-1) / there.sum(-1))
