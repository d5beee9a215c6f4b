"""Series: several channels over time or position, such as sensors or power traces."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data.encoders.channels import ChannelEncoder

LIMIT = 10.0  # as in `table.py`; the largest float32 would make every loss NaN


class SeriesEncoder(ChannelEncoder):
    """Float32 series; each channel standardised over all rows and positions of the training subset.

    Standardising each position by itself would need as many numbers as the series is long and would take the shape away that a network is
    to read. A missing value (NaN) becomes its channel's mean, an infinite one `LIMIT` deviations.
    """

    @classmethod
    def fit(cls, x: NDArray[np.float32]) -> Self:
        """Moments of (n, channels, length) in float64, channel by channel."""
        mean, scale = [], []
        for channel in range(x.shape[1]):
            values = x[:, channel].astype(np.float64)
            values = values[np.isfinite(values)]
            centre, deviation = (float(values.mean()), float(values.std())) if len(values) else (0.0, 0.0)
            mean.append(centre)
            scale.append(deviation if deviation > 1e-12 * abs(centre) else 1.0)  # see `table.py` for the rounding
        return cls(mean, scale, list(x.shape[1:]))

    def on_device(self, x: Tensor) -> Tensor:
        """(batch, channels, length) float32 -> the same with mean 0 and deviation 1, and 0 for what is missing."""
        return torch.nan_to_num(super().on_device(x), nan=0.0, posinf=LIMIT, neginf=-LIMIT)
