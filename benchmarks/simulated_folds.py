"""Two learning algorithms that are equally good by construction, on repeated random splits of one small data set."""

from __future__ import annotations

from typing import Any

import numpy as np

SAMPLES, TESTED, SPLITS, FEATURES = 100, 20, 15, 6
_SHIFT = 0.35  # of a feature's mean between the classes, either side of 0


def folds_drawn(rng: np.random.Generator) -> tuple[Any, Any, float]:
    """Accuracies of both algorithms, (splits,) each, and how many samples were tested for each trained on.

    Both tell two classes by the nearer mean; one sees the first half of the features, the other the second half, and both halves tell as
    much. The data set is new in every call, and the same in all of its splits, as in practice.

    Source: the simulations of Nadeau & Bengio 2003, "Inference for the generalization error", section 5.
    """
    target = rng.integers(0, 2, SAMPLES)
    inputs = rng.normal(size=(SAMPLES, 2 * FEATURES)) + _SHIFT * (2 * target[:, None] - 1)
    accuracies = np.empty((2, SPLITS))
    for split in range(SPLITS):
        order = rng.permutation(SAMPLES)
        test, train = order[:TESTED], order[TESTED:]
        for which, columns in enumerate((slice(0, FEATURES), slice(FEATURES, None))):
            means = [inputs[train[target[train] == label], columns].mean(axis=0) for label in (0, 1)]
            said = (inputs[test, columns] - (means[0] + means[1]) / 2) @ (means[1] - means[0]) > 0
            accuracies[which, split] = np.mean(said == target[test])
    return accuracies[0], accuracies[1], TESTED / (SAMPLES - TESTED)
