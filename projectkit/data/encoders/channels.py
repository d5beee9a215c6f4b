"""What is standardised channel by channel: images and series share all but how the moments are taken."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data.batches import EncodedArray
from projectkit.data.encoders.base import Encoder, as_tensor

BLOCK = 1 << 20  # values that are looked at a time: moments and counts make eight bytes of each


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
        self._moments = {torch.device("cpu"): (torch.tensor(mean).view(shape), torch.tensor(scale).view(shape))}

    def encode(self, x: NDArray[Any]) -> EncodedArray:
        """(n, channels, ...), unchanged."""
        return EncodedArray(as_tensor(x))

    def on_device(self, x: Tensor) -> Tensor:
        """(batch, channels, ...) -> float32 with mean 0 and deviation 1 over the training subset."""
        if x.device not in self._moments:  # copied once: a copy a batch makes the CPU wait for a GPU
            mean, scale = self._moments[torch.device("cpu")]
            self._moments[x.device] = mean.to(x.device), scale.to(x.device)
        mean, scale = self._moments[x.device]
        return (x - mean).div_(scale)

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


def blocks(x: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Some samples at a time, of arrays that may be larger than the memory."""
    step = max(1, BLOCK // max(1, math.prod(x.shape[1:])))
    for start in range(0, len(x), step):
        yield x[start : start + step]
