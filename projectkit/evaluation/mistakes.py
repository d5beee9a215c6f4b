"""A model's mistakes: which were made with the most confidence, and which classes are taken for which.

The confident ones come first because they teach the most: a wrong label, a sample that should not be in the set, a shortcut that the
model took, or a case that training never showed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST = 24
"""Mistakes that are shown."""
PAIR_SHARE = 4  # of those shown at most a quarter is of one pair of classes: the tenth of a kind says nothing new
OF_GROUP = 2  # and at most so many are of one group: the frames of a track show one object
_MOST_PAIRS = 12


@dataclass(frozen=True)
class Mistake:
    """A sample on which the model is wrong.

    Args:
        row: of the subset, from 0.
        id: of the sample.
        target: true class name, or value.
        predicted: the class that the model gives, or the value.
        confidence: probability of the given class; an anomaly score; an absolute error.
        truth: probability of the true class; None where there is none.
    """

    row: int
    id: str
    target: str
    predicted: str
    confidence: float
    truth: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `evaluation/<subset>.json`: nothing of the sample's content."""
        known = {"id": self.id, "target": self.target, "predicted": self.predicted, "confidence": self.confidence}
        return known if self.truth is None else {**known, "truth": self.truth}


@dataclass(frozen=True)
class Pair:
    """How often one class is taken for another.

    Args:
        target, predicted: class names.
        count: of these mistakes.
        share: of the true class's samples.
    """

    target: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True)
class Mistakes:
    """All of a subset's mistakes.

    Args:
        n: samples.
        right: (n,) whether the model is right; for regression (n,) absolute errors.
        total: how many are wrong; None for regression, where hardly a value is met exactly.
        shown: the most confident ones.
        pairs: the most frequent ones.
        confident: how many of the mistakes were made with a probability of 90% and more; None where there are none.
        threshold: of an anomaly score, from which on a sample is an anomaly.
    """

    n: int
    right: NDArray[Any]
    total: int | None
    shown: tuple[Mistake, ...]
    pairs: tuple[Pair, ...] = ()
    confident: int | None = None
    threshold: float | None = None


def classification_mistakes(
    id: ArrayLike,
    target: ArrayLike,
    score: ArrayLike,
    class_names: Sequence[str],
    *,
    groups: ArrayLike | None = None,
    most: int = MOST,
) -> Mistakes:
    """Where the likeliest class is not the true one.

    Args:
        id: (n,) of the samples.
        target: (n,) class indices.
        score: (n, classes) probabilities.
        class_names: in the order of the scores.
        groups: (n,) samples of one group are alike; None: none are.
        most: mistakes to show. As long as there are others, at most a quarter of them is of one pair of classes, and two of one group.
    """
    ids, labels, scores = np.asarray(id), np.asarray(target), np.asarray(score, dtype=np.float64)
    guess = scores.argmax(axis=1)
    right = guess == labels
    wrong = np.flatnonzero(~right)
    confidence = scores[wrong, guess[wrong]]
    ranked = wrong[np.argsort(-confidence, kind="stable")].tolist()
    counts = Counter((int(labels[row]), int(guess[row])) for row in ranked)
    of_class = np.bincount(labels, minlength=len(class_names))
    kinds = [(int(labels[row]), int(guess[row])) for row in ranked]
    of_group = None if groups is None else np.asarray(groups)[ranked].tolist()
    shown = [
        Mistake(
            row,
            str(ids[row]),
            class_names[labels[row]],
            class_names[guess[row]],
            float(scores[row, guess[row]]),
            float(scores[row, labels[row]]),
        )
        for row in _varied(ranked, kinds, of_group, most)
    ]
    pairs = tuple(
        Pair(class_names[true], class_names[taken], count, count / int(of_class[true]))
        for (true, taken), count in counts.most_common(_MOST_PAIRS)
    )
    return Mistakes(len(labels), right, len(wrong), tuple(shown), pairs, int((confidence >= 0.9).sum()))


def anomaly_mistakes(
    id: ArrayLike,
    target: ArrayLike,
    score: ArrayLike,
    threshold: float,
    class_names: Sequence[str] = ("normal", "anomaly"),
    most: int = MOST,
) -> Mistakes:
    """False alarms with the highest scores and misses with the lowest, in turn.

    Args:
        id: (n,) of the samples.
        target: (n,) 1 for an anomaly, 0 for what is normal.
        score: (n,) higher is more anomalous.
        threshold: from which on a sample is called an anomaly.
        class_names: of normal and anomalous.
        most: mistakes to show.
    """
    ids, labels, scores = np.asarray(id), np.asarray(target), np.asarray(score, dtype=np.float64)
    alarm = scores >= threshold
    right = alarm == (labels == 1)
    order = np.argsort(scores, kind="stable")
    misses = [row for row in order.tolist() if not right[row] and labels[row] == 1]
    alarms = [row for row in order[::-1].tolist() if not right[row] and labels[row] != 1]
    # in turn, and where one kind has no more, the other goes on
    ranks = {row: rank for kind in (alarms, misses) for rank, row in enumerate(kind)}
    rows = sorted(ranks, key=ranks.__getitem__)[:most]
    shown = [
        Mistake(row, str(ids[row]), class_names[int(labels[row])], class_names[int(alarm[row])], float(scores[row]))
        for row in rows
    ]
    pairs = tuple(
        Pair(class_names[kind], class_names[1 - kind], len(found), len(found) / int((labels == kind).sum()))
        for kind, found in sorted(((0, alarms), (1, misses)), key=lambda each: -len(each[1]))
        if found
    )
    return Mistakes(len(labels), right, int((~right).sum()), tuple(shown), pairs, threshold=threshold)


def regression_mistakes(id: ArrayLike, target: ArrayLike, predicted: ArrayLike, most: int = MOST) -> Mistakes:
    """The largest absolute errors.

    Args:
        id: (n,) of the samples.
        target: (n,) true values.
        predicted: (n,) the model's.
        most: samples to show.
    """
    ids, true = np.asarray(id), np.asarray(target, dtype=np.float64)
    given = np.asarray(predicted, dtype=np.float64).reshape(len(true))
    error = np.abs(given - true)
    shown = [
        Mistake(row, str(ids[row]), f"{true[row]:.5g}", f"{given[row]:.5g}", float(error[row]))
        for row in np.argsort(-error, kind="stable")[:most].tolist()
    ]
    return Mistakes(len(true), error, None, tuple(shown))


def _varied(ranked: Sequence[int], kinds: Sequence[Any], groups: Sequence[Any] | None, most: int) -> list[int]:
    """The first `most`, few of them of one kind or one group as long as there are others; in their order."""
    of_kind, of_group = Counter[Any](), Counter[Any]()
    first: list[int] = []
    later: list[int] = []
    for place, kind in enumerate(kinds):
        group = place if groups is None else groups[place]
        usual = of_kind[kind] < max(1, most // PAIR_SHARE) and of_group[group] < OF_GROUP
        if usual:
            of_kind[kind] += 1
            of_group[group] += 1
        (first if usual else later).append(place)
    return [ranked[place] for place in sorted((first + later)[:most])]
