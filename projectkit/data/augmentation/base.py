"""What every augmentation is: a seeded function of a whole batch.

An augmentation has two halves. `draw` makes what is random, a small tensor, from a generator that is seeded by (seed, epoch, batch);
`augment` is a pure function of the batch and of what was drawn, so that it can be compiled or captured. A run that is
repeated, or resumed in the middle of an epoch, therefore sees the same pictures, and the global generators are left alone.
"""

from __future__ import annotations

import hashlib
import struct
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from projectkit.data.spec import DataSpec


class Augmentation(nn.Module, ABC):
    """Changes training batches at random; subclasses write `draw` and `augment`.

    A subclass in a team's own package is accepted in `data.augment` like one of ours.
    """

    for_modality: ClassVar[tuple[str, ...]] = ()
    """The modalities that it is for; see `DataSpec.modality`."""

    standardised: ClassVar[bool] = False
    """False: x comes as it is stored, images as uint8. True: x comes as the model sees it, each channel with deviation 1."""

    def __init__(self) -> None:
        super().__init__()
        self._next = (0, 0, 0)  # seed, epoch, batch

    def configure(self, spec: DataSpec) -> None:
        """Take from the data what the arguments left open. Called once, before the first batch."""

    def start(self, seed: int, epoch: int = 0, batch: int = 0) -> None:
        """Say which batch comes next, where this augmentation is called by itself; each call moves on by one.

        Args:
            seed: of the run.
            epoch: from 0.
            batch: number of the batch in the epoch, from 0.
        """
        self._next = (seed, epoch, batch)

    def shape_after(self, shape: torch.Size) -> torch.Size:
        """The shape that `augment` gives to x of this shape, as the next augmentation draws for it."""
        return shape

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The next batch, augmented; `x` and `y` themselves are left as they are."""
        seed, epoch, batch = self._next
        self._next = (seed, epoch, batch + 1)
        return self.augment(x, y, self.draw(x.shape, generator_of(x.device, seed, epoch, batch, 0)))

    @abstractmethod
    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Everything that is random about one batch.

        Args:
            shape: of x.
            generator: of all that is drawn; the tensor is made on its device.
        """

    @abstractmethod
    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """The augmented batch: a pure function, without a loop over samples and without waiting for the device."""


def generator_of(device: torch.device, *place: int) -> torch.Generator:
    """A generator on a device, seeded by whole numbers: seed, epoch, batch, and the position in a chain.

    They are hashed, since torch's generator on CPUs keeps 32 bits of a seed: laid side by side in it they would run into each other.
    """
    digest = hashlib.blake2b(struct.pack(f"<{len(place)}q", *place), digest_size=8).digest()
    return torch.Generator(device=device).manual_seed(int.from_bytes(digest, "little") >> 1)


def uniform(shape: torch.Size | tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Float32 numbers in [0, 1) on the generator's device."""
    return torch.rand(shape, generator=generator, device=generator.device)


def whole(drawn: Tensor, count: int | Tensor) -> Tensor:
    """Uniform numbers in [0, 1) to whole ones in 0 .. count - 1, int64."""
    return (drawn * count).long()
