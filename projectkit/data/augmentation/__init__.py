"""Augmentations of whole training batches, on the device that they are on.

| file | classes | for |
|---|---|---|
| base.py | `Augmentation` | what all of them are, and what a team's own must be |
| chain.py | `AugmentationChain` | several of them and the encoder's last step as one function |
| geometry.py | `RandomHorizontalFlip`, `RandomVerticalFlip`, `RandomCrop` | images |
| arguments.py | | arguments that are out of range |

None loops over the samples of a batch.
"""

from projectkit.data.augmentation.base import Augmentation
from projectkit.data.augmentation.chain import AugmentationChain, refuse_other_modality
from projectkit.data.augmentation.geometry import RandomCrop, RandomHorizontalFlip, RandomVerticalFlip

__all__ = [
    "Augmentation",
    "AugmentationChain",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "refuse_other_modality",
]
