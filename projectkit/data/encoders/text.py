"""Texts as characters or as bytes: no loop over characters, the whole corpus at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from projectkit.data.batches import Ragged
from projectkit.data.encoders.sequence import FIRST, UNKNOWN, SequenceEncoder, cut, offsets_of, ragged
from projectkit.datasets import Texts

_CODE_POINTS = 0x110000  # of Unicode
_BYTES = 256
_BLOCK = 1 << 20  # bytes of text that are decoded at a time: each becomes up to eight


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
        seen = np.zeros(_CODE_POINTS, dtype=bool)
        for _, codes in _code_points(x):
            seen[codes] = True
        characters = "".join(map(chr, np.flatnonzero(seen).tolist()))
        return cls(characters, cls.chosen_length(np.diff(_bounds(x)), max_length))

    def encode(self, x: Texts) -> Ragged:
        """(n,) texts -> ragged tokens."""
        index = np.full(_CODE_POINTS, UNKNOWN, dtype=self.dtype)
        index[[ord(character) for character in self.characters]] = np.arange(len(self.characters)) + FIRST
        bounds = _bounds(x)
        offsets = offsets_of(np.minimum(np.diff(bounds), self.max_length))
        tokens = np.empty(offsets[-1], dtype=self.dtype)
        for rows, codes in _code_points(x):
            kept, _ = cut(codes, bounds[rows.start : rows.stop + 1] - bounds[rows.start], self.max_length)
            tokens[offsets[rows.start] : offsets[rows.stop]] = index[kept]
        return ragged(tokens, offsets)

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
        """(n,) texts -> ragged tokens."""
        values, offsets = cut(x.values, x.offsets, self.max_length)
        return ragged(values.astype(self.dtype) + FIRST, offsets)

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


def _bounds(x: Texts) -> NDArray[np.int64]:
    """Where each text begins, and the last one ends, in characters, (n + 1,)."""
    inner = np.flatnonzero((x.values & 0xC0) == 0x80)  # bytes within a character; few in most languages' data
    return x.offsets - np.searchsorted(inner, x.offsets)


def _code_points(x: Texts) -> Iterator[tuple[range, NDArray[np.uint32]]]:
    """Some rows at a time, and the characters of their texts one behind the other.

    UTF-32 turns many texts into code points at once. Halves of a broken character that meet where two texts do stay two, since each was
    encoded by itself.
    """
    start = 0
    while start < len(x):
        stop = int(np.searchsorted(x.offsets, x.offsets[start] + _BLOCK, side="right")) - 1
        stop = max(stop, start + 1)  # a text that is longer than a block
        text = x.values[x.offsets[start] : x.offsets[stop]].tobytes().decode("utf-8", "surrogatepass")
        yield range(start, stop), np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        start = stop
