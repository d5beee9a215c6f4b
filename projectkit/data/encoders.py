"""Samples to tensors, one encoder for each modality.

An encoder is fitted on the training subset and on nothing else. Its fitted state is plain containers: it goes into the checkpoint, and
its digest into the run record, so that an evaluation uses the numbers that the training saw.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from projectkit.data.batches import EncodedArray, Ragged
from projectkit.datasets import Table
from projectkit.errors import UserError

PAD, UNKNOWN = 0, 1  # token indices; the characters of the training subset follow


class Encoder(ABC):
    """Fitted once on training samples, then applied to any."""

    @classmethod
    @abstractmethod
    def fit(cls, x: Any) -> Self:
        """Learn what is needed from the training subset's `x`."""

    @abstractmethod
    def encode(self, x: Any) -> EncodedArray:
        """Encode samples for random access by row."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What was fitted, as plain containers."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The encoder that `state()` came from."""

    @property
    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """The fields of `DataSpec` that this encoder decides."""

    def on_device(self, x: Tensor) -> Tensor:
        """The last step, taken on the training device, batch by batch."""
        return x

    @property
    def digest(self) -> str:
        """SHA-256 over the fitted state."""
        return hashlib.sha256(json.dumps(self.state(), sort_keys=True).encode()).hexdigest()


class TextEncoder(Encoder):
    """Characters to indices.

    Args:
        characters: the alphabet of the training subset, in the order of the indices 2, 3, ...
        max_length: texts are cut there, in characters.
    """

    def __init__(self, characters: str, max_length: int) -> None:
        self.characters = characters
        self.max_length = max_length
        self._codes = np.fromiter((ord(character) for character in characters), dtype=np.uint32, count=len(characters))

    @classmethod
    def fit(cls, x: Sequence[str]) -> Self:
        """The alphabet is sorted; the length is the 99th percentile, so that one long text does not pad every batch."""
        lengths = [len(text) for text in x]
        return cls("".join(sorted(set().union(*x))), max(1, int(np.percentile(lengths, 99))))

    def encode(self, x: Sequence[str]) -> Ragged:
        """(n,) texts -> ragged int64 tokens."""
        cut = [text[: self.max_length] for text in x]
        offsets = np.zeros(len(cut) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in cut], out=offsets[1:])
        # UTF-32 turns the whole corpus into code points at once; surrogatepass keeps lone surrogates of scraped text
        codes = np.frombuffer("".join(cut).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        places = np.searchsorted(self._codes, codes)
        # a sentinel above every code point, so that a place after the last character (or in an empty alphabet) is no match
        known = np.append(self._codes, np.uint32(0xFFFFFFFF))[places] == codes
        tokens = np.where(known, places + 2, UNKNOWN)
        return Ragged(torch.from_numpy(tokens.astype(np.int32)), torch.from_numpy(offsets), PAD)

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"characters": self.characters, "max_length": self.max_length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(**state)

    @property
    def facts(self) -> dict[str, Any]:
        """See `Encoder.facts`."""
        return {"shape": (None,), "vocab_size": len(self.characters) + 2, "pad_index": PAD}


class TableEncoder(Encoder):
    """Numbers standardised, categories one-hot.

    Args:
        mean: of each numeric column, (p,).
        scale: standard deviation of each numeric column, 1 where it is constant (but for rounding), (p,).
        categories: the values of each categorical column in the training subset; a new value is all zeros.
    """

    LIMIT = 10.0  # standard deviations; byte counts with a tail over six decades would otherwise decide the loss

    def __init__(self, mean: list[float], scale: list[float], categories: list[list[str]]) -> None:
        self.mean = mean
        self.scale = scale
        self.categories = categories

    @classmethod
    def fit(cls, x: Table) -> Self:
        """Means and deviations in float64, so that the order of the rows does not matter to float32."""
        numeric = x.numeric.astype(np.float64)
        centre, scale = numeric.mean(axis=0), numeric.std(axis=0)
        # the mean of n equal numbers is off by rounding: such a deviation is noise, and dividing by it would make it a feature
        scale[scale <= 1e-12 * np.abs(centre)] = 1.0
        categories = [sorted(set(column)) for column in x.categorical.T]
        return cls(centre.tolist(), scale.tolist(), categories)

    def encode(self, x: Table) -> EncodedArray:
        """(n, p) numbers and (n, q) categories -> (n, num_features) float32."""
        scaled = (x.numeric.astype(np.float64) - np.asarray(self.mean)) / np.asarray(self.scale)
        parts = [np.clip(scaled, -self.LIMIT, self.LIMIT)]
        for column, values in zip(x.categorical.T, self.categories, strict=True):
            parts.append(column[:, None] == np.asarray(values, dtype=object)[None, :])
        return EncodedArray(torch.from_numpy(np.concatenate(parts, axis=1).astype(np.float32)))

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"mean": self.mean, "scale": self.scale, "categories": self.categories}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(**state)

    @property
    def facts(self) -> dict[str, Any]:
        """See `Encoder.facts`."""
        width = len(self.mean) + sum(len(values) for values in self.categories)
        return {"shape": (width,), "num_features": width}


class ImageEncoder(Encoder):
    """Images stay uint8 until they are on the device, then each channel is standardised.

    Args:
        mean: of each channel over the training subset, in 0..255, (channels,).
        scale: standard deviation of each channel, in 0..255, (channels,).
        size: channels, height, width.
    """

    def __init__(self, mean: list[float], scale: list[float], size: list[int]) -> None:
        self.mean = mean
        self.scale = scale
        self.size = size
        self._mean = torch.tensor(mean).view(1, -1, 1, 1)
        self._scale = torch.tensor(scale).view(1, -1, 1, 1)

    @classmethod
    def fit(cls, x: np.ndarray[Any, np.dtype[np.uint8]]) -> Self:
        """Exact moments from each channel's histogram: no float copy of the whole set."""
        levels = np.arange(256, dtype=np.float64)
        mean, scale = [], []
        for channel in range(x.shape[1]):
            share = np.bincount(x[:, channel].reshape(-1), minlength=256) / x[:, channel].size
            centre = float(share @ levels)
            mean.append(centre)
            scale.append(float(np.sqrt(share @ (levels - centre) ** 2)) or 1.0)
        return cls(mean, scale, list(x.shape[1:]))

    def encode(self, x: np.ndarray[Any, np.dtype[np.uint8]]) -> EncodedArray:
        """(n, channels, height, width) uint8, unchanged."""
        return EncodedArray(torch.from_numpy(np.ascontiguousarray(x)))

    def on_device(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) uint8 -> float32 with mean 0 and deviation 1 over the training subset."""
        return (x.float() - self._mean.to(x.device)) / self._scale.to(x.device)

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"mean": self.mean, "scale": self.scale, "size": self.size}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(**state)

    @property
    def facts(self) -> dict[str, Any]:
        """See `Encoder.facts`."""
        return {"shape": tuple(self.size), "in_channels": self.size[0]}


ENCODERS: dict[str, type[Encoder]] = {"text": TextEncoder, "tabular": TableEncoder, "image": ImageEncoder}


def encoder_for(modality: str) -> type[Encoder]:
    """The encoder of a modality.

    Raises:
        UserError: no encoder is known for it.
    """
    if modality not in ENCODERS:
        raise UserError(
            f"no encoder for the modality '{modality}'",
            where="data.name",
            remedy="give a LightningDataModule of your own as data.class_path",
        )
    return ENCODERS[modality]
