"""Rotations and other affine maps of images: every image is sampled at its own grid of points, all of them at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from projectkit.data.augmentation.arguments import interval, refused
from projectkit.data.augmentation.base import Augmentation, uniform

Interpolation = Literal["nearest", "bilinear"]


class _Affine(Augmentation):
    """What rotations and affine maps share: each image is moved by its own 2 x 3 matrix."""

    for_modality = ("image",)

    def __init__(self, interpolation: Interpolation, fill: float) -> None:
        super().__init__()
        name = type(self).__name__
        if interpolation not in ("nearest", "bilinear"):
            raise refused(name, "interpolation", interpolation, "nearest or bilinear")
        if not 0 <= fill <= 255:
            raise refused(name, "fill", fill, "a grey level from 0 to 255")
        self.interpolation = interpolation
        self.fill = fill

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, height, width); bytes are rounded to the nearest grey level."""
        height, width = x.shape[2:]
        across = torch.arange(width, device=x.device) - (width - 1) / 2
        down = (torch.arange(height, device=x.device) - (height - 1) / 2)[:, None]
        matrix = drawn.view(-1, 6, 1, 1)
        # where each pixel comes from, in the units of `grid_sample`: the image goes from -1 to 1
        from_column = (matrix[:, 0] * across + matrix[:, 1] * down + matrix[:, 2]) / (width / 2)
        from_row = (matrix[:, 3] * across + matrix[:, 4] * down + matrix[:, 5]) / (height / 2)
        grid = torch.stack((from_column, from_row), dim=-1)
        # with the fill as zero, what lies outside needs no mask
        moved = functional.grid_sample(x.float() - self.fill, grid, self.interpolation, "zeros", align_corners=False)
        moved = moved + self.fill
        return (moved if x.is_floating_point() else moved.round().to(x.dtype)), y


class RandomRotation(_Affine):
    """Turns each image around its middle by an angle of its own.

    Args:
        degrees: how far, anticlockwise: two numbers, or one for both directions.
        interpolation: `nearest` or `bilinear`.
        fill: grey level of what comes from outside, 0 to 255.

    Counterpart: `torchvision.transforms.v2.RandomRotation` without `expand` and `center`. Bilinear pixels at the rim are those of an image
    that goes on in the colour of the fill; torchvision's are darker, as it takes the share of the fill twice.
    """

    def __init__(
        self, degrees: float | Sequence[float], interpolation: Interpolation = "nearest", fill: float = 0
    ) -> None:
        super().__init__(interpolation, fill)
        self.degrees = _both_ways("RandomRotation", "degrees", degrees)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch, 2, 3): the map from a pixel's place to where it comes from, both from the middle of the image."""
        angle = _between(uniform(shape[:1], generator), self.degrees) * (math.pi / 180)
        return _matrix(torch.cos(angle), -torch.sin(angle), torch.sin(angle), torch.cos(angle))


class RandomAffine(_Affine):
    """Turns, shears, scales and shifts each image by amounts of its own; its middle is the centre of it all.

    Args:
        degrees: of the rotation, clockwise: two numbers, or one for both directions.
        translate: the farthest shift to the sides and up or down, as shares of width and height, both in [0, 1]. Shifts are whole pixels.
        scale: smallest and largest factor, above 0.
        shear: in degrees: one number for x in both directions; two for x; four for x and y.
        interpolation: `nearest` or `bilinear`.
        fill: grey level of what comes from outside, 0 to 255.

    Counterpart: `torchvision.transforms.v2.RandomAffine` without `center`; for the rim see `RandomRotation`.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: Interpolation = "nearest",
        fill: float = 0,
    ) -> None:
        super().__init__(interpolation, fill)
        self.degrees = _both_ways("RandomAffine", "degrees", degrees)
        self.translate = (0.0, 0.0)
        if translate is not None:
            if len(translate) != 2 or not all(0 <= each <= 1 for each in translate):
                raise refused("RandomAffine", "translate", list(translate), "two numbers from 0 to 1")
            self.translate = (float(translate[0]), float(translate[1]))
        self.scale = (1.0, 1.0) if scale is None else interval("RandomAffine", "scale", scale, 1e-3)
        self.shear_x = self.shear_y = (0.0, 0.0)
        if isinstance(shear, Sequence) and len(shear) == 4:
            self.shear_x, self.shear_y = (
                interval("RandomAffine", "shear", shear[at : at + 2], -89, 89) for at in (0, 2)
            )
        elif shear is not None:
            self.shear_x = _both_ways("RandomAffine", "shear", shear, -89, 89)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch, 2, 3): the map from a pixel's place to where it comes from, both from the middle of the image.

        Source: the order is torchvision's, M = shift * turn * scale * shear in y * shear in x; this is its inverse.
        """
        drawn = uniform((6, shape[0]), generator)
        radians = math.pi / 180
        angle = _between(drawn[0], self.degrees) * radians
        right = (_between(drawn[1], (-1.0, 1.0)) * (self.translate[0] * shape[3])).round()
        down = (_between(drawn[2], (-1.0, 1.0)) * (self.translate[1] * shape[2])).round()
        scale = _between(drawn[3], self.scale)
        shear_x, shear_y = _between(drawn[4], self.shear_x) * radians, _between(drawn[5], self.shear_y) * radians
        # the map without its scale has determinant 1, so its inverse is written down at once
        a = torch.cos(angle - shear_y) / torch.cos(shear_y)
        c = torch.sin(angle - shear_y) / torch.cos(shear_y)
        b = -a * torch.tan(shear_x) - torch.sin(angle)
        d = -c * torch.tan(shear_x) + torch.cos(angle)
        return _matrix(d / scale, -b / scale, -c / scale, a / scale, right, down)


def _matrix(
    xx: Tensor, xy: Tensor, yx: Tensor, yy: Tensor, right: Tensor | None = None, down: Tensor | None = None
) -> Tensor:
    """(batch, 2, 3): undo the shift, then apply the 2 x 2 part."""
    if right is None or down is None:
        shift_x = shift_y = torch.zeros_like(xx)
    else:
        shift_x, shift_y = -(xx * right + xy * down), -(yx * right + yy * down)
    return torch.stack((xx, xy, shift_x, yx, yy, shift_y), dim=1).view(-1, 2, 3)


def _between(drawn: Tensor, limits: tuple[float, float]) -> Tensor:
    return limits[0] + drawn * (limits[1] - limits[0])


def _both_ways(
    owner: str, name: str, value: float | Sequence[float], low: float = -math.inf, high: float = math.inf
) -> tuple[float, float]:
    """One number for both directions, or the two ends."""
    if isinstance(value, int | float):
        if value < 0:
            raise refused(owner, name, value, "a number of 0 or more, or two numbers in order")
        value = (-value, value)
    return interval(owner, name, value, low, high)
