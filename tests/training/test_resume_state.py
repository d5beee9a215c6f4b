"""What Lightning's checkpoints leave out is there again after a death: logs, metrics, gradients, and what callbacks set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from deaths import Death, DiesAt, die, differences, exact, newest, outcome, with_callbacks
from pytorch_lightning.callbacks import Callback

from projectkit.runs import Run
from projectkit.training import load_checkpoint, train

CONFIG = """
name: state
seed: 5
data: {class_path: team.state.Data}
task: {class_path: team.state.TASK}
trainer: {max_epochs: 4, accelerator: cpu, log_every_n_steps: 3}
checkpoint: {every_n_steps: 2, every_n_minutes: null}
tracking: {wandb: disabled}
"""

MODULE = '''
"""Modules that keep more than weights."""

import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MeanMetric
from torchmetrics.classification import BinaryAccuracy, BinaryAUROC

X = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
Y = (X.sum(1) > 0).float()


class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(TensorDataset(X, Y), 6, shuffle=True)

    def val_dataloader(self):
        return DataLoader(TensorDataset(X, Y), 20)


class Base(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.register_buffer("seen", torch.zeros(4), persistent=False)

    def loss(self, batch):
        x, y = batch
        self.seen += x.sum(0)
        logits = self.net(x).squeeze(1) + 0.001 * self.seen.sum()
        return logits, nn.functional.binary_cross_entropy_with_logits(logits, y)

    def training_step(self, batch, batch_idx):
        return self.loss(batch)[1]

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.01)


class Logs(Base):
    """Logs in every way that there is, and monitors what the training logs."""

    def __init__(self):
        super().__init__()
        self.accuracy = BinaryAccuracy()
        self.auroc = BinaryAUROC()
        self.mean = MeanMetric()

    def training_step(self, batch, batch_idx):
        logits, loss = self.loss(batch)
        self.accuracy(logits, batch[1])
        self.auroc.update(logits, batch[1].long())
        self.mean.update(loss)
        self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        self.log("train/most", loss, on_step=False, on_epoch=True, reduce_fx="max")
        self.log("train/sum", loss, on_step=False, on_epoch=True, reduce_fx="sum")
        self.log("train/accuracy", self.accuracy, on_step=True, on_epoch=True)
        if batch_idx == 1:
            self.log("train/once", loss, on_step=False, on_epoch=True)
        return loss

    def on_train_epoch_end(self):
        self.log("train/auroc", self.auroc.compute())
        self.log("train/mean", self.mean.compute())
        self.auroc.reset()
        self.mean.reset()

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self.loss(batch)[1])

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), 0.01)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.7)
        watched = {"scheduler": scheduler, "monitor": "train/loss_epoch", "interval": "epoch"}
        return {"optimizer": optimizer, "lr_scheduler": watched}


class ByHand(Base):
    """Steps by itself, every third batch, so that gradients stand in between."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        loss = self.loss(batch)[1]
        self.manual_backward(loss)
        if batch_idx % 3 == 2:
            optimizer.step()
            optimizer.zero_grad()
        self.log("train/loss", loss, on_epoch=True)


class Lbfgs(Base):
    def configure_optimizers(self):
        return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=3)


class PlateauBySteps(Base):
    def training_step(self, batch, batch_idx):
        loss = self.loss(batch)[1]
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), 0.1, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.9)
        watched = {"scheduler": scheduler, "monitor": "train/loss", "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": watched}
