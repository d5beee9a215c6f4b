"""How often what takes time may be done while a training runs: so often that all of it together takes a share that nobody notices."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

SHARE = 0.003  # of the training's time; three things are paced, and the record is to cost less than a hundredth


class Pace:
    """Says when something is due again, from how long it took the last time.

    A checkpoint of 8 ms is due again after 2.7 s, one of a second after five and a half minutes. The first is due at once.

    Args:
        share: of the time, that it may take.
        clock: in seconds.
    """

    def __init__(self, share: float = SHARE, clock: Callable[[], float] = time.monotonic) -> None:
        self.share = share
        self.clock = clock
        self._next = 0.0

    def due(self) -> bool:
        """Whether it is time."""
        return self.clock() >= self._next

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Around what is paced."""
        began = self.clock()
        try:
            yield
        finally:
            now = self.clock()
            self._next = now + (now - began) / self.share
