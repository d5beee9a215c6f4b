"""Several augmentations one after the other, together with the encoder's last step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from projectkit.data.augmentation.base import Augmentation, generator_of
from projectkit.data.spec import DataSpec
from projectkit.errors import UserError

Drawn = tuple[Tensor, ...]


class AugmentationChain:
    """Training batches as they are stored in, augmented and standardised batches out.

    First come the augmentations of stored values (images as uint8), then the encoder's last step, then the augmentations of standardised
    values, each group in the order of the list.

    Args:
        augmentations: in their order.
        spec: of the data.
        finish: the encoder's last step, `Encoder.on_device`: x as it is stored -> x as the model sees it.
        seed: of the run.

    Raises:
        UserError: an augmentation is for other data.
    """

    def __init__(
        self, augmentations: Sequence[Augmentation], spec: DataSpec, finish: Callable[[Tensor], Tensor], seed: int = 0
    ) -> None:
        for number, augmentation in enumerate(augmentations):
            refuse_other_modality(augmentation, spec.modality, f"data.augment.{number}")
            augmentation.configure(spec)
        self.before = [each for each in augmentations if not each.standardised]
        self.after = [each for each in augmentations if each.standardised]
        self.finish = finish
        self.seed = seed

    def __call__(self, x: Tensor, y: Tensor, epoch: int, batch: int) -> tuple[Tensor, Tensor]:
        """A batch, augmented and standardised; a function of its arguments and the seed alone.

        Args:
            x: as it is stored, (batch, ...).
            y: class indices, (batch,).
            epoch: from 0.
            batch: number of the batch in the epoch, from 0.

        Returns:
            x as the model sees it; y, or the probabilities (batch, classes) that MixUp and CutMix make of it.
        """
        return self.augment_fn(x, y, self.draw(x.shape, x.device, epoch, batch))

    def draw(self, shape: torch.Size, device: torch.device, epoch: int, batch: int) -> Drawn:
        """What is random about a batch of this shape: a small tensor for each augmentation, on `device`."""
        drawn = []
        for position, augmentation in enumerate((*self.before, *self.after)):
            drawn.append(augmentation.draw(shape, generator_of(device, self.seed, epoch, batch, position)))
            shape = augmentation.shape_after(shape)
        return tuple(drawn)

    def augment_fn(self, x: Tensor, y: Tensor, drawn: Drawn) -> tuple[Tensor, Tensor]:
        """The pixel work alone: a pure function of its arguments, so that it can be compiled or captured.

        Measure before compiling: on a CPU a compiled crop and flip gave the same bits in nine times the time (8.8 ms, not 1.0, for 256
        images of 3 x 32 x 32 on one thread), since it reads byte by byte what is copied row by row here.
        """
        for augmentation, each in zip(self.before, drawn, strict=False):
            x, y = augmentation.augment(x, y, each)
        x = self.finish(x)
        for augmentation, each in zip(self.after, drawn[len(self.before) :], strict=True):
            x, y = augmentation.augment(x, y, each)
        return x, y


def refuse_other_modality(augmentation: Augmentation, modality: str, where: str) -> None:
    """Refuse an augmentation of other data, with the names of those that fit.

    Args:
        augmentation: any.
        modality: of the data.
        where: it was named, for the error.

    Raises:
        UserError: it is for other data.
    """
    if modality in augmentation.for_modality:
        return
    fitting = sorted(each.__name__ for each in _known(Augmentation) if modality in each.for_modality)
    raise UserError(
        f"{type(augmentation).__name__} is for {' and '.join(augmentation.for_modality)} data, and this is {modality} data",
        where=where,
        remedy=f"choose of {', '.join(fitting)}" if fitting else "write data.augment: []",
    )


def _known(parent: type) -> list[type[Augmentation]]:
    """Every class below `parent` that a config can name: those of this package, and those of a team that are imported."""
    below: Sequence[type[Augmentation]] = parent.__subclasses__()
    public = [each for each in below if not each.__name__.startswith("_")]
    return [*public, *(inner for each in below for inner in _known(each))]
