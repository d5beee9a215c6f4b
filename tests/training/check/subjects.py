"""What the tests of the check are made of: small data with something to learn in it, and a short look at a model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader, TensorDataset

from projectkit.tasks import Classification, OptimizerPlan
from projectkit.training import Assembly
from projectkit.training.check import examine
from projectkit.training.check.budget import Budget
from projectkit.training.check.examine import Examination

CLASSES, FEATURES, SIDE = 4, 8, 8


class Rows(pl.LightningDataModule):
    """Tensors as a team's own data."""

    def __init__(self, *tensors: Tensor, batch_size: int = 32, shuffle: bool = True) -> None:
        super().__init__()
        self.tensors, self.batch_size, self.shuffle = tensors, batch_size, shuffle

    def train_dataloader(self) -> Any:
        return DataLoader(TensorDataset(*self.tensors), self.batch_size, shuffle=self.shuffle)


def table(count: int = 256, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Standardised columns; the class is the sector of the first two."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, FEATURES, generator=generator)
    y = (x[:, 0] > 0).long() * 2 + (x[:, 1] > 0).long()
    return x, y


def images(count: int = 128, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noise, with one bright quarter, which is the class."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 1, SIDE, SIDE, generator=generator) * 0.5
    y = torch.randint(CLASSES, (count,), generator=generator)
    half = SIDE // 2
    for row, label in enumerate(y.tolist()):
        x[row, 0, half * (label // 2) : half * (label // 2) + half, half * (label % 2) : half * (label % 2) + half] += (
            1.5
        )
    return x, y


def texts(count: int = 128, length: int = 20, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Tokens 1 to 9 of different lengths with padding 0 behind; the class is the commoner of two tokens."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(3, 10, (count, length), generator=generator)
    y = torch.randint(2, (count,), generator=generator)
    lengths = torch.randint(5, length, (count,), generator=generator)
    x[:, 1:4] = (y + 1)[:, None]
    return x.masked_fill(torch.arange(length) >= lengths[:, None], 0), y


def look(
    model: nn.Module | Callable[[], nn.Module],
    data: tuple[Tensor, Tensor] | pl.LightningDataModule | None = None,
    *,
    lr: float = 0.01,
    seconds: float = 120.0,
    task: Callable[..., pl.LightningModule] = Classification,
    optimizer: Any = AdamW,
    **trainer: Any,
) -> Examination:
    """Check a model, or a LightningModule, on small data."""
    torch.manual_seed(0)
    built = model if isinstance(model, nn.Module) else model()
    rows = data if isinstance(data, pl.LightningDataModule) else Rows(*(data or table()))
    whole = built if isinstance(built, pl.LightningModule) else task(built, OptimizerPlan(partial(optimizer, lr=lr)))
    arguments = {"accelerator": "cpu", "devices": 1, **trainer}
    return examine(Assembly(rows, whole, []), trainer=arguments, budget=Budget(seconds))


def errors(found: Examination) -> set[str]:
    """Ids of the errors."""
    return {finding.id for finding in found.findings if finding.status == "error"}


def warned(found: Examination) -> set[str]:
    """Ids of the errors and the warnings."""
    return {finding.id for finding in found.findings if finding.status in ("error", "warning")}


def told(found: Examination) -> str:
    """All of it, for a failing test."""
    return "\n".join(f"{each.status} {each.id} {each.where}: {each.message}" for each in found.findings)
