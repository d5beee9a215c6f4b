"""Which neighbours: k and the distance, by cross-validation within the training rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.report.baseline import drawn

COUNTS = (1, 3, 5, 9, 15, 25)
DISTANCES = {"L1": "manhattan", "L2": "euclidean"}
_FOLDS = 3
_MOST = 6_000  # rows that take part: twelve choices are told apart by fewer than a model needs


@dataclass(frozen=True)
class Choice:
    """The number of neighbours and the distance, and how they were found.

    Args:
        k: neighbours.
        distance: `L1` or `L2`.
        f1_macro: of the choice, the mean of the folds; None where too few groups are there to choose by.
        rows: that took part in the choosing.
    """

    k: int
    distance: str
    f1_macro: float | None
    rows: int


def choose(x: Any, y: NDArray[np.int64], clusters: NDArray[np.int64] | None, seed: int) -> Choice:
    """Try every number and distance on folds of the training rows that share no cluster.

    Args:
        x: (n, values).
        y: class indices, (n,).
        clusters: (n,) rows with equal numbers stay in one fold; None: every row is one by itself.
        seed: of the folds.

    Returns:
        The choice with the highest mean macro F1; of equals the fewest neighbours.

    Source: Hastie, Tibshirani & Friedman 2009, "The Elements of Statistical Learning", section 7.10.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    rows = drawn(np.arange(len(y)), _MOST, seed)
    x, y = x[rows], y[rows]
    groups = np.arange(len(rows)) if clusters is None else clusters[rows]
    if len(np.unique(groups)) < 2 * _FOLDS:
        return Choice(min(5, len(y)), "L2", None, 0)
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    scores: dict[tuple[int, str], list[float]] = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)  # it is in fewer folds then
        parts = list(folds.split(x, y, groups))
    for name, metric in DISTANCES.items():
        for train, held in parts:
            for k, score in _scores(x, y, train, held, metric).items():
                scores.setdefault((k, name), []).append(score)
    means = {choice: float(np.mean(found)) for choice, found in scores.items() if len(found) == len(parts)}
    k, name = max(sorted(means), key=means.__getitem__)
    return Choice(k, name, means[k, name], len(rows))


def _scores(x: Any, y: NDArray[np.int64], train: Any, held: Any, metric: str) -> dict[int, float]:
    """Macro F1 of each number of neighbours: the neighbours are looked up once."""
    from sklearn.metrics import f1_score
    from sklearn.neighbors import NearestNeighbors

    most = min(max(COUNTS), len(train))
    found = NearestNeighbors(n_neighbors=most, metric=metric, algorithm="brute").fit(x[train])
    labels = y[train][found.kneighbors(x[held], return_distance=False)]
    votes = np.zeros((len(held), int(y.max()) + 1))
    scores, asked = {}, np.arange(len(held))
    for place in range(most):
        votes[asked, labels[:, place]] += 1
        if place + 1 in COUNTS:
            scores[place + 1] = float(f1_score(y[held], votes.argmax(axis=1), average="macro"))
    return scores
