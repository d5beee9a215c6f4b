"""Brightness, contrast, saturation and hue of images, in an order that is each image's own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from projectkit.data.augmentation.arguments import interval, refused
from projectkit.data.augmentation.base import Augmentation, uniform
from projectkit.errors import UserError

_LUMA = (0.2989, 0.587, 0.114)  # ITU-R BT.601, with torchvision's digits
_MOST = 255.0
_BLENDS = 3  # brightness, contrast, saturation


class ColorJitter(Augmentation):
    """Changes brightness, contrast, saturation and hue of each image by factors, and in an order, of its own.

    Three of the four are blends of the image with black, with its mean grey or with its own grey, so that one step serves all images of a
    batch whichever of them it is for each. A hue costs as much as three blends; it is turned once, between the blends that come before it
    and those that come after it.

    Args:
        brightness: the factor is uniform in [max(0, 1 - brightness), 1 + brightness], or between two numbers of 0 or more.
        contrast: likewise.
        saturation: likewise; images of one channel have none.
        hue: the turn is uniform in [-hue, hue] of the colour circle, up to 0.5, or between two numbers; images of one channel have none.

    Counterpart: `torchvision.transforms.v2.ColorJitter`, as it is applied to one image after the other; bytes are cut to whole grey
    levels after each of the four as there.
    """

    for_modality = ("image",)

    def __init__(
        self,
        brightness: float | Sequence[float] = 0.0,
        contrast: float | Sequence[float] = 0.0,
        saturation: float | Sequence[float] = 0.0,
        hue: float | Sequence[float] = 0.0,
    ) -> None:
        super().__init__()
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)
        if isinstance(hue, int | float):
            hue = (-hue, hue)
        self.hue = interval("ColorJitter", "hue", hue, -0.5, 0.5)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch, 8): the three factors, the hue's turn, and four numbers whose order is the order of the four."""
        drawn = uniform((8, shape[0]), generator)
        limits = (self.brightness, self.contrast, self.saturation, self.hue)
        for number, (low, high) in enumerate(limits):
            drawn[number].mul_(high - low).add_(low)
        return drawn.T

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 1 or 3, height, width); bytes stay bytes, other types are grey levels from 0 to 255 too."""
        if x.shape[1] not in (1, 3):
            remedy = "leave ColorJitter out of data.augment"
            raise UserError(
                f"images of {x.shape[1]} channels have no brightness or hue", where="ColorJitter", remedy=remedy
            )
        grey_only = x.shape[1] == 1
        # a copy that is changed in place from here on: on a CPU new memory costs more than the sums that fill it
        pixels = x.to(torch.float32, copy=True)
        exact = not x.is_floating_point()
        limits = (self.brightness, self.contrast, (1.0, 1.0) if grey_only else self.saturation)
        used = [at for at, each in enumerate(limits) if each != (1.0, 1.0)]
        keys = drawn[:, 4:]
        # which blend each image has at each step, (batch, steps)
        order = torch.stack([torch.full_like(keys[:, 0], at) for at in used], dim=1) if used else keys[:, :0]
        order = order.gather(1, keys[:, used].argsort(dim=1))
        if grey_only or self.hue == (0.0, 0.0):
            for step in range(len(used)):
                pixels = self._blended(pixels, order[:, step], drawn, None, exact)
            return pixels.to(x.dtype), y
        before = (keys[:, used] < keys[:, 3:]).sum(dim=1)  # how many blends come before the hue
        for step in range(len(used)):
            pixels = self._blended(pixels, order[:, step], drawn, step < before, exact)
        pixels = _turned(pixels, drawn[:, 3], exact)
        for step in range(len(used)):
            pixels = self._blended(pixels, order[:, step], drawn, step >= before, exact)
        return pixels.to(x.dtype), y

    def _blended(self, pixels: Tensor, kind: Tensor, drawn: Tensor, now: Tensor | None, exact: bool) -> Tensor:
        """One blend of each image: with black (kind 0), with its mean grey (1), or with its grey (2); none where not `now`."""
        kind = kind.view(-1, 1, 1, 1)
        brightness, contrast, saturation = (drawn[:, at].view(-1, 1, 1, 1) for at in range(3))
        factor = torch.where(kind == 0, brightness, torch.where(kind == 1, contrast, saturation))
        if now is not None:
            factor = torch.where(now.view(-1, 1, 1, 1), factor, 1.0)
        if self.contrast == (1.0, 1.0) and self.saturation == (1.0, 1.0):
            pixels.mul_(factor)
        else:
            grey = _grey(pixels, exact)
            mean = grey.mean(dim=(1, 2, 3), keepdim=True)
            # one number an image for each, so that no pixel is chosen by itself
            of_grey, of_mean = (1.0 - factor) * (kind == 2), (1.0 - factor) * (kind == 1)
            other = grey * of_grey + mean * of_mean
            pixels.mul_(factor).add_(other)
        pixels.clamp_(0.0, _MOST)
        return pixels.floor_() if exact else pixels


def _grey(pixels: Tensor, exact: bool) -> Tensor:
    """(batch, channels, height, width) -> (batch, 1, height, width)."""
    if pixels.shape[1] == 1:
        return pixels
    red, green, blue = (pixels[:, at : at + 1] for at in range(3))
    grey: Tensor = red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2]
    return grey.floor() if exact else grey


def _turned(pixels: Tensor, turn: Tensor, exact: bool) -> Tensor:
    """Red, green and blue whose hue is turned by a share of the circle, (batch,).

    Source: Smith 1978, "Color gamut transform pairs", hexcone model; back to red, green and blue by one formula for the three channels,
    v - v * s * max(0, min(k, 4 - k, 1)) with k = (n + 6 * hue) mod 6 and n = 5, 3, 1.
    """
    red, green, blue = pixels.unbind(dim=1)
    most, least = (pick(pick(red, green), blue) for pick in (torch.maximum, torch.minimum))
    spread = most - least
    # which channel is the largest, as weights that are 0 or 1: on a CPU `where` takes over ten times as long as `lerp`
    not_red, not_green = (most - red).sign_(), (most - green).sign_()
    below_green = torch.lerp((blue - red).add_(spread, alpha=2.0), (red - green).add_(spread, alpha=4.0), not_green)
    sixth = torch.lerp(green - blue, below_green, not_red).div_(spread.clamp(min=1e-6))
    sixth.add_(turn.view(-1, 1, 1), alpha=6.0)
    channels = []
    for offset in (5.0, 3.0, 1.0):
        place = sixth + offset
        place.sub_((place / 6.0).floor_(), alpha=6.0)  # modulo 6
        channels.append(most - torch.minimum(place, 4.0 - place).clamp_(0.0, 1.0).mul_(spread))
    turned = torch.stack(channels, dim=1)
    # to bytes as torchvision has it: 256 steps of equal width, so that the whole of 0 to 1 is used
    return turned.mul_((_MOST + 1 - 1e-3) / _MOST).floor_() if exact else turned


def _factors(name: str, value: float | Sequence[float]) -> tuple[float, float]:
    """One number for both sides of 1, cut at 0; or the two ends."""
    if isinstance(value, int | float):
        if not (math.isfinite(value) and value >= 0):
            raise refused("ColorJitter", name, value, "a number of 0 or more, or two numbers in order")
        value = (max(0.0, 1.0 - value), 1.0 + value)
    return interval("ColorJitter", name, value, 0.0)
