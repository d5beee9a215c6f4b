"""What a team's own module gives says what is measured: rows of scores, anomaly scores, or numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from projectkit.errors import UserError, WorkError
from projectkit.evaluation import Options, evaluate
from projectkit.evaluation.predict import kind_of, predict
from projectkit.runs import Run
from projectkit.training import Assembly, train

QUICK = Options(attribute=0, cost=False)
CPU = torch.device("cpu")

OWN = """
import pytorch_lightning as pl
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class Numbers(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(4, 1)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        return functional.mse_loss(self(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", functional.mse_loss(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Distances(Numbers):
    def training_step(self, batch, batch_idx):
        return self.net(batch[0]).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self.net(batch[0]).square().mean())

    def predict_step(self, batch, batch_idx):
        return batch[0].square().sum(dim=1)


class Data(pl.LightningDataModule):
    classes = False

    def setup(self, stage):
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(500, 4, generator=generator)
        y = x @ torch.tensor([[1.0], [2.0], [0.0], [-1.0]]) + 5
        if self.classes:
            y = (torch.arange(500) % 5 == 0).long()
            x = x + 3 * y[:, None]
        self.parts = {"train": (x[:300], y[:300]), "val": (x[300:400], y[300:400]), "test": (x[400:], y[400:])}

    def loader(self, name):
        return DataLoader(TensorDataset(*self.parts[name]), batch_size=32)

    def train_dataloader(self):
        return self.loader("train")

    def val_dataloader(self):
        return self.loader("val")

    def test_dataloader(self):
        return self.loader("test")


class Classes(Data):
    classes = True
"""

CONFIG = """
data: {class_path: team.kinds.Data}
task: {class_path: team.kinds.Numbers}
trainer: {max_epochs: 5, accelerator: cpu}
monitor: {metric: val/loss, mode: min}
tracking: {wandb: disabled}
"""


@pytest.fixture
def own(config: Path, team_file: Callable[[str, str], None]) -> Callable[..., Run]:
    """Train the team's own modules."""

    def trained(*overrides: str) -> Run:
        team_file("kinds", OWN)
        config.write_text(CONFIG, encoding="utf-8")
        return train(config, overrides)

    return trained


def test_a_module_that_predicts_numbers_has_the_errors_of_a_regression(own: Callable[..., Run]) -> None:
    evaluated = evaluate(own(), "test", options=QUICK)
    assert evaluated.document["kind"] == "regression"
    assert evaluated.document["class_names"] == []
    predictions = evaluated.run.predictions("test")
    assert predictions.score.shape == predictions.target.shape == (100,)
    error = np.abs(predictions.target - predictions.score).mean()
    assert evaluated.document["metrics"]["mae"]["value"] == pytest.approx(error, rel=1e-5)
    assert evaluated.document["metrics"]["r2"]["value"] > 0.9


def test_a_module_that_scores_anomalies_has_the_threshold_of_val(own: Callable[..., Run]) -> None:
    run = own("task.class_path=team.kinds.Distances", "data.class_path=team.kinds.Classes")
    evaluated = evaluate(run, "test", options=QUICK)
    assert (evaluated.document["kind"], evaluated.document["class_names"]) == ("anomaly", ["normal", "anomalous"])
    assert evaluated.document["metrics"]["auroc"]["value"] > 0.95
    threshold = evaluate(run, "val", options=QUICK).document["operating"]["threshold"]
    assert evaluated.document["operating"]["threshold"] == threshold


class Giving(pl.LightningModule):
    """Gives what it was given."""

    def __init__(self, score: Any) -> None:
        super().__init__()
        self.score = score

    def forward(self, x: torch.Tensor) -> Any:
        return self.score


def asked(score: Any, target: torch.Tensor) -> Any:
    assembly = Assembly(pl.LightningDataModule(), Giving(score), [])
    return predict(assembly, [(torch.zeros(len(target)), target)], CPU)


def test_a_column_of_numbers_and_a_column_of_targets_are_one_number_a_sample() -> None:
    predicted = asked(torch.tensor([[1.5], [2.5]]), torch.tensor([[1.0], [3.0]]))
    assert predicted.score.tolist() == [1.5, 2.5]
    assert predicted.target.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("target", "classes", "kind"),
    [
        ([0, 1, 1], 2, "anomaly"),
        ([0.0, 1.0, 0.0], None, "anomaly"),
        ([0.5, 1.0, 2.0], None, "regression"),
        ([3, 7, 1], None, "regression"),
    ],
)
def test_one_number_a_sample_is_an_anomaly_score_where_the_targets_are_0_and_1(
    target: list[float], classes: int | None, kind: str
) -> None:
    assert kind_of(asked(torch.rand(3), torch.tensor(target)), classes=classes) == kind


def test_one_number_a_sample_of_five_classes_is_one_line() -> None:
    with pytest.raises(UserError, match=r"one number for each sample, and the target has 5 classes; return logits"):
        kind_of(asked(torch.rand(3), torch.tensor([0, 1, 4])), classes=5)


def test_rows_of_scores_for_targets_that_are_no_classes_are_one_line() -> None:
    with pytest.raises(WorkError, match=r"the targets are numbers such as 0\.25, and the module gives a row of 3"):
        asked(torch.rand(2, 3), torch.tensor([0.25, 1.0]))


def test_targets_of_several_columns_are_one_line() -> None:
    with pytest.raises(WorkError, match=r"the targets of a batch are of shape \(2, 3\), not one for each sample"):
        asked(torch.rand(2), torch.rand(2, 3))


def test_a_loader_without_batches_is_one_line() -> None:
    with pytest.raises(UserError, match="the subset is empty"):
        predict(Assembly(pl.LightningDataModule(), Giving(None), []), [], CPU)
