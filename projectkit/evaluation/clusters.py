"""Which samples of a subset were drawn together, and so count for less than as many independent ones.

Frames of one video, URLs of one host: another draw of the subset would have had other videos, each with all of its frames. That holds for
groups that the split kept apart from train. A group that train has as well is no draw: another subset would have other samples of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST = 5
"""Groups from which a spread between groups can be told; from fewer, intervals of anything are as wide as the scale."""
FEW = 25  # groups; intervals of fewer hold the truth a little too rarely, see benchmarks/RESULTS.md


@dataclass(frozen=True, eq=False)
class Clusters:
    """What the intervals are drawn by.

    Args:
        numbers: of the group that each sample was drawn with, (n,); None: each sample was drawn by itself.
        note: what a reader of the intervals must know, or None.
    """

    numbers: NDArray[np.intp] | None = None
    note: str | None = None


def clusters_of(groups: ArrayLike | None, of_train: ArrayLike | None = None) -> Clusters:
    """The clusters of a subset.

    Args:
        groups: of each sample, (n,), or None.
        of_train: the groups of the training samples, (m,), or None where none of the subset's groups is in train.
    """
    if groups is None or not len(np.asarray(groups)):
        return Clusters()
    names = np.asarray(groups)
    alone = np.zeros(len(names), dtype=bool) if of_train is None else np.isin(names, np.unique(np.asarray(of_train)))
    held_out, numbers = np.unique(names[~alone], return_inverse=True)
    if len(held_out) == int((~alone).sum()):  # each sample a group of its own
        return Clusters()
    count = len(held_out)
    told = f"{count} group{'s' * (count > 1)}"
    if count < FEWEST:
        return Clusters(
            note=f"the samples come in {told}, too few to draw by: the intervals hold for samples of these alone"
        )
    found = np.empty(len(names), dtype=np.intp)
    found[~alone] = numbers.reshape(-1)
    found[alone] = count + np.arange(int(alone.sum()))
    return Clusters(found, f"the samples come in {told}: take the intervals for a hint" if count <= FEW else None)
