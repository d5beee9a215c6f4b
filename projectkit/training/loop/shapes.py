"""Which batches a program covers: full ones, of few shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional

from projectkit.data.batches import EncodedArray

WIDTHS = 8  # into which token sequences are padded: each is compiled apart

Gather = Callable[[Tensor], Any]
Key = tuple[Any, ...]


class Shapes:
    """What of a loader's batches a program needs to know, asked once.

    Args:
        loader: of the training; ours says all of this, for any other the first batch tells what a full one is.
    """

    def __init__(self, loader: Any) -> None:
        inputs: Any = getattr(getattr(loader, "dataset", None), "x", None)
        self.full = _batch_size_of(loader)
        # makes a batch of row numbers, where every sample has one shape; see `ResidentLoader`
        self.gather: Gather | None = (
            loader.batch_of if type(inputs) is EncodedArray and hasattr(loader, "batch_of") else None
        )
        self._pad_index: int | None = getattr(inputs, "pad_index", None)
        if self._pad_index is not None:
            # a multiple of 8, which is how many float32 a vector register of AVX2 holds
            self._step = 8 * max(1, -(-int(inputs.lengths.max()) // (8 * WIDTHS)))

    def key_of(self, batch: Any) -> Key | None:
        """What a step is built for; None for a batch that is run eagerly."""
        parts = (batch,) if isinstance(batch, Tensor) else tuple(tensors_of(batch))
        if not parts or not all(isinstance(part, Tensor) for part in parts) or not parts[0].ndim:
            return None
        if self.full is None:
            self.full = len(parts[0])
        if len(parts[0]) != self.full:
            return None
        return tuple((part.shape, part.stride(), part.dtype) for part in parts)

    def padded(self, batch: Any) -> Any:
        """Token sequences on one of few widths; any other batch as it is."""
        if self._pad_index is None:
            return batch
        x, y = batch
        missing = -x.shape[1] % self._step
        return (functional.pad(x, (0, missing), value=self._pad_index), y) if missing else batch

    def whole(self, batch: Any) -> Any:
        """The batch of row numbers; any other as it is."""
        return self.gather(batch) if self.gather is not None and isinstance(batch, Tensor) else batch


def tensors_of(batch: Any) -> Iterator[Any]:
    """The leaves of a batch, whatever tuples, lists and dictionaries it is made of."""
    if isinstance(batch, Mapping):
        batch = list(batch.values())
    if isinstance(batch, list | tuple):
        for part in batch:
            yield from tensors_of(part)
    else:
        yield batch


def samples_of(batch: Any) -> int:
    """How many samples a batch has: the length of its first tensor."""
    return next((len(part) for part in tensors_of(batch) if isinstance(part, Tensor) and part.ndim), 1)


def _batch_size_of(loader: Any) -> int | None:
    """Samples of a full batch, where the loader says it."""
    for owner in (loader, getattr(loader, "batch_sampler", None), getattr(loader, "sampler", None)):
        size = getattr(owner, "batch_size", None)
        if isinstance(size, int):
            return size
    return None
