"""What a model must know about its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# the arguments of a model that are filled from the data
FACTS = ("num_features", "in_channels", "vocab_size", "num_classes", "pad_index")


@dataclass(frozen=True)
class DataSpec:
    """The facts from which a model's arguments are filled. A fact that the modality lacks is None.

    Args:
        modality: `text`, `tokens`, `tabular`, `image` or `series`.
        shape: of one encoded sample; None in a dimension that varies. Text and tokens (None,), tables (num_features,), images
            (in_channels, height, width), series (in_channels, length).
        num_classes: of the target.
        class_names: of the target, in the order of the logits.
        num_features: width of an encoded table.
        in_channels: of an image or a series.
        vocab_size: number of token indices, `pad_index` included.
        pad_index: the token that fills up a batch.
    """

    modality: str
    shape: tuple[int | None, ...]
    num_classes: int
    class_names: tuple[str, ...]
    num_features: int | None = None
    in_channels: int | None = None
    vocab_size: int | None = None
    pad_index: int | None = None

    def arguments(self) -> Mapping[str, int]:
        """The values for those of a model's `__init__` parameters that carry these names."""
        return {name: getattr(self, name) for name in FACTS if getattr(self, name) is not None}
