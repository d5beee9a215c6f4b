"""Images: uint8 in memory, float32 on the device."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data.batches import EncodedArray
from projectkit.data.encoders.base import Encoder, as_tensor

_LEVELS = 256
_CHUNK = 1 << 20  # pixels that are counted at a time: counting makes eight bytes of each


class ImageEncoder(Encoder):
    """Images stay uint8 until they are on the device, then each channel is standardised.

    Args:
        mean: of each channel over the training subset, in 0..255, (channels,).
        scale: standard deviation of each channel, in 0..255, (channels,).
        size: channels, height, width.
    """

    def __init__(self, mean: list[float], scale: list[float], size: list[int]) -> None:
        self.mean = mean
        self.scale = scale
        self.size = size
        self._mean = torch.tensor(mean).view(1, -1, 1, 1)
        self._scale = torch.tensor(scale).view(1, -1, 1, 1)

    @classmethod
    def fit(cls, x: NDArray[np.uint8]) -> Self:
        """Exact moments from each channel's histogram: no float copy of the whole set."""
        levels = np.arange(_LEVELS, dtype=np.float64)
        mean, scale = [], []
        for channel in range(x.shape[1]):
            counts = _histogram(x[:, channel])
            share = counts / counts.sum()
            centre = float(share @ levels)
            mean.append(centre)
            scale.append(float(np.sqrt(share @ (levels - centre) ** 2)) or 1.0)
        return cls(mean, scale, list(x.shape[1:]))

    def encode(self, x: NDArray[np.uint8]) -> EncodedArray:
        """(n, channels, height, width) uint8, unchanged."""
        return EncodedArray(as_tensor(x))

    def on_device(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) uint8 -> float32 with mean 0 and deviation 1 over the training subset."""
        return (x.float() - self._mean.to(x.device)) / self._scale.to(x.device)

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


def _histogram(x: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each level occurs in (n, height, width), (256,)."""
    counts = np.zeros(_LEVELS, dtype=np.int64)
    step = max(1, _CHUNK // max(1, x[0].size))
    for start in range(0, len(x), step):
        counts += np.bincount(x[start : start + step].reshape(-1), minlength=_LEVELS)
    return counts
