"""Batches of a set that is held in memory: on the device where it fits there, each batch gathered by its row numbers.

No process, no queue and no collation stand between the set and the step. Besides whole batches an iterator gives row numbers alone, for
a compiled step that gathers inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from projectkit.data.batches import BatchDataset, BatchSampler

Finish = Callable[[Tensor], Tensor]
Batch = tuple[Tensor, Tensor]


class ResidentLoader:
    """A set in memory as an iterable of batches `(x, y)`, for Lightning and for plain loops.

    Nothing is drawn or looked up before an iterator's first batch: Lightning makes iterators only to see whether it can, and names the
    epoch after it has made one. Any number of iterators may be at work at once.

    Args:
        dataset: the samples in their compact type (images uint8, tokens int16 or int32).
        sampler: the order; Lightning calls its `set_epoch`.
        device: where the set is kept and batches are made.
        finish: applied to each batch's x, such as an encoder's `on_device`; None: batches are given as they are gathered.
    """

    batch_sampler = None  # Lightning looks there first for the order

    def __init__(
        self,
        dataset: BatchDataset,
        sampler: BatchSampler,
        device: torch.device | None = None,
        finish: Finish | None = None,
    ) -> None:
        self.device = device or torch.device("cpu")
        self.dataset = dataset if self.device.type == "cpu" else dataset.to(self.device)
        self.sampler = sampler
        self.finish = finish

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> ResidentIterator:
        return ResidentIterator(self)

    def batch_of(self, rows: Tensor) -> Batch:
        """What `__next__` gives where `next_rows` gives these rows; a function of the rows alone, which can be compiled."""
        x, y = self.dataset[rows]
        return x if self.finish is None else self.finish(x), y


class ResidentIterator:
    """One pass over a `ResidentLoader`: batches, or their row numbers; both move the same position."""

    def __init__(self, loader: ResidentLoader) -> None:
        self._x = loader.dataset.x
        self._y = loader.dataset.y
        self._finish = loader.finish
        self._planned = _plan(loader)

    def __iter__(self) -> ResidentIterator:
        return self

    def __next__(self) -> Batch:
        rows, width = next(self._planned)
        x = self._x.gather(rows, width)
        return x if self._finish is None else self._finish(x), self._y.index_select(0, rows)

    def next_rows(self) -> Tensor:
        """The row numbers of the next batch in the loader's `dataset`, (batch,) int64, on the loader's device.

        Raises:
            StopIteration: the epoch is over.
        """
        return next(self._planned)[0]


def _plan(loader: ResidentLoader) -> Iterator[tuple[Tensor, int | None]]:
    """Rows and width of each batch of an epoch."""
    batches = list(loader.sampler)
    widths = loader.dataset.x.widths(batches)
    if (
        loader.device.type != "cpu" and batches
    ):  # an epoch's row numbers are moved at once, and not a few for each batch
        batches = list(torch.split(torch.cat(batches).to(loader.device), [len(rows) for rows in batches]))
    yield from zip(batches, widths, strict=True)
