"""What the encoders of sequences share: token indices, the length at which a sequence is cut, ragged arrays.

Index 0 fills up a batch and 1 stands for whatever the training subset does not have; the vocabulary follows from 2 on.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from projectkit.data.batches import Ragged
from projectkit.data.encoders.base import Encoder, as_tensor

PAD, UNKNOWN, FIRST = 0, 1, 2
PERCENTILE = 99  # of the training lengths: one long sequence must not pad every batch


class SequenceEncoder(Encoder):
    """Sequences of any length to token indices.

    Args:
        max_length: sequences are cut there, in tokens.
    """

    CAP: ClassVar[int | None] = None  # of the length that is chosen from the training subset

    def __init__(self, max_length: int) -> None:
        self.max_length = max_length

    @classmethod
    @abstractmethod
    def fit(cls, x: Any, max_length: int | None = None) -> Self:
        """Learn the vocabulary from the training subset.

        Args:
            x: its inputs.
            max_length: where sequences are cut; None: at the 99th percentile of the training subset's lengths, and at `CAP`.
        """

    @property
    @abstractmethod
    def vocabulary_size(self) -> int:
        """Tokens that have an index of their own."""

    @property
    def dtype(self) -> DTypeLike:
        """The smallest integer of torch that holds every index; batches are int64."""
        return np.int16 if self.vocabulary_size + FIRST <= np.iinfo(np.int16).max else np.int32

    @property
    def facts(self) -> dict[str, Any]:
        """See `Encoder.facts`."""
        return {"shape": (None,), "vocab_size": self.vocabulary_size + FIRST, "pad_index": PAD}

    @property
    def notes(self) -> dict[str, Any]:
        """See `Encoder.notes`."""
        state = self.state()
        return {key: state[key] for key in ("unit", "max_length") if key in state}

    @classmethod
    def chosen_length(cls, lengths: NDArray[np.int64], max_length: int | None) -> int:
        """Where sequences of these training lengths are cut; at least 1, as an empty batch has no shape."""
        if max_length is not None:
            return max_length
        usual = max(1, int(np.percentile(lengths, PERCENTILE)))
        return usual if cls.CAP is None else min(usual, cls.CAP)


def cut(values: NDArray[Any], offsets: NDArray[np.int64], max_length: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The first `max_length` values of each sequence: sequence i is `values[offsets[i]:offsets[i + 1]]`."""
    lengths = np.diff(offsets)
    if not len(lengths) or lengths.max() <= max_length:
        return values, offsets
    # one byte a value: the sum up to a place is 1 from the cut of its sequence to its end, and 0 elsewhere
    change = np.zeros(len(values) + 1, dtype=np.int8)
    change[offsets[:-1][lengths > max_length] + max_length] = 1
    change[offsets[1:][lengths > max_length]] -= 1
    beyond = np.cumsum(change[:-1], dtype=np.int8).view(bool)
    return values[~beyond], offsets_of(np.minimum(lengths, max_length))


def offsets_of(lengths: ArrayLike) -> NDArray[np.int64]:
    """(n,) lengths -> (n + 1,) offsets."""
    counts = np.asarray(lengths, dtype=np.int64)
    bounds = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=bounds[1:])
    return bounds


def ragged(tokens: NDArray[Any], offsets: NDArray[np.int64]) -> Ragged:
    """Token indices and offsets as what batches are gathered from."""
    return Ragged(as_tensor(tokens), as_tensor(offsets), PAD)
