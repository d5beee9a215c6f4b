"""Augmentations of whole training batches, on the device that they are on.

| file | classes | for |
|---|---|---|
| base.py | `Augmentation` | what all of them are, and what a team's own must be |
| chain.py | `AugmentationChain` | several of them and the encoder's last step as one function |
| geometry.py | `RandomHorizontalFlip`, `RandomVerticalFlip`, `RandomCrop` | images, as bytes |
| affine.py | `RandomRotation`, `RandomAffine` | images |
| colour.py | `ColorJitter` | images |
| erasing.py | `RandomErasing`, `Cutout` | images, standardised |
| mixing.py | `MixUp`, `CutMix` | images; MixUp tables and series too |
| text.py | `CharacterNoise`, `TokenCrop`, `TokenDropout` | texts and tokens |
| series.py | `Jitter`, `Scaling`, `Shift` | series |
| arguments.py | | arguments that are out of range |

None loops over the samples of a batch, and none waits for the device.
"""

from projectkit.data.augmentation.affine import RandomAffine, RandomRotation
from projectkit.data.augmentation.base import Augmentation
from projectkit.data.augmentation.chain import AugmentationChain, refuse_other_modality
from projectkit.data.augmentation.colour import ColorJitter
from projectkit.data.augmentation.erasing import Cutout, RandomErasing
from projectkit.data.augmentation.geometry import RandomCrop, RandomHorizontalFlip, RandomVerticalFlip
from projectkit.data.augmentation.mixing import CutMix, MixUp
from projectkit.data.augmentation.series import Jitter, Scaling, Shift
from projectkit.data.augmentation.text import CharacterNoise, TokenCrop, TokenDropout

__all__ = [
    "Augmentation",
    "AugmentationChain",
    "CharacterNoise",
    "ColorJitter",
    "CutMix",
    "Cutout",
    "Jitter",
    "MixUp",
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "Scaling",
    "Shift",
    "TokenCrop",
    "TokenDropout",
    "refuse_other_modality",
]
