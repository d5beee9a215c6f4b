"""Several tests at once: whoever makes a hundred finds five at p < .05 where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float], family: int | None = None) -> list[float]:
    """Holm's correction of p values for how many tests there are.

    Args:
        p: as they were computed, in any order.
        family: how many tests there could have been; None: as many as were made.

    Returns:
        The corrected values in the same order, at most 1.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = sorted(range(len(p)), key=lambda index: p[index])
    corrected, highest = [0.0] * len(p), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (max(family or 0, len(p)) - rank) * p[index]))
        corrected[index] = highest
    return corrected
