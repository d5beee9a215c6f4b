"""Random numbers that are the same on every machine and with every version of numpy, for the synthetic data sets.

numpy guarantees the raw 64-bit stream of a bit generator, not what `Generator`'s methods make of it, and log or cos may differ in the
last bit between processors. So everything here is made of raw draws, additions and multiplications.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


class Draws:
    """A stream of draws from one seed."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Uniform in [0, 1), of this shape."""
        raw = self._bits.random_raw(math.prod(shape))
        return (np.asarray(raw, dtype=np.uint64) >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53

    def below(self, bound: int, *shape: int) -> NDArray[np.int64]:
        """Whole numbers 0 .. bound - 1, of this shape."""
        return (self.uniform(*shape) * bound).astype(np.int64)

    def bell(self, *shape: int) -> NDArray[np.float64]:
        """Mean 0, variance 1, nearly normal (Irwin-Hall: the sum of twelve uniform draws, less 6)."""
        total = np.zeros(shape)
        for _ in range(12):  # one by one, not np.sum, whose order of addition depends on the processor
            total += self.uniform(*shape)
        return total - 6.0
