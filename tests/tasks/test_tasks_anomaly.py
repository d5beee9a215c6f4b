"""Anomaly detection: a reconstruction's error is what is trained, and each sample's score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from projectkit.errors import UserError
from projectkit.models import Autoencoder
from projectkit.tasks import AnomalyDetection
from projectkit.training import Trainer
from projectkit.training.loop.program import PureTask

FEATURES = 6


class Seen(pl.Callback):
    """What was logged, in training and validation."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.values |= {name: float(value) for name, value in trainer.callback_metrics.items()}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.values |= {name: float(value) for name, value in trainer.callback_metrics.items()}


def rows(n: int = 60, anomalies: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Normal rows lie on a plane of two dimensions; anomalous ones do not."""
    generator = torch.Generator().manual_seed(n + anomalies)
    plane = torch.randn(2, FEATURES, generator=torch.Generator().manual_seed(0))
    x = torch.randn(n, 2, generator=generator) @ plane
    x[:anomalies] += 2 * torch.randn(anomalies, FEATURES, generator=generator)
    return x, (torch.arange(n) < anomalies).long()


def loader(x: torch.Tensor, y: torch.Tensor) -> DataLoader:
    return DataLoader(TensorDataset(x, y), batch_size=16)


def trainer(tmp_path: Path, *callbacks: pl.Callback, **arguments: Any) -> Trainer:
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    return Trainer(
        accelerator="cpu",
        default_root_dir=tmp_path,
        callbacks=list(callbacks),
        **quiet,
        **{"max_epochs": 1, **arguments},
    )


def test_the_score_of_a_sample_is_its_own_mean_squared_error() -> None:
    x, y = rows()
    task = AnomalyDetection(Autoencoder(FEATURES)).eval()
    score = task.predict_step((x, y)).detach()
    assert score.shape == (len(x),)
    torch.testing.assert_close(score[7], nn.functional.mse_loss(task(x[7:8]), x[7:8]).detach())
    torch.testing.assert_close(score.mean(), task.loss_of((x, y))[0].detach())


def test_the_validation_logs_the_error_of_normal_samples_and_the_order_of_all(tmp_path: Path) -> None:
    x, y = rows(80, anomalies=12)
    task, seen = AnomalyDetection(Autoencoder(FEATURES)), Seen()
    trainer(tmp_path, seen).validate(task, loader(x, y), verbose=False)
    score = task.predict_step((x, y)).detach().numpy()
    assert seen.values == {
        "val/loss": pytest.approx(float(score[y.numpy() == 0].mean()), rel=1e-5),
        "val/auroc": pytest.approx(roc_auc_score(y, score), abs=1e-6),
        "val/average_precision": pytest.approx(average_precision_score(y, score), abs=1e-6),
    }


@pytest.mark.parametrize(("label", "logged"), [(0, {"val/loss"}), (1, set())])
def test_one_kind_of_sample_alone_has_no_order_to_be_logged(tmp_path: Path, label: int, logged: set[str]) -> None:
    x, y = rows()
    seen = Seen()
    trainer(tmp_path, seen).validate(
        AnomalyDetection(Autoencoder(FEATURES)), loader(x, torch.full_like(y, label)), verbose=False
    )
    assert set(seen.values) == logged


@pytest.mark.slow
def test_what_does_not_lie_where_normal_rows_lie_is_found(tmp_path: Path) -> None:
    pl.seed_everything(0, verbose=False)
    task, seen = AnomalyDetection(Autoencoder(FEATURES, bottleneck=2)), Seen()
    trainer(tmp_path, seen, max_epochs=60).fit(task, loader(*rows(400)), loader(*rows(100, anomalies=20)))
    assert seen.values["val/auroc"] > 0.9
    assert set(seen.values) == {"train/loss", "val/loss", "val/auroc", "val/average_precision"}
    assert seen.values["train/loss"] == pytest.approx(seen.values["val/loss"], rel=1)


def test_labels_are_not_learnt_from() -> None:
    x, y = rows()
    task = AnomalyDetection(Autoencoder(FEATURES))
    assert isinstance(task, PureTask)
    assert task.loss_of((x, y))[0].item() == task.loss_of((x, 1 - y))[0].item()


def test_a_model_that_gives_something_else_than_its_input_is_named_with_what_to_type() -> None:
    with pytest.raises(UserError, match=r"\(60, 2\) for inputs of shape \(60, 6\).*Autoencoder"):
        AnomalyDetection(nn.Linear(FEATURES, 2)).loss_of(rows())


def test_token_numbers_have_no_squared_error() -> None:
    with pytest.raises(UserError, match="int64, which have no squared error"):
        AnomalyDetection(nn.Identity()).loss_of((torch.zeros(3, 4, dtype=torch.int64), torch.zeros(3)))


@pytest.mark.parametrize(("hidden", "widths"), [((), (6, 2, 6)), ((5, 4), (6, 5, 4, 2, 4, 5, 6))])
def test_an_autoencoder_narrows_to_its_middle_and_mirrors_the_way_down(
    hidden: tuple[int, ...], widths: tuple[int, ...]
) -> None:
    layers = [layer for layer in Autoencoder(FEATURES, hidden).layers if isinstance(layer, nn.Linear)]
    assert (layers[0].in_features, *(layer.out_features for layer in layers)) == widths