'''

BY_STEPS = "callbacks=[{class_path: pytorch_lightning.callbacks.GradientAccumulationScheduler, init_args: {scheduling: {1: 2, 3: 3}}}]"
SWA = "callbacks=[{class_path: pytorch_lightning.callbacks.StochasticWeightAveraging, init_args: {swa_lrs: 0.02, swa_epoch_start: 2}}]"
FINETUNING = "callbacks=[{class_path: pytorch_lightning.callbacks.LearningRateMonitor}]"


@pytest.fixture
def state(project: Path, team_file: Callable[[str, str], None]) -> Callable[[str], Path]:
    """A config of one of the modules."""
    team_file("state", MODULE)

    def write(task: str) -> Path:
        path = project / "configs" / "state.yaml"
        path.write_text(CONFIG.replace("TASK", task), encoding="utf-8")
        return path

    return write


def same_after(config: Path, overrides: list[str], *deaths: DiesAt) -> Run:
    whole = train(config, overrides)
    resumed = die(config, overrides, *deaths)
    assert not differences(outcome(whole), outcome(resumed))
    return resumed


@pytest.mark.parametrize("loop", ["auto", "lightning"])
@pytest.mark.parametrize(
    ("task", "overrides"),
    [
        ("Logs", []),
        ("Logs", ["trainer.val_check_interval=4"]),
        ("Logs", ["trainer.check_val_every_n_epoch=2", "trainer.max_epochs=3"]),
        ("Logs", ["trainer.check_val_every_n_epoch=null", "trainer.val_check_interval=7"]),
        ("Logs", ["trainer.max_steps=27", "trainer.max_epochs=-1"]),
        ("ByHand", []),
        ("Lbfgs", []),
        ("PlateauBySteps", ["trainer.accumulate_grad_batches=2"]),
        ("Base", [BY_STEPS]),
        ("Base", ["trainer.gradient_clip_val=0.1", FINETUNING]),
        ("Base", ["trainer.limit_train_batches=7"]),
        ("Base", ["trainer.overfit_batches=4"]),
    ],
)
def test_after_a_death_all_is_as_it_would_have_been(
    state: Callable[[str], Path], task: str, overrides: list[str], loop: str
) -> None:
    deaths = [DiesAt("on_train_batch_start", count) for count in (8, 9, 9)]
    same_after(state(task), [*overrides, f"speed.loop={loop}"], *deaths, DiesAt("on_train_epoch_end", 1))


def test_weights_that_are_averaged_late_go_on_between_epochs_and_it_is_said(state: Callable[[str], Path]) -> None:
    run = same_after(state("Base"), [SWA], DiesAt("on_train_batch_start", 25), DiesAt("on_train_batch_start", 9))
    assert any("no checkpoints within epochs" in str(event.get("message")) for event in run.events())


def test_buffers_that_no_state_dict_holds_are_kept(state: Callable[[str], Path]) -> None:
    run = train(state("Base"), ["trainer.max_epochs=1"])
    assert "seen" not in load_checkpoint(run.checkpoint("last"))["state_dict"]
    assert "seen" in load_checkpoint(run.checkpoint("last"))["callbacks"]["Checkpoints"]["whole"]["left_out"]["buffers"]


def test_time_that_was_spent_before_a_death_counts_for_max_time(state: Callable[[str], Path]) -> None:
    config, overrides = state("Base"), ["trainer.max_time={hours: 2}"]
    with with_callbacks([Later(7000.0), DiesAt("on_train_batch_start", 13)]), pytest.raises(Death):
        train(config, overrides)
    with with_callbacks([Later(300.0)]):
        run = train(config, overrides, resume="auto")
    assert run.record["last"]["step"] < 40


class Later(Callback):
    """As if a training had begun so many seconds ago."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_train_epoch_start(self, trainer, pl_module) -> None:
        timer = next(each for each in trainer.callbacks if type(each).__name__ == "Timer")
        timer._offset += self.seconds
        self.seconds = 0.0


@pytest.mark.parametrize("loop", ["auto", "lightning"])
def test_checkpoints_by_the_clock_change_no_bit_of_a_training(state: Callable[[str], Path], loop: str) -> None:
    config, overrides = state("Logs"), ["checkpoint.every_n_steps=null", f"speed.loop={loop}"]
    rare = train(config, [*overrides, "checkpoint.every_n_epochs=100"])
    often = train(config, [*overrides, "checkpoint.every_n_minutes=1.0e-9"])
    assert len([event for event in often.events() if event["event"] == "checkpointed"]) > 12
    assert not differences(outcome(rare), outcome(often))


def test_a_training_that_early_stopping_has_ended_does_not_go_on_after_a_death(state: Callable[[str], Path]) -> None:
    config = state("Logs")
    overrides = ["monitor={metric: val/loss, mode: min}", "early_stopping={patience: 1, min_delta: 10.0}"]
    whole = train(config, overrides)
    with with_callbacks([DiesAt("on_train_end", 1)]), pytest.raises(Death):
        train(config, overrides)
    died = newest()
    resumed = train(config, overrides, resume="auto")
    assert resumed.id == died.id
    assert not differences(outcome(whole), outcome(resumed))
    assert exact(resumed.last) == exact(whole.last)
