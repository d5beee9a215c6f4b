"""A small training whose batches say in which way they ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers.logger import DummyLogger
from torch import Tensor
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader

from projectkit.training import Trainer
from projectkit.training.loop import epoch_loop

BATCHES = 20  # of an epoch


class Small(pl.LightningModule):
    """Linear regression; what a test needs is set on the class that it makes of it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = torch.nn.Linear(3, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        return mse_loss(self.net(batch), batch.sum(1, keepdim=True))

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val", mse_loss(self.net(batch), batch.sum(1, keepdim=True)))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99), "interval": "step"}]


class Silent(DummyLogger):
    """A logger, so that there are steps of the log."""

    def log_metrics(self, *arguments: Any, **keywords: Any) -> None:
        """Nothing is kept."""


def batches(count: int = BATCHES) -> DataLoader:
    return DataLoader(torch.randn(4 * count, 3, generator=torch.Generator().manual_seed(1)), batch_size=4)


def trainer_of(kind: type[pl.Trainer] = Trainer, callbacks: Sequence[Callback] = (), **settings: Any) -> pl.Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    return kind(
        callbacks=list(callbacks),
        **{"max_epochs": 1, "logger": False, "accelerator": "cpu", "num_sanity_val_steps": 0, **quiet, **settings},
    )


def singles(
    monkeypatch: pytest.MonkeyPatch, trainer: pl.Trainer, module: pl.LightningModule, *loaders: Any
) -> list[int]:
    """Train; the numbers of the batches, counted through all epochs, that ran as singles."""
    alone: list[int] = []
    run = epoch_loop.run_single

    def noted(*arguments: Any) -> None:
        alone.append(trainer.fit_loop.epoch_loop.total_batch_idx + 1)
        run(*arguments)

    monkeypatch.setattr(epoch_loop, "run_single", noted)
    monkeypatch.setattr(epoch_loop, "SEGMENT_S", float("inf"))  # a busy machine makes segments short
    trainer.fit(module, *(loaders or (batches(),)))
    return alone
