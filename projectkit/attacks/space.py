"""Where an adversary moves.

A network reads standardised values; an adversary is bounded in the units of the field, grey levels / 255 for images. `InputSpace` holds the
step from one to the other, so that an attack is written once: it searches a perturbation in the adversary's units, and what the network is
given stays standardised.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class InputSpace:
    """The network's input is `(p - offset) / unit`, where `p` is in the adversary's units.

    Each tensor is a single value or one for each entry of the batch's second dimension: the channels of images and series, the features of
    tables. See `of` for plain values.

    Args:
        offset: what the network's zero is in the adversary's units.
        unit: what the network's one is in the adversary's units, above 0.
        low: the least valid value, in the adversary's units; -inf where there is none.
        high: the greatest valid value; inf where there is none.
        mask: 1 where an adversary can change a value, 0 elsewhere.
    """

    offset: Tensor
    unit: Tensor
    low: Tensor
    high: Tensor
    mask: Tensor

    @classmethod
    def of(
        cls,
        mean: Sequence[float] | float = 0.0,
        scale: Sequence[float] | float = 1.0,
        low: float | None = None,
        high: float | None = None,
        mask: Sequence[bool] | bool = True,
    ) -> Self:
        """The space of data that was standardised by `(p - mean) / scale`.

        For images in grey levels / 255 that is torchvision's `Normalize(mean, scale)`, with `low` 0 and `high` 1. Without arguments it is
        the network's own units without bounds, everything open to change.
        """
        bounds = (-math.inf if low is None else low, math.inf if high is None else high)
        values = (mean, scale, *bounds, mask)
        return cls(*(torch.tensor(value, dtype=torch.float64) for value in values))

    def to(self, x: Tensor) -> Self:
        """The same space on the device and in the precision of a batch, (1, channels, 1, ...) or a single value."""
        shape = (1, -1, *(1 for _ in x.shape[2:]))
        return type(self)(
            *(
                each.to(x.device, x.dtype).view(shape) if each.ndim == 1 else each.to(x.device, x.dtype)
                for each in (self.offset, self.unit, self.low, self.high, self.mask)
            )
        )

    def enter(self, x: Tensor) -> Tensor:
        """The network's input in the adversary's units, (batch, ...)."""
        return x * self.unit + self.offset

    def room(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """How far each value can go down and up: two tensors (batch, ...), at most 0 and at least 0.

        Standardising rounds, so a black pixel may come back a little below 0; it has no room there, and is not moved.
        """
        values = self.enter(x)
        down, up = (self.low - values).clamp_(max=0.0), (self.high - values).clamp_(min=0.0)
        fixed = self.mask == 0  # not a product: an infinite room times 0 is not a number
        return down.masked_fill_(fixed, 0.0), up.masked_fill_(fixed, 0.0)

    def moved(self, x: Tensor, delta: Tensor) -> Tensor:
        """The network's input when the adversary adds `delta`, in its units; where that is 0 it is `x` to the bit."""
        return x + delta / self.unit
