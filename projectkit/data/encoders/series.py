"""Series: several channels over time or position, such as sensors or power traces."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data.encoders.channels import ChannelEncoder, blocks

LIMIT = 10.0  # as in `table.py`; the largest float32 would make every loss NaN


class SeriesEncoder(ChannelEncoder):
    """Float32 series; each channel standardised over all rows and positions of the training subset.

    Standardising each position by itself would need as many numbers as the series is long and would take the shape away that a network is
    to read. A missing value (NaN) becomes its channel's mean, an infinite one `LIMIT` deviations.
    """

    @classmethod
    def fit(cls, x: NDArray[np.float32]) -> Self:
        """Moments of (n, channels, length) in float64, of the finite values, some samples at a time.

        Args:
            x: series, or what gives them slice by slice.
        """
        counts = sum(np.isfinite(block).sum(axis=(0, 2)) for block in blocks(x))
        mean = _sums(x, np.zeros(x.shape[1]), 1) / np.maximum(counts, 1)
        scale = np.sqrt(_sums(x, mean, 2) / np.maximum(counts, 1))
        # a deviation that is rounding, see `table.py`, or of a channel without a value
        scale[(scale <= 1e-12 * np.abs(mean)) | (counts == 0)] = 1.0
        return cls(mean.tolist(), scale.tolist(), list(x.shape[1:]))

    def on_device(self, x: Tensor) -> Tensor:
        """(batch, channels, length) float32 -> the same with mean 0 and deviation 1, and 0 for what is missing."""
        return torch.nan_to_num(super().on_device(x), nan=0.0, posinf=LIMIT, neginf=-LIMIT)


def _sums(x: NDArray[np.float32], centre: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    """The finite values' distances from their channel's centre, to a power, summed, (channels,)."""
    total = np.zeros(x.shape[1])
    for block in blocks(x):
        values = np.where(np.isfinite(block), block, np.nan).astype(np.float64) - centre[:, None]
        total += np.nansum(values**power, axis=(0, 2))
    return total
