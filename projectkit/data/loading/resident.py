"""Batches of a set that is held in memory: on the device where it fits there, each batch gathered by its row numbers.

No process, no queue and no collation stand between the set and the step. Besides whole batches an iterator gives row numbers alone, for
a compiled step that gathers inside.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from projectkit.data.augmentation import AugmentationChain
from projectkit.data.batches import BatchDataset, BatchSampler
from projectkit.data.loading.completion import Batch, Finish, completion


class ResidentLoader:
    """A set in memory as an iterable of batches `(x, y)`, for Lightning and for plain loops.

    Nothing is drawn or looked up before an iterator's first batch: Lightning makes iterators only to see whether it can, and names the
    epoch after it has made one. Any number of iterators may be at work at once.

    Args:
        dataset: the samples in their compact type (images uint8, tokens int16 or int32).
        sampler: the order; Lightning calls its `set_epoch`.
        device: where the set is kept and batches are made; None is the CPU.
        finish: applied to each batch's x, such as an encoder's `on_device`; None: batches are given as they are gathered.
        augment: augments and finishes instead.
    """

    batch_sampler = None  # Lightning looks there first for the order

    def __init__(
        self,
        dataset: BatchDataset,
        sampler: BatchSampler,
        device: torch.device | None = None,
        finish: Finish | None = None,
        augment: AugmentationChain | None = None,
    ) -> None:
        self.device = device or torch.device("cpu")
        self.dataset = dataset.to(self.device)
        self.sampler = sampler
        self.finish = finish
        self.augment = augment

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> ResidentIterator:
        return RowIterator(self) if self.augment is None else ResidentIterator(self)

    def batch_of(self, rows: Tensor) -> Batch:
        """The batch whose rows `next_rows` gives: a function of the rows alone, to be compiled with what follows it."""
        x, y = self.dataset[rows]
        return x if self.finish is None else self.finish(x), y


class ResidentIterator:
    """One pass over a `ResidentLoader`."""

    def __init__(self, loader: ResidentLoader) -> None:
        self._x = loader.dataset.x
        self._y = loader.dataset.y
        self._complete = completion(loader.finish, loader.augment)
        self._planned = self._plan(loader)
        self._epoch = 0

    def __iter__(self) -> ResidentIterator:
        return self

    def __next__(self) -> Batch:
        rows, width, number = next(self._planned)
        x, y = self._x.gather(rows, width), self._y.index_select(0, rows)
        return (x, y) if self._complete is None else self._complete(x, y, self._epoch, number)

    def _plan(self, loader: ResidentLoader) -> Iterator[tuple[Tensor, int | None, int]]:
        """Rows, width and number of each batch; begins with the first batch, when the epoch is known."""
        first, self._epoch = loader.sampler.start_batch, loader.sampler.epoch
        batches = list(loader.sampler)
        widths = loader.dataset.x.widths(batches)
        if loader.device.type != "cpu" and batches:  # an epoch's row numbers are moved at once, and not a few a batch
            batches = list(torch.split(torch.cat(batches).to(loader.device), [len(rows) for rows in batches]))
        yield from zip(batches, widths, itertools.count(first), strict=False)


class RowIterator(ResidentIterator):
    """Batches, or their row numbers, where a batch is a function of them; both move the same position."""

    def next_rows(self) -> Tensor:
        """The row numbers of the next batch in the loader's `dataset`, (batch,) int64, on the loader's device.

        Raises:
            StopIteration: the epoch is over.
        """
        return next(self._planned)[0]
