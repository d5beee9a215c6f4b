"""Images: uint8 in memory, float32 on the device."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from projectkit.data.encoders.channels import ChannelEncoder

_LEVELS = 256
_CHUNK = 1 << 20  # pixels that are counted at a time: counting makes eight bytes of each


class ImageEncoder(ChannelEncoder):
    """Images stay uint8 until they are on the device; mean and deviation are in 0..255."""

    @classmethod
    def fit(cls, x: NDArray[np.uint8]) -> Self:
        """Exact moments of (n, channels, height, width) from each channel's histogram: no float copy of the whole set."""
        levels = np.arange(_LEVELS, dtype=np.float64)
        mean, scale = [], []
        for channel in range(x.shape[1]):
            counts = _histogram(x[:, channel])
            share = counts / counts.sum()
            centre = float(share @ levels)
            mean.append(centre)
            scale.append(float(np.sqrt(share @ (levels - centre) ** 2)) or 1.0)
        return cls(mean, scale, list(x.shape[1:]))


def _histogram(x: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each level occurs in (n, height, width), (256,)."""
    counts = np.zeros(_LEVELS, dtype=np.int64)
    step = max(1, _CHUNK // max(1, x[0].size))
    for start in range(0, len(x), step):
        counts += np.bincount(x[start : start + step].reshape(-1), minlength=_LEVELS)
    return counts
