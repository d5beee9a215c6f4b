"""What speaks for a class and what against it: two colours around white, and a page whose places are given in millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.style import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

FOR, AGAINST = PALETTE[0], PALETTE[1]
FOR_WORDS, AGAINST_WORDS = "for the class", "against it"
_ENDS = (  # white lies at 0; the ends are as dark as each other, so that neither looks stronger
    (0.0, "#8C3B00"),
    (0.2, AGAINST),
    (0.5, "#FFFFFF"),
    (0.8, FOR),
    (1.0, "#00456E"),
)


def colours() -> LinearSegmentedColormap:
    """From against (orange) over nothing (white) to for (blue)."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("diverging", list(_ENDS))


def finite(values: ArrayLike, what: str) -> NDArray[np.float64]:
    """Attributions as numbers; what is no number is refused, for a picture would hide it."""
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{what}: an attribution is NaN or infinite")
    return numbers


def largest(values: NDArray[np.float64], quantile: float = 1.0) -> float:
    """The magnitude at which the colours end: of the largest values, or of a quantile; 1 where all are 0."""
    if not values.size:
        return 1.0
    magnitudes = np.abs(values)
    return float(np.quantile(magnitudes, quantile)) or float(magnitudes.max()) or 1.0


def page(figure: Figure) -> Axes:
    """Axes over the whole figure, in millimetres from its upper left corner."""
    width, height = figure.get_size_inches() * 25.4
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in millimetres from the upper left corner of the figure."""
    whole, high = figure.get_size_inches() * 25.4
    return figure.add_axes((left / whole, 1 - (top + height) / high, width / whole, height / high))
