"""What goes into a metric, checked once: wrong input is an error that names the first sample at fault."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError

_SUM_TOLERANCE = 0.02  # softmax in bfloat16 is off by 0.4%; sigmoids of several labels are off by far more


def checked_target(target: ArrayLike, *, num_classes: int, what: str = "target") -> NDArray[np.int64]:
    """Class indices as (n,) int64 in [0, num_classes).

    Raises:
        UserError: none at all, not whole numbers, or out of range.
    """
    labels = np.asarray(target)
    if labels.size == 0:
        raise UserError("no samples", where="metrics", remedy="choose a subset that has samples")
    if labels.ndim != 1 or not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == np.bool_):
        raise UserError(
            f"{what} has shape {labels.shape} and type {labels.dtype}",
            where="metrics",
            remedy="give class indices (n,)",
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if len(wrong):
        raise UserError(
            f"{what} of sample {wrong[0]} is {labels[wrong[0]]}, but there are {num_classes} classes",
            where="metrics",
            remedy=f"classes are numbered from 0 to {num_classes - 1}",
        )
    return labels.astype(np.int64)


def checked(target: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Class indices (n,) and probabilities (n, classes) that fit each other.

    Raises:
        UserError: shapes that differ, labels out of range, scores that are NaN or not probabilities.
    """
    scores = np.asarray(score)
    if scores.ndim != 2 or scores.shape[1] < 2 or not np.issubdtype(scores.dtype, np.floating):
        raise UserError(
            f"score has shape {scores.shape} and type {scores.dtype}",
            where="metrics",
            remedy="give probabilities (n, classes), two columns for two classes",
        )
    labels = checked_target(target, num_classes=scores.shape[1])
    if len(labels) != len(scores):
        raise UserError(
            f"{len(labels)} targets but {len(scores)} scores", where="metrics", remedy="predict each sample once"
        )
    _check_probabilities(scores)
    return labels, scores


def checked_binary(
    target: ArrayLike, score: ArrayLike, *, where: str, both: bool = True
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which samples are positive (n,) and their scores (n,), any finite numbers, that fit each other.

    Args:
        target: 0 or 1, or False and True, (n,).
        score: higher means more like 1, (n,).
        where: what the numbers are for, as an error names it.
        both: refuse samples that are all of one kind.

    Raises:
        UserError: no samples, shapes that differ, targets other than 0 and 1, scores that are NaN or infinite.
    """
    labels, scores = np.asarray(target), np.asarray(score)
    if labels.shape != scores.shape or labels.ndim != 1:
        raise UserError(
            f"targets {labels.shape} but scores {scores.shape}", where=where, remedy="give one score a sample, (n,)"
        )
    if not len(labels):
        raise UserError("no samples", where=where, remedy="choose a subset that has samples")
    other = np.flatnonzero((labels != 0) & (labels != 1))
    if len(other):
        raise UserError(
            f"the target of sample {other[0]} is {labels[other[0]]}",
            where=where,
            remedy="give 1 for the positive class and 0 for the rest, as target == index",
        )
    check_finite(scores, "score", where)
    positive = labels.astype(bool)
    if both and (positive.all() or not positive.any()):
        raise UserError("all samples are of one kind", where=where, remedy="choose a subset that has both")
    return positive, scores.astype(np.float64)


def checked_numbers(
    target: ArrayLike, predicted: ArrayLike, *, where: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two finite arrays of one shape (n, ...), what is true and what was said.

    Raises:
        UserError: no samples, shapes that differ, or numbers that are NaN or infinite.
    """
    true, said = np.asarray(target), np.asarray(predicted)
    if true.shape != said.shape or true.ndim == 0:
        raise UserError(
            f"targets {true.shape} but predictions {said.shape}",
            where=where,
            remedy="give one prediction a target, of the same shape",
        )
    if not len(true):
        raise UserError("no samples", where=where, remedy="choose a subset that has samples")
    check_finite(true, "target", where)
    check_finite(said, "prediction", where)
    return true.astype(np.float64), said.astype(np.float64)


def checked_probabilities(score: ArrayLike) -> NDArray[Any]:
    """Probabilities (n, classes), without the targets.

    Raises:
        UserError: another shape or type, or scores that are NaN or not probabilities.
    """
    scores = _of_two_columns(score)
    _check_probabilities(scores)
    return scores


def check_finite(numbers: NDArray[Any], what: str, where: str) -> None:
    """Refuse what is no number, or NaN or infinite, by the first sample at fault.

    Args:
        numbers: (n, ...).
        what: `score`, `target` ..., as the error names them.
        where: what the numbers are for.

    Raises:
        UserError: another type than numbers, or a number that is NaN or infinite.
    """
    if not (np.issubdtype(numbers.dtype, np.number) or numbers.dtype == np.bool_):
        raise UserError(f"each {what} is of type {numbers.dtype}", where=where, remedy="give numbers")
    broken = np.flatnonzero(~np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1))
    if len(broken):
        of_model = what in ("score", "prediction")
        raise UserError(
            f"the {what} of sample {broken[0]} is NaN or infinite ({len(broken)} of {len(numbers)} samples)",
            where=where,
            remedy="the model diverged: lower the learning rate" if of_model else "leave such samples out",
        )


def _of_two_columns(score: ArrayLike) -> NDArray[Any]:
    scores = np.asarray(score)
    if scores.ndim != 2 or scores.shape[1] < 2 or not np.issubdtype(scores.dtype, np.floating):
        raise UserError(
            f"score has shape {scores.shape} and type {scores.dtype}",
            where="metrics",
            remedy="give probabilities (n, classes), two columns for two classes",
        )
    return scores


def _check_probabilities(scores: NDArray[Any]) -> None:
    check_finite(scores, "score", "metrics")
    sums = scores.sum(axis=1, dtype=np.float64)
    outside = (scores.min(axis=1) < 0) | (scores.max(axis=1) > 1 + _SUM_TOLERANCE) | (np.abs(sums - 1) > _SUM_TOLERANCE)
    wrong = np.flatnonzero(outside)
    if len(wrong):
        raise UserError(
            f"the scores of sample {wrong[0]} are no probabilities (they add up to {sums[wrong[0]]:.4g})",
            where="metrics",
            remedy="return softmax(logits) from predict_step",
        )
