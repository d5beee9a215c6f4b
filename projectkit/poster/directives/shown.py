"""What a poster shows of its runs, remembered: each number and each figure with the run that it came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """One number, or one figure, on a poster.

    Args:
        where: file and line that ask for it.
        run: the run's id; of a mean over several runs the first one's.
        subset: that was evaluated; None for what was logged while training.
        what: the metric's name (`f1_macro`, `val/loss`), the figure's (`confusion`), or what else the run was asked for (`samples`).
        value: of a number; None for a figure.
        text: the number as it is printed; empty for a figure.
        mean_of: the ids of all runs that the value is the mean of; empty where it is one run's.
    """

    where: str
    run: str
    subset: str | None
    what: str
    value: float | None = None
    text: str = ""
    mean_of: tuple[str, ...] = ()
