"""Small modules, data and callbacks that the matrix is made of. Each table maps the name in a test's id to what it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
import torchmetrics
from harness import frozen
from pytorch_lightning.plugins import MixedPrecision
from pytorch_lightning.utilities import CombinedLoader
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

ROWS, FEATURES, CLASSES, BATCH = 38, 6, 3, 4  # ten batches, the last one of two rows


def rows(count: int = ROWS, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, FEATURES, generator=generator)
    return x, torch.randint(0, CLASSES, (count,), generator=generator)


class DictRows(Dataset):
    def __init__(self) -> None:
        self.x, self.y = rows()

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return {"x": self.x[row], "y": self.y[row]}


class NoisyRows(TensorDataset):
    """Draws from the generator that dropout draws from: the order of fetching and training counts."""

    def __getitem__(self, row: int) -> tuple[Tensor, ...]:
        x, y = super().__getitem__(row)
        return x + 0.1 * torch.randn(FEATURES), y


class StreamedRows(IterableDataset):
    """Without a length, and noisy."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for x, y in zip(*rows(), strict=True):
            yield x + 0.1 * torch.randn(FEATURES), y


def plain(count: int = ROWS, **keywords: Any) -> DataLoader:
    return DataLoader(TensorDataset(*rows(count)), **{"batch_size": BATCH, "shuffle": True, **keywords})


DATA: dict[str, Callable[[], Any]] = {
    "tuples": plain,
    "drop_last": lambda: plain(drop_last=True),
    "dicts": lambda: DataLoader(DictRows(), BATCH, shuffle=True),
    "noisy": lambda: DataLoader(NoisyRows(*rows()), BATCH, shuffle=True),
    "no_length": lambda: DataLoader(StreamedRows(), BATCH),
    "two_loaders": lambda: CombinedLoader({"a": plain(), "b": plain(20, batch_size=3)}, "max_size_cycle"),
}


def validation() -> DataLoader:
    return DataLoader(TensorDataset(*rows(6, seed=2)), BATCH)


def log_both(module: Net, loss: Tensor, logits: Tensor, y: Tensor, at: int) -> None:
    module.log("loss", loss, on_step=True, on_epoch=True, prog_bar=True)
    module.log("hits", (logits.argmax(1) == y).float().mean(), on_step=True, on_epoch=True, logger=False)


def log_reduced(module: Net, loss: Tensor, logits: Tensor, y: Tensor, at: int) -> None:
    for reduce_fx in ("max", "sum", "min", torch.mean):
        name = reduce_fx if isinstance(reduce_fx, str) else "mean"
        module.log(f"loss/{name}", loss, on_step=False, on_epoch=True, reduce_fx=reduce_fx)
        module.log(f"both/{name}", loss, on_step=True, on_epoch=True, reduce_fx=reduce_fx)


def log_floats(module: Net, loss: Tensor, logits: Tensor, y: Tensor, at: int) -> None:
    module.log("float", loss.item() / 3, on_epoch=True)
    module.log("int", at, on_step=True, on_epoch=True)
    module.log("bar", 0.1 * at, prog_bar=True, logger=False)


def log_dict(module: Net, loss: Tensor, logits: Tensor, y: Tensor, at: int) -> None:
    module.log_dict({"loss": loss, "largest": logits.max()}, on_step=True, on_epoch=True)
    module.log_dict({"smallest": logits.min()})


def log_metric(module: Net, loss: Tensor, logits: Tensor, y: Tensor, at: int) -> None:
    module.accuracy(logits, y)
    module.log("accuracy", module.accuracy, on_step=True, on_epoch=True, prog_bar=True)
    module.log("loss", loss)


def log_conditional(module: Net, loss: Tensor, logits: Tensor, y: Tensor, at: int) -> None:
    if at % 5 == 2:
        module.log("loss", loss, on_step=True, on_epoch=True)
    if at == 3:
        module.log("once", loss, on_epoch=True, on_step=False)


def log_sized(module: Net, loss: Tensor, logits: Tensor, y: Tensor, at: int) -> None:
    module.log("loss", loss, on_step=True, on_epoch=True, batch_size=at + 1)
    module.log("other", loss, on_epoch=True, on_step=False)  # the size given above is not kept for this one


Log = Callable[["Net", Tensor, Tensor, Tensor, int], None]
LOGS: dict[str, Log] = {
    "no_log": lambda module, loss, logits, y, at: None,
    "on_step": lambda module, loss, logits, y, at: module.log("loss", loss),
    "on_epoch": lambda module, loss, logits, y, at: module.log("loss", loss, on_step=False, on_epoch=True),
    "both": log_both,
    "reduced": log_reduced,
    "floats": log_floats,
    "log_dict": log_dict,
    "metric": log_metric,
    "conditional": log_conditional,
    "batch_size": log_sized,
}

