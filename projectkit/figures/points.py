"""Points of a line: as many as can be seen."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

_MOST = 1500  # more than a page has pixels across


def envelope(values: NDArray[np.float64], most: int = _MOST) -> NDArray[np.int64]:
    """Indices of the lowest and the highest value of each stretch, in order: a line through them looks like that through all.

    Args:
        values: (n,).
        most: indices, about.
    """
    if len(values) <= most:
        return np.arange(len(values))
    bounds = np.linspace(0, len(values), most // 2 + 1).astype(int)
    ends = [
        begin + place
        for begin, end in itertools.pairwise(bounds)
        for place in sorted((int(values[begin:end].argmin()), int(values[begin:end].argmax())))
    ]
    return np.unique([0, *ends, len(values) - 1])
