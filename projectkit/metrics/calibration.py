"""Whether a confidence means what it says: calibration error, reliability diagram, temperature scaling.

A temperature is fitted on validation and applied to the test set; fitted on the samples that it is judged on, it flatters.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.metrics.checks import checked, checked_probabilities
from projectkit.metrics.intervals import clopper_pearson

Array = NDArray[np.float64]

BINS = 15
_COLDEST, _HOTTEST = 0.05, 20.0  # a temperature beyond these says that the scores are none, not that they are off
_LEAST = float(np.finfo(np.float32).tiny)  # what float32 rounds to 0 is smaller than this; its logarithm is -87


@dataclass(frozen=True)
class Reliability:
    """The bins of a reliability diagram that have samples, (k,) each, by ascending confidence.

    Args:
        confidence: mean probability of the predicted class.
        accuracy: share of right predictions.
        count: samples.
        low: lower end of the exact 95% interval of the accuracy.
        high: its upper end.
    """

    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    count: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def as_dict(self) -> dict[str, list[float]]:
        """As it stands in `evaluation/<subset>.json`, and as `figures.reliability` takes it."""
        return {name: list(values) for name, values in asdict(self).items()}


def reliability(target: ArrayLike, score: ArrayLike, bins: int = BINS) -> Reliability:
    """Confidence and accuracy in bins of equal width, those that the expected calibration error is a sum over.

    Args:
        target: true class indices, (n,).
        score: probabilities, (n, classes).
        bins: of the confidence; bin i holds (i / bins, (i + 1) / bins].

    Raises:
        UserError: as `classification_metrics`.

    Source: Niculescu-Mizil & Caruana 2005, "Predicting good probabilities with supervised learning"; the intervals of
    Bröcker & Smith 2007, "Increasing the reliability of reliability diagrams", in their exact form.
    """
    confidence, right, bin_of = binned(*checked(target, score), bins)
    count = np.bincount(bin_of, minlength=bins)
    filled = np.flatnonzero(count)
    hits = np.bincount(bin_of, weights=right, minlength=bins)[filled]
    sums = np.bincount(bin_of, weights=confidence, minlength=bins)[filled]
    shares = [clopper_pearson(int(hit), int(n)) for hit, n in zip(hits, count[filled], strict=True)]
    return Reliability(
        confidence=tuple(np.divide(sums, count[filled]).tolist()),
        accuracy=tuple(share.value for share in shares),
        count=tuple(count[filled].tolist()),
        low=tuple(share.low for share in shares),
        high=tuple(share.high for share in shares),
    )


def calibration_error(target: NDArray[np.int64], score: NDArray[Any]) -> float:
    """The distance between confidence and accuracy, a mean over samples, in bins (0, 1/15] ... (14/15, 1].

    Args:
        target: class indices that were checked, (n,).
        score: probabilities that were checked, (n, classes).

    Source: Guo et al. 2017, "On calibration of modern neural networks", equation 3.
    """
    confidence, right, bin_of = binned(target, score, BINS)
    gap = np.bincount(bin_of, weights=right - confidence, minlength=BINS)
    return float(np.abs(gap).sum() / len(target))


def fit_temperature(target: ArrayLike, score: ArrayLike) -> float:
    """The temperature that makes the targets likeliest: above 1 where the classifier is too sure of itself.

    Args:
        target: true class indices of the validation set, (n,).
        score: probabilities, (n, classes).

    Returns:
        A temperature in [0.05, 20]; 1 where every sample is right or every score is the same, since such samples set
        no temperature.

    Raises:
        UserError: as `classification_metrics`.

    Source: Guo et al. 2017, "On calibration of modern neural networks", section 4.2. The likelihood is concave in
    1 / temperature, so its derivative has one root.
    """
    labels, scores = checked(target, score)
    logits = _logits(scores)
    of_target = logits[np.arange(len(labels)), labels]

    def slope(log_temperature: float) -> float:
        """Of the negative log likelihood, over 1 / temperature: the mean logit expected less the one of the target."""
        share = _softmax(logits / np.exp(log_temperature))
        return float(np.mean(np.einsum("ij,ij->i", share, logits) - of_target))

    coldest, hottest = np.log(_COLDEST), np.log(_HOTTEST)
    if np.array_equal(logits.max(axis=1), of_target):
        return 1.0
    if slope(hottest) >= 0:  # worse than a guess: the flatter the better
        return _HOTTEST
    if slope(coldest) <= 0:
        return _COLDEST
    from scipy.optimize import brentq

    return float(np.exp(brentq(slope, coldest, hottest, xtol=1e-6)))


def tempered(score: ArrayLike, temperature: float) -> Array:
    """Probabilities at another temperature; the predicted class stays, unless two differ by a rounding error.

    Args:
        score: probabilities, (n, classes).
        temperature: above 0; 1 leaves them, more makes them flatter.

    Returns:
        score ** (1 / temperature), each row divided by its sum, (n, classes).

    Raises:
        UserError: scores that are no probabilities.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, not above 0")
    return _softmax(_logits(checked_probabilities(score)) / temperature)


def binned(
    target: NDArray[np.int64], score: NDArray[Any], bins: int
) -> tuple[Array, NDArray[np.bool_], NDArray[np.intp]]:
    """Confidence, whether the prediction is right, and the number of the bin, (n,) each.

    Args:
        target: class indices that were checked, (n,).
        score: probabilities that were checked, (n, classes).
        bins: of the confidence; bin i holds (i / bins, (i + 1) / bins].
    """
    confidence = score.max(axis=1).astype(np.float64)
    right = score.argmax(axis=1) == target
    return confidence, right, np.searchsorted(np.arange(1, bins) / bins, confidence, side="left")


def _logits(score: NDArray[Any]) -> Array:
    """Logarithms with the largest of each row at 0, (n, classes)."""
    logits: Array = np.log(np.maximum(score.astype(np.float64), _LEAST))
    logits -= logits.max(axis=1, keepdims=True)
    return logits


def _softmax(logits: Array) -> Array:
    """Of logits that are at most 0."""
    share: Array = np.exp(logits)
    share /= share.sum(axis=1, keepdims=True)
    return share
