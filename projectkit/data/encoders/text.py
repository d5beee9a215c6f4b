"""Texts as characters or as bytes: no loop over characters, the whole corpus at once."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from projectkit.data.batches import Ragged
from projectkit.data.encoders.sequence import FIRST, UNKNOWN, SequenceEncoder, cut, ragged
from projectkit.datasets import Texts

_CODE_POINTS = 0x110000  # of Unicode
_BYTES = 256


class CharacterEncoder(SequenceEncoder):
    """Characters to indices.

    Args:
        characters: the alphabet of the training subset, sorted: the indices 2, 3, ...
        max_length: texts are cut there, in characters.
    """

    def __init__(self, characters: str, max_length: int) -> None:
        super().__init__(max_length)
        self.characters = characters

    @classmethod
    def fit(cls, x: Texts, max_length: int | None = None) -> Self:
        """See `SequenceEncoder.fit`."""
        codes, offsets = _code_points(x)
        seen = np.zeros(_CODE_POINTS, dtype=bool)
        seen[codes] = True
        characters = "".join(map(chr, np.flatnonzero(seen).tolist()))
        return cls(characters, cls.chosen_length(np.diff(offsets), max_length))

    def encode(self, x: Texts) -> Ragged:
        """(n,) texts -> ragged int32 tokens."""
        codes, offsets = cut(*_code_points(x), self.max_length)
        index = np.full(_CODE_POINTS, UNKNOWN, dtype=np.int32)
        index[[ord(character) for character in self.characters]] = np.arange(len(self.characters)) + FIRST
        return ragged(index[codes], offsets)

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"unit": "characters", "characters": self.characters, "max_length": self.max_length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(state["characters"], state["max_length"])

    @property
    def vocabulary_size(self) -> int:
        """See `SequenceEncoder.vocabulary_size`."""
        return len(self.characters)


class ByteEncoder(SequenceEncoder):
    """UTF-8 bytes to indices: nothing is ever unknown, and nothing but the length is fitted.

    Args:
        max_length: texts are cut there, in bytes.
    """

    @classmethod
    def fit(cls, x: Texts, max_length: int | None = None) -> Self:
        """See `SequenceEncoder.fit`."""
        return cls(cls.chosen_length(np.diff(x.offsets), max_length))

    def encode(self, x: Texts) -> Ragged:
        """(n,) texts -> ragged int16 tokens: 258 indices do not fit into a byte."""
        values, offsets = cut(x.values, x.offsets, self.max_length)
        return ragged(values.astype(np.int16) + np.int16(FIRST), offsets)

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"unit": "bytes", "max_length": self.max_length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(state["max_length"])

    @property
    def vocabulary_size(self) -> int:
        """See `SequenceEncoder.vocabulary_size`."""
        return _BYTES


def _code_points(x: Texts) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Every character of every text, and where each text begins among them.

    UTF-32 turns the whole corpus into code points at once. Halves of a broken character that meet where two texts do stay two, since
    each was encoded by itself.
    """
    text = x.values.tobytes().decode("utf-8", "surrogatepass")
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    inner = np.flatnonzero((x.values & 0xC0) == 0x80)  # bytes within a character; few in most languages' data
    return codes, x.offsets - np.searchsorted(inner, x.offsets)