RETURNS: dict[str, Callable[[Tensor, Tensor, int], Any]] = {
    "tensor": lambda loss, logits, at: loss,
    "dict": lambda loss, logits, at: {"loss": loss, "logits": logits.detach()},
    "none_at_times": lambda loss, logits, at: None if at % 4 == 1 else loss,
}

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.9),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.01),
    "fused": lambda weights: torch.optim.AdamW(weights, lr=0.01, fused=True),
    "lbfgs": lambda weights: torch.optim.LBFGS(weights, lr=0.1, max_iter=3, history_size=4),
}


def one_cycle(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=80, cycle_momentum=False)
    return {"scheduler": cycle, "interval": "step"}


def every_second_step(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return {"scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9), "interval": "step", "frequency": 2}


def plateau(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=10.0)
    return {"scheduler": schedule, "monitor": "val/loss", "strict": False}


SCHEDULERS: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
    "constant": lambda optimizer: None,
    "one_cycle": one_cycle,
    "step_lr": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7),
    "every_2": every_second_step,
    "plateau": plateau,
}

CLIPPING: dict[str, dict[str, Any]] = {
    "unclipped": {},
    "norm": {"gradient_clip_val": 0.3},
    "value": {"gradient_clip_val": 0.02, "gradient_clip_algorithm": "value"},
}


def fp16() -> dict[str, Any]:
    """The scaler starts so high that its first steps overflow and are skipped, and grows again soon."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**22, growth_interval=5)
    return {"plugins": [MixedPrecision("16-mixed", "cpu", scaler)]}


PRECISION: dict[str, Callable[[], dict[str, Any]]] = {
    "32": dict,
    "bf16": lambda: {"precision": "bf16-mixed"},
    "fp16": fp16,
}


class Net(pl.LightningModule):
    """A linear layer, batch norm, dropout and a linear layer; what varies is chosen by names of the tables above."""

    def __init__(
        self, log: str = "both", optimizer: str = "sgd", scheduler: str = "constant", returns: str = "tensor"
    ) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(FEATURES, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, CLASSES)
        )
        self.accuracy = torchmetrics.classification.MulticlassAccuracy(CLASSES)
        self.choice = (log, optimizer, scheduler, returns)
        self.stops_at: int | None = None  # the batch that sets should_stop
        self.steps: list[Any] = []  # what each training step was given and found
        self.heard: list[Any] = []  # for hooks of modules that are made from this one

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch_of(batch)
        return self.step_on(x, y, batch_idx)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # type: ignore[no-any-return]

    def step_on(self, x: Tensor, y: Tensor, batch_idx: int) -> Any:
        logits = self(x)
        loss = cross_entropy(logits, y)
        rates = [group["lr"] for optimizer in self.trainer.optimizers for group in optimizer.param_groups]
        flags = (self.training, torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), self._current_fx_name)
        where = (batch_idx, self.current_epoch, self.global_step, self.trainer.fit_loop.total_batch_idx)
        self.steps.append(frozen([*where, rates, *flags, x, loss.detach()]))
        log, _, _, returns = self.choice
        LOGS[log](self, loss, logits, y, batch_idx)
        if self.stops_at == batch_idx:
            self.trainer.should_stop = True
        return RETURNS[returns](loss, logits, batch_idx)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        x, y = batch_of(batch)
        logits = self.net(x)
        self.accuracy(logits, y)
        self.log("val/loss", cross_entropy(logits, y), prog_bar=True)
        self.log("val/accuracy", self.accuracy)

    def configure_optimizers(self) -> Any:
        _, optimizer, scheduler, _ = self.choice
        made = OPTIMIZERS[optimizer](self.net.parameters())
        schedule = SCHEDULERS[scheduler](made)
        return made if schedule is None else {"optimizer": made, "lr_scheduler": schedule}


class BatchOnly(Net):
    """A training step that takes no batch_idx."""

    def training_step(self, batch: Any) -> Any:  # type: ignore[override]
        x, y = batch_of(batch)
        return self.step_on(x, y, 0)


def batch_of(batch: Any) -> tuple[Tensor, Tensor]:
    """Samples and labels of any batch of `DATA`."""
    if isinstance(batch, dict) and "x" in batch:
        return batch["x"], batch["y"]
    if isinstance(batch, dict):
        pairs = [pair for pair in batch.values() if pair is not None]
        return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])
    x, y = batch
    return x, y
