"""Images: uint8 in memory, float32 on the device."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from projectkit.data.encoders.channels import ChannelEncoder, blocks

_LEVELS = 256


class ImageEncoder(ChannelEncoder):
    """Images stay uint8 until they are on the device; mean and deviation are in 0..255."""

    @classmethod
    def fit(cls, x: NDArray[np.uint8]) -> Self:
        """Exact moments of (n, channels, height, width) from each channel's histogram: no float copy of the whole set.

        Args:
            x: images, or what gives them slice by slice.
        """
        levels = np.arange(_LEVELS, dtype=np.float64)
        mean, scale = [], []
        for counts in _histograms(x):
            share = counts / counts.sum()
            centre = float(share @ levels)
            mean.append(centre)
            scale.append(float(np.sqrt(share @ (levels - centre) ** 2)) or 1.0)
        return cls(mean, scale, list(x.shape[1:]))


def _histograms(x: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each level occurs in each channel of (n, channels, height, width), (channels, 256)."""
    counts = np.zeros((x.shape[1], _LEVELS), dtype=np.int64)
    for block in blocks(x):
        for channel in range(x.shape[1]):
            counts[channel] += np.bincount(block[:, channel].reshape(-1), minlength=_LEVELS)
    return counts
