"""The loader processes of a team's own DataLoaders end with the training, as those of our loaders do."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.utilities.seed import pl_worker_init_function
from torch.utils.data import DataLoader

from projectkit.data.loading import EndsWithParent


def end_loaders_with(trainer: pl.Trainer) -> None:
    """Lightning shows each loader to its strategy before it makes an iterator of it: there it gets what its processes are to do."""
    trainer.strategy.process_dataloader = _Prepared(trainer)  # type: ignore[assignment]


class _Prepared:
    """The strategy's own `process_dataloader`, and after it ours; a class, because spawned processes get the trainer pickled."""

    def __init__(self, trainer: pl.Trainer) -> None:
        self.trainer = trainer

    def __call__(self, loader: Any) -> Any:
        strategy = self.trainer.strategy
        loader = type(strategy).process_dataloader(strategy, loader)
        if isinstance(loader, DataLoader) and loader.num_workers:
            former = loader.worker_init_fn
            if not isinstance(former, EndsWithParent):  # a loader may come once an epoch
                loader.worker_init_fn = EndsWithParent(former or self._seeding())
        return loader

    def _seeding(self) -> Any:
        """What Lightning would give a loader that has no function of its own: processes draw what they draw in plain Lightning."""
        seeded = int(os.environ.get("PL_SEED_WORKERS", "0"))
        return partial(pl_worker_init_function, rank=self.trainer.global_rank) if seeded else None
