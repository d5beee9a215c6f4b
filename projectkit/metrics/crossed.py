"""What the draw of the samples adds to a difference of two means over runs (seeds), all of them measured on the same samples.

The spread over seeds says what another training would give on these samples. Other samples move all runs of both sides together, which no
spread over seeds shows: it is computed here from each sample's share in the error of each run's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.bootstrap import group_numbers
from projectkit.metrics.checks import checked
from projectkit.metrics.classification import sample_losses
from projectkit.metrics.confusion import CONFUSION_METRICS, Array, Margins, confusion_matrix
from projectkit.metrics.confusion_intervals import metrics_left_out
from projectkit.metrics.influence import auroc_influence, average_precision_influence, within_groups


def spread_over_samples(
    target: ArrayLike,
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    metric: str,
    *,
    groups: ArrayLike | None = None,
) -> float | None:
    """The standard error, over the draw of the samples, of the mean of a number over runs minus that over other runs.

    Args:
        target: true class indices, (n,).
        first: probabilities (n, classes) of each run of one side.
        second: of each run of the other side, on the same samples in the same order.
        metric: a name of `classification_metrics`.
        groups: (n,) of any type; samples of one group are not independent.

    Returns:
        None for `ece`, which has no share a sample, and where the number is not defined on these targets.

    Raises:
        UserError: a metric of another name, or as `classification_metrics`.

    Source: Efron & Stein 1981, "The jackknife estimate of variance"; of AUROC DeLong et al. 1988.
    """
    sides = []
    for side in (first, second):
        shares = [_shares(*checked(target, score), metric) for score in side]
        known = [share for share in shares if share is not None]
        if not known or len(known) < len(shares):
            return None
        sides.append(np.mean(known, axis=0))
    numbers = None if groups is None else group_numbers(groups)
    return float(np.sqrt(np.sum(within_groups(sides[0] - sides[1], numbers) ** 2)))


def _shares(target: NDArray[np.int64], score: NDArray[Any], metric: str) -> Array | None:
    """Each sample's share (n,) in the error of one run's number; their squares add up to its variance."""
    n = len(target)
    if metric in CONFUSION_METRICS:
        left_out = _left_out(target, score, metric)
        return np.asarray((left_out.mean() - left_out) * np.sqrt((n - 1) / n))
    if metric == "loss":
        losses = sample_losses(target, score)
        return np.asarray((losses - losses.mean()) / np.sqrt(n * max(n - 1, 1)))
    if metric in ("auroc", "average_precision"):
        found = (auroc_influence if metric == "auroc" else average_precision_influence)(target, score)
        return None if found is None else found.shares
    if metric == "ece":
        return None
    raise UserError(f"no classification metric '{metric}'", where="metrics", remedy="see `classification_metrics`")


def _left_out(target: NDArray[np.int64], score: NDArray[Any], metric: str) -> Array:
    """The number without each sample in turn, (n,): samples of one cell of the confusion matrix are alike."""
    said, classes = score.argmax(axis=1), score.shape[1]
    matrix = confusion_matrix(target, said, classes)
    rows, columns = np.nonzero(matrix)
    true, predicted = np.eye(classes)[rows], np.eye(classes)[columns]
    of_cell = np.zeros(matrix.shape)
    counts = matrix[rows, columns].astype(np.float64)
    of_cell[rows, columns] = metrics_left_out(Margins(true * predicted, true, predicted), counts, metric)
    return np.asarray(of_cell[target, said])
