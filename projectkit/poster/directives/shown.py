"""What a poster shows of its runs, remembered: each number and each figure with the run that it came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """One number, or one figure, on a poster.

    Args:
        where: file and line that ask for it.
        run: the run's id.
        subset: that was evaluated; None for what was logged while training.
        what: the metric's name (`f1_macro`, `val/loss`) or the figure's (`confusion`).
        value: of a number; None for a figure.
        text: the number as it is printed; empty for a figure.
    """

    where: str
    run: str
    subset: str | None
    what: str
    value: float | None = None
    text: str = ""
