"""What is standardised channel by channel: images and series share all but how the moments are taken."""

from __future__ import annotations

from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data.batches import EncodedArray
from projectkit.data.encoders.base import Encoder, as_tensor


class ChannelEncoder(Encoder):
    """Samples stay as they are in memory; each channel is standardised on the device.

    Args:
        mean: of each channel over the training subset, (channels,).
        scale: standard deviation of each channel, 1 where it is constant, (channels,).
        size: shape of a sample, channels first.
    """

    def __init__(self, mean: list[float], scale: list[float], size: list[int]) -> None:
        self.mean = mean
        self.scale = scale
        self.size = size
        shape = (1, -1, *(1 for _ in size[1:]))
        self._mean = torch.tensor(mean).view(shape)
        self._scale = torch.tensor(scale).view(shape)

    def encode(self, x: NDArray[Any]) -> EncodedArray:
        """(n, channels, ...), unchanged."""
        return EncodedArray(as_tensor(x))

    def on_device(self, x: Tensor) -> Tensor:
        """(batch, channels, ...) -> float32 with mean 0 and deviation 1 over the training subset."""
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
