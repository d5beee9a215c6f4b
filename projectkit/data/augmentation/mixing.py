"""Two samples in one: MixUp and CutMix. The labels become probabilities, (batch, classes)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from projectkit.data.augmentation.arguments import above_zero, refused
from projectkit.data.augmentation.base import Augmentation
from projectkit.data.spec import DataSpec
from projectkit.errors import UserError


class _Mixing(Augmentation):
    """What both share: each sample meets the one before it in the batch, which is shuffled, and the labels meet alike."""

    def __init__(self, alpha: float, num_classes: int | None) -> None:
        super().__init__()
        self.alpha = above_zero(type(self).__name__, "alpha", alpha)
        if num_classes is not None and num_classes < 2:
            raise refused(type(self).__name__, "num_classes", num_classes, "a whole number of 2 or more")
        self.num_classes = num_classes

    def configure(self, spec: DataSpec) -> None:
        """The number of classes, unless it was given."""
        self.num_classes = self.num_classes or spec.num_classes

    def _kept(self, generator: torch.Generator) -> tuple[float, np.random.Generator]:
        """The share that a batch keeps of itself, from Beta(alpha, alpha), and the generator for what else is one for a batch.

        Torch draws no Beta from a generator of one's own, and one number a batch needs no device.
        """
        numbers = np.random.default_rng(generator.initial_seed())
        return float(numbers.beta(self.alpha, self.alpha)), numbers

    def _labels(self, y: Tensor, kept: Tensor) -> Tensor:
        """Class indices (batch,) or probabilities (batch, classes) -> (batch, classes) float32."""
        if y.ndim == 1:
            if self.num_classes is None:
                remedy = "give num_classes"
                raise UserError("the number of classes is not known", where=type(self).__name__, remedy=remedy)
            # a comparison: `one_hot` looks at the labels first, for which a GPU would be waited for
            y = (y[:, None] == torch.arange(self.num_classes, device=y.device)).float()
        return y * kept + y.roll(1, 0) * (1.0 - kept)


class MixUp(_Mixing):
    """Weighted means of two samples and of their labels, with one weight a batch.

    Args:
        alpha: the weight is drawn from Beta(alpha, alpha): 1 is uniform, less is nearer to 0 and 1.
        num_classes: filled in from the data.

    Counterpart: `torchvision.transforms.v2.MixUp`, here of standardised values, which is the same, and of tables and series too.
    Source: Zhang et al. 2018, "mixup: Beyond empirical risk minimization", ICLR.
    """

    for_modality = ("image", "tabular", "series")
    standardised = True

    def __init__(self, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__(alpha, num_classes)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """The weight of the sample itself, a scalar."""
        return torch.full((), self._kept(generator)[0], device=generator.device)

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, ...) float -> the same; y becomes (batch, classes)."""
        x = x if x.is_floating_point() else x.float()
        return torch.lerp(x.roll(1, 0), x, drawn.to(x.dtype)), self._labels(y, drawn)


class CutMix(_Mixing):
    """A rectangle of each image comes from another one, at one place for the whole batch; labels are mixed by area.

    Args:
        alpha: the share that stays is drawn from Beta(alpha, alpha), before the rectangle is cut at the image's rim: 1 is uniform.
        num_classes: filled in from the data.

    Counterpart: `torchvision.transforms.v2.CutMix`; the pixels are the same.
    Source: Yun et al. 2019, "CutMix: Regularization strategy to train strong classifiers with localizable features", ICCV.
    """

    for_modality = ("image",)

    def __init__(self, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__(alpha, num_classes)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(5,) float32: top, left, bottom and right of the rectangle, the last two outside; and the share that stays."""
        kept, numbers = self._kept(generator)
        height, width = shape[2:]
        across, down = int(numbers.integers(width)), int(numbers.integers(height))
        half = 0.5 * math.sqrt(1.0 - kept)
        half_width, half_height = int(half * width), int(half * height)
        left, top = max(across - half_width, 0), max(down - half_height, 0)
        right, bottom = min(across + half_width, width), min(down + half_height, height)
        stays = 1.0 - (right - left) * (bottom - top) / (width * height)
        return torch.tensor([top, left, bottom, right, stays]).to(generator.device, non_blocking=True)

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, height, width) of any type -> the same; y becomes (batch, classes)."""
        top, left, bottom, right, stays = drawn.unbind()
        rows = torch.arange(x.shape[2], device=x.device)[:, None]
        columns = torch.arange(x.shape[3], device=x.device)
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        return torch.where(inside, x.roll(1, 0), x), self._labels(y, stays)
