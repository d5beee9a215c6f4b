"""Sequences that are tokens already: calls of an API, instructions, events."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from projectkit.data.batches import Ragged
from projectkit.data.encoders.sequence import FIRST, UNKNOWN, SequenceEncoder, cut, ragged
from projectkit.datasets import Tokens


class TokenEncoder(SequenceEncoder):
    """Named tokens to indices; a token that the training subset does not have is unknown.

    Args:
        names: of the training subset's tokens, in the order of the data set's own numbers: the indices 2, 3, ...
        max_length: sequences are cut there, in tokens.
    """

    # a trace of a program has tens of thousands of calls, most of them in loops; its beginning says what it is
    CAP: ClassVar[int | None] = 1_024

    def __init__(self, names: list[str], max_length: int) -> None:
        super().__init__(max_length)
        self.names = names

    @classmethod
    def fit(cls, x: Tokens, max_length: int | None = None) -> Self:
        """See `SequenceEncoder.fit`."""
        length = cls.chosen_length(np.diff(x.offsets), max_length)
        # what stands behind the cut is never encoded, so it has no index either
        seen = np.zeros(len(x.names), dtype=bool)
        seen[cut(x.values, x.offsets, length)[0]] = True
        return cls([x.names[number] for number in np.flatnonzero(seen)], length)

    def encode(self, x: Tokens) -> Ragged:
        """(n,) sequences -> ragged tokens."""
        known = {name: number for number, name in enumerate(self.names, FIRST)}
        index = np.array([known.get(name, UNKNOWN) for name in x.names], dtype=self.dtype)
        values, offsets = cut(x.values, x.offsets, self.max_length)
        return ragged(index[values], offsets)

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"names": self.names, "max_length": self.max_length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(**state)

    @property
    def vocabulary_size(self) -> int:
        """See `SequenceEncoder.vocabulary_size`."""
        return len(self.names)
