"""Which encoder a data set has: by its modality and, for text, by the unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projectkit.data.encoders.base import Encoder
from projectkit.data.encoders.image import ImageEncoder
from projectkit.data.encoders.sequence import SequenceEncoder
from projectkit.data.encoders.series import SeriesEncoder
from projectkit.data.encoders.table import TableEncoder
from projectkit.data.encoders.text import ByteEncoder, CharacterEncoder
from projectkit.data.encoders.tokens import TokenEncoder
from projectkit.data.encoders.words import WordEncoder, WordPieceEncoder
from projectkit.errors import UserError, did_you_mean

OF_TEXT: Mapping[str, type[SequenceEncoder]] = {
    "characters": CharacterEncoder,
    "bytes": ByteEncoder,
    "words": WordEncoder,
    "word_pieces": WordPieceEncoder,
}
_OF_OTHERS: Mapping[str, type[Encoder]] = {
    "tokens": TokenEncoder,
    "tabular": TableEncoder,
    "image": ImageEncoder,
    "series": SeriesEncoder,
}


def encoder_class(modality: str, unit: str) -> type[Encoder]:
    """The encoder of a modality.

    Args:
        modality: of the card.
        unit: what a text is taken apart into; other modalities have none.

    Raises:
        UserError: no encoder is known for the modality or the unit.
    """
    if modality == "text":
        if unit not in OF_TEXT:
            raise UserError(
                f"no encoder for the unit '{unit}'", where="data.unit", remedy=did_you_mean(unit, list(OF_TEXT))
            )
        return OF_TEXT[unit]
    if modality not in _OF_OTHERS:
        raise UserError(
            f"no encoder for the modality '{modality}'",
            where="data.name",
            remedy="give a LightningDataModule of your own as data.class_path",
        )
    return _OF_OTHERS[modality]


def fit_encoder(modality: str, x: Any, *, unit: str, max_length: int | None) -> Encoder:
    """An encoder fitted on the training subset.

    Args:
        modality: of the card.
        x: the subset's inputs; arrays may be given as what reads them slice by slice.
        unit: what a text is taken apart into.
        max_length: used where the inputs are sequences.
    """
    chosen = encoder_class(modality, unit)
    return chosen.fit(x, max_length) if issubclass(chosen, SequenceEncoder) else chosen.fit(x)


def restored_encoder(modality: str, state: dict[str, Any]) -> Encoder:
    """The encoder of a checkpoint; the first checkpoints of texts had characters and named no unit."""
    return encoder_class(modality, state.get("unit", "characters")).from_state(state)
