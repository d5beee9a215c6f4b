"""How a batch comes to a step: taken from the loader, and moved to the device.

Within a segment a batch is taken from the loader's own iterator where there is one loader, past Lightning's fetcher and combination
(20 us); the hooks around the transfer are called only where somebody has them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from projectkit.training.loop.hooks import overrides
from projectkit.training.loop.lightning_names import (
    FX,
    Fetcher,
    fetch_ahead,
    looks_ahead,
    move_data_to_device,
    names_of,
    single_iterator,
    transfer_owner,
)

TRANSFER_HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")


class BatchSource:
    """The batches of one epoch.

    Args:
        trainer: whose module or data module may have hooks around the transfer.
        fetcher: Lightning's, with the epoch's iterator.
        rows: whether the step takes row numbers of a resident data set in place of batches, where the loader gives them.
    """

    def __init__(self, trainer: pl.Trainer, fetcher: Fetcher, *, rows: bool) -> None:
        self.fetcher = fetcher
        # on loader processes; without them the batch is made here and now
        self.waits = any(getattr(loader, "num_workers", 0) for loader in fetcher.combined_loader.flattened)
        self.move, hooked = mover(trainer)
        alone = single_iterator(fetcher)
        next_rows = getattr(alone[0], "next_rows", None) if alone is not None and rows and not hooked else None
        self.rows = next_rows is not None
        # what numbers the batches that are taken past the fetcher
        self.iterator: Any = None if alone is None else alone[1]
        self.next: Callable[[], Any] = self.fetched
        self.direct = alone is not None  # whether `next` goes past the fetcher, which then counts nothing
        if next_rows is not None:
            self.next = next_rows
        elif looks_ahead(fetcher):
            self.next, self.direct = self.ahead, False
        elif alone is not None:
            self.next = alone[0].__next__

    def fetched(self) -> Any:
        """A batch through Lightning's fetcher, which counts it."""
        batch, _, _ = next(self.fetcher)
        return batch

    def ahead(self) -> Any:
        """A batch of a loader without a length: the one after it is fetched first, as Lightning does to see the last one coming.

        Raises:
            StopIteration: the batch in hand is the last one; it stays there for a single.
        """
        batch, _, _ = fetch_ahead(self.fetcher)
        return batch

    def one(self) -> Any:
        """The next batch of a single: counted by the fetcher, or row numbers, which count for themselves."""
        if not self.rows:
            return self.fetched()
        try:
            rows = self.next()
        except StopIteration:
            self.fetcher.done = True
            raise
        self.fetcher.fetched += 1
        self.fetcher.done = self.fetcher.fetched >= (self.fetcher.length or 0)
        self.iterator._idx += 1
        return rows

    def before_last(self, done: int, batches: float) -> int:
        """How many batches come before the last one of the epoch; any number where the last one is known when it comes.

        Args:
            done: batches that have run.
            batches: of the epoch, infinite where the loader has no length.
        """
        if self.next == self.ahead:
            return sys.maxsize if looks_ahead(self.fetcher) else 0
        if self.fetcher.length is None or batches == float("inf"):
            return 0
        return int(min(self.fetcher.length - self.fetcher.fetched, batches - done)) - 1


def mover(trainer: pl.Trainer, dataloader_idx: int = 0) -> tuple[Callable[[Any], Any], bool]:
    """What brings a loader's batch to the device, and whether somebody has a hook in it."""
    device = trainer.strategy.root_device
    live = {}
    for hook in TRANSFER_HOOKS:
        owner = transfer_owner(trainer, hook)
        base = pl.LightningModule if isinstance(owner, pl.LightningModule) else pl.LightningDataModule
        if overrides(owner, base, hook):
            live[hook] = owner
    if not live:
        return lambda batch: _to_device(batch, device), False
    names = names_of(trainer.lightning_module)

    def call(hook: str, *arguments: Any) -> Any:
        before = names[FX]
        if isinstance(live[hook], pl.LightningModule):
            names[FX] = hook
        result = getattr(live[hook], hook)(*arguments)
        names[FX] = before
        return result

    def move(batch: Any) -> Any:
        if "on_before_batch_transfer" in live:
            batch = call("on_before_batch_transfer", batch, dataloader_idx)
        theirs = "transfer_batch_to_device" in live
        batch = call("transfer_batch_to_device", batch, device, dataloader_idx) if theirs else _to_device(batch, device)
        return call("on_after_batch_transfer", batch, dataloader_idx) if "on_after_batch_transfer" in live else batch

    return move, True


def _to_device(batch: Any, device: torch.device) -> Any:
    """The batch on a device; tensors that are there already stay as they are, a list is copied as Lightning does."""
    kind = type(batch)
    for leaf in batch if kind is list or kind is tuple else (batch,):
        if type(leaf) is not Tensor or leaf.device != device:
            return move_data_to_device(batch, device)
    return list(batch) if kind is list else batch
