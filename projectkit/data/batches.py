"""Encoded samples in memory and the order in which their batches come.

Whole batches are gathered by index, which on small models costs half of what one-sample-at-a-time loading costs. The order is a
function of (seed, epoch) alone, so a run that is repeated or resumed sees the same batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset, SequentialSampler


@dataclass(frozen=True)
class EncodedArray:
    """Samples of one shape, (n, ...)."""

    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    def gather(self, rows: Tensor) -> Tensor:
        """The samples of `rows` as one batch, (batch, ...)."""
        return self.values[rows]


@dataclass(frozen=True)
class Ragged(EncodedArray):
    """Token sequences of different lengths: sample i is `values[offsets[i]:offsets[i + 1]]`."""

    offsets: Tensor  # (n + 1,) int64
    pad_index: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def gather(self, rows: Tensor) -> Tensor:
        """The samples of `rows`, padded to the longest among them, (batch, length) int64, length at least 1."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        positions = torch.arange(max(1, int(lengths.max())))
        inside = positions < lengths[:, None]
        if not len(self.values):
            return torch.full(inside.shape, self.pad_index)
        places = (starts[:, None] + positions).clamp_(max=len(self.values) - 1)
        return torch.where(inside, self.values[places].long(), self.pad_index)


class BatchDataset(Dataset[tuple[Tensor, Tensor]]):
    """An encoded subset that is indexed by whole batches: `dataset[rows]` is `(x, y)`."""

    def __init__(self, x: EncodedArray, y: Tensor) -> None:
        self.x = x
        self.y = y

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return self.x.gather(rows), self.y[rows]


# Lightning takes any other sampler for one that shuffles single samples, and replaces it where `overfit_batches` is set.
class BatchSampler(SequentialSampler):
    """Row numbers of one batch after the other, shuffled by (seed, epoch), balanced by class, or in order.

    Lightning calls `set_epoch`. The length is that of a full epoch even where the first one starts in its middle: Lightning plans with it.

    Args:
        size: number of rows.
        batch_size: rows of a batch; the last one may be smaller.
        seed: of the shuffling; None keeps the order.
        start: epoch and batch with which the order begins, for a resumed run; later epochs begin at batch 0.
        labels: of the rows, (size,), where every class is to come equally often; None takes each row once. Needs a seed.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int | None = None,
        start: tuple[int, int] = (0, 0),
        labels: Tensor | None = None,
    ) -> None:
        super().__init__(range(size))
        self.size = size
        self.batch_size = batch_size
        self.seed = seed
        self.labels = labels
        # of a resumed run: loader processes fetch their first batches before Lightning calls `set_epoch`
        self.epoch, self.start_batch = start

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.size / self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:  # type: ignore[override] # a batch of rows at a time
        batches = torch.split(self._order(), self.batch_size)
        start, self.start_batch = self.start_batch, 0
        yield from batches[start:]

    def _order(self) -> Tensor:
        if self.seed is None:
            return torch.arange(self.size)
        # an own generator: the global one must not depend on how many epochs a loader has served
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        if self.labels is not None:
            return balanced_rows(self.labels, generator)
        return torch.randperm(self.size, generator=generator)


def balanced_rows(labels: Tensor, generator: torch.Generator) -> Tensor:
    """As many rows as there are labels, in random order, every class that occurs equally often (but for one row).

    Within a class no row comes again before all others have come: a large class gives a share of its rows, a small one repeats all of them.

    Args:
        labels: (n,) class indices.
        generator: of all that is random.

    Returns:
        (n,) rows.
    """
    present = torch.unique(labels)
    share, rest = divmod(len(labels), len(present))
    one_more = set(torch.randperm(len(present), generator=generator)[:rest].tolist())
    parts = []
    for number, label in enumerate(present):
        rows, wanted = torch.nonzero(labels == label).flatten(), share + (number in one_more)
        rounds = [torch.randperm(len(rows), generator=generator) for _ in range(math.ceil(wanted / len(rows)))]
        parts.append(rows[torch.cat([*rounds, torch.empty(0, dtype=torch.int64)])[:wanted]])
    rows = torch.cat(parts)
    return rows[torch.randperm(len(rows), generator=generator)]
