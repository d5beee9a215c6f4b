"""Sheets: the sizes that a poster can have, and from how far each is read."""

from __future__ import annotations

from dataclasses import dataclass

_INCH_MM = 25.4


@dataclass(frozen=True)
class Sheet:
    """A sheet of paper, or a screen.

    Args:
        name: as `size` in poster.yaml.
        width_mm: as it hangs, orientation applied.
        height_mm: the same.
        distance_m: from which it is read.
        screen: shown by a projector or a display, not printed.
    """

    name: str
    width_mm: float
    height_mm: float
    distance_m: float
    screen: bool = False

    @property
    def landscape(self) -> bool:
        """Wider than tall."""
        return self.width_mm > self.height_mm

    @property
    def short_mm(self) -> float:
        """The shorter side."""
        return min(self.width_mm, self.height_mm)


# name -> width and height in mm as they are usually hung, distance in metres
SHEETS = {
    "A0": Sheet("A0", 841, 1189, 1.5),
    "A1": Sheet("A1", 594, 841, 1.2),
    "A2": Sheet("A2", 420, 594, 0.9),
}


def sheet(name: str, *, landscape: bool | None = None) -> Sheet:
    """The sheet of that name.

    Args:
        name: a key of `SHEETS`.
        landscape: turn it so; None leaves it as it usually hangs.
    """
    found = SHEETS[name]
    if landscape is None or landscape == found.landscape:
        return found
    return Sheet(found.name, found.height_mm, found.width_mm, found.distance_m, found.screen)
