"""What every encoder can do, and what they share."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data.batches import EncodedArray, Ragged


class Encoder(ABC):
    """Fitted once on training samples, then applied to any."""

    @classmethod
    @abstractmethod
    def fit(cls, x: Any) -> Self:
        """Learn what is needed from the training subset's `x`."""

    @abstractmethod
    def encode(self, x: Any) -> EncodedArray | Ragged:
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

    @property
    def notes(self) -> dict[str, Any]:
        """What was chosen here and is worth a line in the run's record."""
        return {}

    def on_device(self, x: Tensor) -> Tensor:
        """The last step, taken on the training device, batch by batch."""
        return x

    @property
    def finishes(self) -> bool:
        """Whether `on_device` does anything; where it does not, no batch pays for the call."""
        return type(self).on_device is not Encoder.on_device

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_state, (self.state(),)  # what is kept beside it for speed may lie on a GPU

    @property
    def digest(self) -> str:
        """SHA-256 over the fitted state."""
        return hashlib.sha256(json.dumps(self.state(), sort_keys=True).encode()).hexdigest()


def as_tensor(values: NDArray[Any]) -> Tensor:
    """The same memory as a tensor; a copy where it is mapped from a file that nobody may write to."""
    whole = np.ascontiguousarray(values)
    return torch.from_numpy(whole if whole.flags.writeable else whole.copy())
