"""Several augmentations one after the other, together with the encoder's last step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from projectkit.data.augmentation.base import Augmentation
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
        self.start()

    def start(self, epoch: int = 0, batch: int = 0) -> None:
        """Say which batch of which epoch comes next, both from 0; each call of the chain, or of `draw`, moves on by one batch."""
        for position, augmentation in enumerate(self._all()):
            augmentation.start(self.seed, epoch, batch, position)

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The next batch, augmented and standardised."""
        return self.augment_fn(x, y, self.draw(x))

    def draw(self, x: Tensor) -> Drawn:
        """What is random about the next batch, a small tensor for each augmentation, on the device of `x`."""
        shape, drawn = x.shape, []
        for augmentation in self._all():
            drawn.append(augmentation.draw_next(shape, x.device))
            shape = augmentation.shape_after(shape)
        return tuple(drawn)

    def augment_fn(self, x: Tensor, y: Tensor, drawn: Drawn) -> tuple[Tensor, Tensor]:
        """The pixel work alone: a pure function of its arguments, to be compiled as one with what follows it."""
        for augmentation, each in zip(self.before, drawn, strict=False):
            x, y = augmentation.augment(x, y, each)
        x = self.finish(x)
        for augmentation, each in zip(self.after, drawn[len(self.before) :], strict=True):
            x, y = augmentation.augment(x, y, each)
        return x, y

    def _all(self) -> list[Augmentation]:
        return [*self.before, *self.after]


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
