"""What is done to a gathered batch on its device: augmenting, and the encoder's last step."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from projectkit.data.augmentation import AugmentationChain

Finish = Callable[[Tensor], Tensor]
Batch = tuple[Tensor, Tensor]
Completion = Callable[[Tensor, Tensor, int, int], Batch]  # of x, y, the epoch and the batch's number in it


def completion(finish: Finish | None, augment: AugmentationChain | None) -> Completion | None:
    """The step from gathered batches to those that a model is given; None where there is nothing to do.

    Args:
        finish: the encoder's last step.
        augment: augments and finishes instead.
    """
    if augment is not None:
        return augment
    return None if finish is None else lambda x, y, epoch, number: (finish(x), y)
