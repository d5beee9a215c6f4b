"""The time that a check may take, shared out: what did not fit into it is said."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """Seconds for a whole check, of which each part asks for a share of what is left.

    Args:
        seconds: of the whole check.
        clock: in seconds; another one in tests.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = seconds
        self._clock = clock
        self._ends = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, 0 where none is."""
        return max(0.0, self._ends - self._clock())

    def share(self, part: float) -> float:
        """So much of what is left, in seconds.

        Args:
            part: in [0, 1].
        """
        return part * self.left
