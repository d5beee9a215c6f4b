"""The processes of a team's own DataLoader: they end with the training, and draw what they draw in plain Lightning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from projectkit.data.loading import EndsWithParent
from projectkit.training import Trainer


class Drawn(Dataset[Any]):
    """Numbers that a loader process draws."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, row: int) -> tuple[float, float]:
        return torch.rand(()).item(), float(np.random.rand())


class Seen(pl.LightningModule):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[Tensor] = []

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        self.seen += batch
        return self.weight.square()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(kind: type[pl.Trainer], folder: Path, **arguments: Any) -> tuple[list[Tensor], Any]:
    pl.seed_everything(3, workers=True, verbose=False)
    loader, module = DataLoader(Drawn(), batch_size=2, num_workers=2, **arguments), Seen()
    trainer = kind(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, loader)
    return module.seen, loader.worker_init_fn


def seeded(worker: int) -> None:
    np.random.seed(100 + worker)


def test_loader_processes_draw_what_they_draw_in_plain_lightning(tmp_path: Path) -> None:
    for arguments in ({}, {"worker_init_fn": seeded}):
        (plain, _), (ours, function) = fit(pl.Trainer, tmp_path, **arguments), fit(Trainer, tmp_path, **arguments)
        assert isinstance(function, EndsWithParent)
        assert not isinstance(function.then, EndsWithParent)
        assert len(plain) == 8
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(ours, plain, strict=True))
