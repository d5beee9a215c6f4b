"""Series: several channels over time or position, such as sensors or power traces."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data.batches import EncodedArray
from projectkit.data.encoders.base import Encoder, as_tensor


class SeriesEncoder(Encoder):
    """Each channel standardised over all rows and positions of the training subset, on the device.

    Standardising each position by itself would need as many numbers as the series is long and would take the shape away that a network is
    to read. A missing value (NaN) becomes its channel's mean.

    Args:
        mean: of each channel, (channels,).
        scale: standard deviation of each channel, 1 where it is constant, (channels,).
        size: channels, length.
    """

    def __init__(self, mean: list[float], scale: list[float], size: list[int]) -> None:
        self.mean = mean
        self.scale = scale
        self.size = size
        self._mean = torch.tensor(mean).view(1, -1, 1)
        self._scale = torch.tensor(scale).view(1, -1, 1)

    @classmethod
    def fit(cls, x: NDArray[np.float32]) -> Self:
        """Moments in float64, channel by channel."""
        mean, scale = [], []
        for channel in range(x.shape[1]):
            values = x[:, channel].astype(np.float64)
            values = values[np.isfinite(values)]
            centre, deviation = (float(values.mean()), float(values.std())) if len(values) else (0.0, 0.0)
            mean.append(centre)
            scale.append(deviation if deviation > 1e-12 * abs(centre) else 1.0)  # see `table.py` for the rounding
        return cls(mean, scale, list(x.shape[1:]))

    def encode(self, x: NDArray[np.float32]) -> EncodedArray:
        """(n, channels, length) float32, unchanged."""
        return EncodedArray(as_tensor(x))

    def on_device(self, x: Tensor) -> Tensor:
        """(batch, channels, length) float32 -> the same with mean 0 and deviation 1 over the training subset."""
        return torch.nan_to_num((x - self._mean.to(x.device)) / self._scale.to(x.device), nan=0.0)

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"mean": self.mean, "scale": self.scale, "size": self.size}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(**state)

    @property
    def facts(self) -> dict[str, Any]:
        """See `Encoder.facts`."""
        return {"shape": tuple(self.size), "in_channels": self.size[0]}
