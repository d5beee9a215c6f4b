"""Parts of images that are blotted out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from projectkit.data.augmentation.arguments import interval, refused, share
from projectkit.data.augmentation.base import Augmentation, uniform, whole

_TRIES = 10  # as many as torchvision makes


class _Erasing(Augmentation):
    """What both share: a rectangle of each image gets one value."""

    for_modality = ("image",)
    standardised = True  # 0 is the mean of the training images, as in both papers

    def __init__(self, value: float | Sequence[float]) -> None:
        super().__init__()
        values = [float(each) for each in (value if isinstance(value, Sequence) else [value])]
        if not values or not all(math.isfinite(each) for each in values):
            raise refused(type(self).__name__, "value", value, "a number, or one for each channel")
        self.register_buffer("value", torch.tensor(values).view(1, -1, 1, 1), persistent=False)

    value: Tensor

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, height, width); `drawn` is (batch, 4): top, left, bottom and right, the last two outside."""
        if self.value.shape[1] not in (1, x.shape[1]):
            name, given = type(self).__name__, self.value.flatten().tolist()
            raise refused(name, "value", given, f"one number, or {x.shape[1]}, one for each channel")
        top, left, bottom, right = drawn.view(-1, 4, 1, 1).unbind(dim=1)
        rows = torch.arange(x.shape[2], device=x.device)[:, None]
        columns = torch.arange(x.shape[3], device=x.device)
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        return torch.where(inside[:, None], self.value.to(x.device, x.dtype, non_blocking=True), x), y


class RandomErasing(_Erasing):
    """Gives one value to a rectangle at a random place, for a share of the images.

    Args:
        p: how likely an image loses a rectangle, in [0, 1].
        scale: smallest and largest share of the image's area, in [0, 1].
        ratio: smallest and largest height divided by width, above 0; uniform in its logarithm.
        value: of the rectangle, in deviations from the training images' mean: a number, or one for each channel.

    Counterpart: `torchvision.transforms.v2.RandomErasing` behind `Normalize`, without `value="random"`.
    Source: Zhong et al. 2020, "Random erasing data augmentation", AAAI.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | Sequence[float] = 0.0,
    ) -> None:
        super().__init__(value)
        self.p = share("RandomErasing", "p", p)
        self.scale = interval("RandomErasing", "scale", scale, 0.0, 1.0)
        self.ratio = interval("RandomErasing", "ratio", ratio, 1e-3)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch, 4) int64: top, left, bottom, right; an empty rectangle where nothing is erased."""
        height, width = shape[2:]
        chosen, down, across = uniform((3, shape[0]), generator)
        areas, ratios = uniform((2, shape[0], _TRIES), generator)
        area = (self.scale[0] + areas * (self.scale[1] - self.scale[0])) * (height * width)
        low, high = (math.log(each) for each in self.ratio)
        ratio = torch.exp(low + ratios * (high - low))
        tall, wide = torch.sqrt(area * ratio).round(), torch.sqrt(area / ratio).round()
        fits = (tall < height) & (wide < width)  # the first try that does is taken; none: nothing is erased
        first = fits.int().argmax(dim=1, keepdim=True)
        erased = fits.any(dim=1) & (chosen < self.p)
        tall = tall.gather(1, first).squeeze(1).long() * erased
        wide = wide.gather(1, first).squeeze(1).long() * erased
        top, left = whole(down, height - tall + 1), whole(across, width - wide + 1)
        return torch.stack((top, left, top + tall, left + wide), dim=1)


class Cutout(_Erasing):
    """Gives one value to a square whose middle is anywhere in the image, so that a part of it may lie outside.

    Args:
        size: side of the square in pixels.
        value: of the square, in deviations from the training images' mean: a number, or one for each channel.

    Counterpart: none in torchvision; `RandomErasing` draws rectangles that lie inside.
    Source: DeVries & Taylor 2017, "Improved regularization of convolutional neural networks with Cutout".
    """

    def __init__(self, size: int, value: float | Sequence[float] = 0.0) -> None:
        super().__init__(value)
        if size < 1:
            raise refused("Cutout", "size", size, "a whole number of 1 or more")
        self.size = size

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch, 4) int64: top, left, bottom, right."""
        down, across = uniform((2, shape[0]), generator)
        top, left = whole(down, shape[2]) - self.size // 2, whole(across, shape[3]) - self.size // 2
        return torch.stack((top, left, top + self.size, left + self.size), dim=1)
