"""Noise, gains and shifts for series: (batch, channels, length) float32, each channel with deviation 1."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from projectkit.data.augmentation.arguments import above_zero, refused
from projectkit.data.augmentation.base import Augmentation, uniform, whole


class _OfSeries(Augmentation):
    for_modality = ("series",)
    standardised = True


class Jitter(_OfSeries):
    """Gaussian noise on every value.

    Args:
        sigma: its deviation, in units of the channel's deviation over the training subset.

    Source: Um et al. 2017, "Data augmentation of wearable sensor data for Parkinson's disease monitoring", ICMI, section 3.
    """

    def __init__(self, sigma: float = 0.05) -> None:
        super().__init__()
        self.sigma = above_zero("Jitter", "sigma", sigma)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch, channels, length): the noise."""
        return torch.randn(shape, generator=generator, device=generator.device).mul_(self.sigma)

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, length) -> the same."""
        return x + drawn.to(x.dtype), y


class Scaling(_OfSeries):
    """Each channel of each series times a factor of its own.

    Args:
        sigma: deviation of the factor, which is Gaussian around 1.

    Source: Um et al. 2017, "Data augmentation of wearable sensor data for Parkinson's disease monitoring", ICMI, section 3.
    """

    def __init__(self, sigma: float = 0.1) -> None:
        super().__init__()
        self.sigma = above_zero("Scaling", "sigma", sigma)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch, channels, 1): the factors."""
        noise = torch.randn((*shape[:2], 1), generator=generator, device=generator.device)
        return noise.mul_(self.sigma).add_(1.0)

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, length) -> the same."""
        return x * drawn.to(x.dtype), y


class Shift(_OfSeries):
    """Moves each series along its axis by a whole number of positions, all channels alike.

    On power traces this is desynchronisation: the leak is no longer at the same place in each trace.

    Args:
        most: the farthest shift in positions; every one from -most to most is equally likely.
        mode: `circular`: what leaves at one end comes in at the other; `padded`: zeros come in, the channel's mean.

    Source: Cagli et al. 2017, "Convolutional neural networks with data augmentation against jitter-based countermeasures", CHES,
    section 4.1 (shifting deformation).
    """

    def __init__(self, most: int, mode: Literal["circular", "padded"] = "circular") -> None:
        super().__init__()
        if most < 1:
            raise refused("Shift", "most", most, "a whole number of 1 or more")
        if mode not in ("circular", "padded"):
            raise refused("Shift", "mode", mode, "circular or padded")
        self.most = most
        self.mode = mode

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch,) int64: how far each series is moved, towards later positions."""
        return whole(uniform(shape[:1], generator), 2 * self.most + 1) - self.most

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, length) -> the same."""
        length = x.shape[2]
        places = torch.arange(length, device=x.device) - drawn[:, None]
        moved = x.gather(2, places.remainder(length)[:, None].expand(x.shape))
        if self.mode == "circular":
            return moved, y
        return torch.where(((places >= 0) & (places < length))[:, None], moved, 0.0), y
