"""A team's own modules are measured unchanged, as long as they give one row of scores a sample."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from projectkit.errors import UserError, WorkError
from projectkit.evaluation import Options, evaluate
from projectkit.evaluation.predict import predict, subset_loader
from projectkit.runs import Run
from projectkit.runs.ledger import looks
from projectkit.tasks import Classification
from projectkit.training import Assembly, train

QUICK = Options(attribute=0, cost=False)

OWN = """
import pytorch_lightning as pl
import torch
from torch.nn import functional


class Own(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        return functional.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", functional.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.5)


class Predicting(Own):
    def forward(self, x):
        raise AssertionError("predict_step is there to be used")

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        return self.net(batch[0])


class Probabilities(Own):
    def predict_step(self, batch, batch_idx):
        return torch.softmax(self.net(batch[0]), dim=1)


class Labels(Own):
    def predict_step(self, batch, batch_idx):
        return self.net(batch[0]).argmax(dim=1)


class Data(pl.LightningDataModule):
    def setup(self, stage):
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(150, 4, generator=generator)
        data = torch.utils.data.TensorDataset(x, x[:, :3].argmax(dim=1))
        parts = torch.utils.data.random_split(data, [90, 30, 30], generator)
        if stage == "fit":  # as the tutorials write it: nothing is done for the stage "validate"
            self.train, self.val = parts[:2]
        if stage == "test":
            self.test = parts[2]

    def train_dataloader(self):
        return torch.utils.data.DataLoader(self.train, batch_size=16, shuffle=True)

    def val_dataloader(self):
        return torch.utils.data.DataLoader(self.val, batch_size=16)

    def test_dataloader(self):
        return torch.utils.data.DataLoader(self.test, batch_size=16)


class WithoutTest(Data):
    test_dataloader = pl.LightningDataModule.test_dataloader
"""

CONFIG = """
data: {class_path: team.own.Data}
task: {class_path: team.own.Own}
trainer: {max_epochs: 3, accelerator: cpu}
monitor: {metric: val/loss, mode: min}
tracking: {wandb: disabled}
"""


@pytest.fixture
def own(config: Path, team_file: Callable[[str, str], None]) -> Callable[..., Run]:
    """Train the team's own modules."""

    def trained(*overrides: str) -> Run:
        team_file("own", OWN)
        config.write_text(CONFIG, encoding="utf-8")
        return train(config, overrides)

    return trained


def test_logits_of_forward_become_probabilities(own: Callable[..., Run]) -> None:
    run = own()
    evaluated = evaluate(run, options=QUICK)
    predictions = evaluated.run.predictions("val")
    assert predictions.id.tolist() == [str(row) for row in range(30)]
    np.testing.assert_allclose(predictions.score.sum(axis=1), 1.0, atol=1e-5)
    assert evaluated.document["metrics"]["loss"]["value"] == pytest.approx(run.best["val/loss"], abs=1e-5)
    assert evaluated.document["class_names"] == ["0", "1", "2"]


@pytest.mark.parametrize("task", ["Predicting", "Probabilities"])
def test_predict_step_may_give_logits_or_probabilities(own: Callable[..., Run], task: str) -> None:
    run = own(f"task.class_path=team.own.{task}")
    measured = evaluate(run, options=QUICK).document["metrics"]["loss"]["value"]
    assert measured == pytest.approx(run.best["val/loss"], abs=1e-5)


def test_what_is_no_row_of_scores_is_one_line(own: Callable[..., Run]) -> None:
    run = own("task.class_path=team.own.Labels")
    with pytest.raises(
        WorkError, match=r"gives \(16,\) whole numbers where \(batch, classes\) scores are expected; return logits"
    ):
        evaluate(run, options=QUICK)


def test_a_look_at_the_teams_own_test_data_is_recorded_as_theirs(own: Callable[..., Run], ledger: Path) -> None:
    evaluate(own(), "test", options=QUICK)
    (look,) = looks(ledger)
    assert (look.subset, look.data) == ("test", {"class_path": "team.own.Data", "split": "the team's own"})


@pytest.mark.parametrize("subset", ["test", "tset"])
def test_own_data_without_that_subset_is_one_line_and_no_look(
    own: Callable[..., Run], ledger: Path, subset: str
) -> None:
    run = own("data.class_path=team.own.WithoutTest")
    with pytest.raises(UserError, match=f"WithoutTest has no subset '{subset}'"):
        evaluate(run, subset, options=QUICK)
    assert not ledger.exists()


@pytest.mark.parametrize("batch", [None, {"x": torch.zeros(2, 3)}, [torch.zeros(2, 3)]])
def test_a_batch_that_is_no_pair_is_one_line(batch: Any) -> None:
    assembly = Assembly(pl.LightningDataModule(), Classification(torch.nn.Linear(3, 2)), [])
    with pytest.raises(WorkError, match=r"a batch is not a pair \(x, y\)"):
        predict(assembly, [batch], torch.device("cpu"))


@pytest.mark.parametrize("given", [[(torch.zeros(2, 3), torch.zeros(2))], [[(torch.zeros(2, 3), torch.zeros(2))]]])
def test_a_list_of_batches_is_a_loader_and_so_is_a_list_of_one_loader(given: Any) -> None:
    class Listed(pl.LightningDataModule):
        def val_dataloader(self) -> Any:
            return [DataLoader(given[0], batch_size=None)] if isinstance(given[0], list) else given

    (batch,) = subset_loader(Listed(), "val")
    assert batch[0].shape == (2, 3)


@pytest.mark.parametrize("scores", [[[0.2, 0.8], [1.0, 0.0]], [[0.2, 0.9], [1.0, 0.0]], [[1.5, -0.5], [1.0, 0.0]]])
def test_only_rows_of_probabilities_are_taken_for_probabilities(scores: list[list[float]]) -> None:
    given = torch.tensor(scores)
    assembly = Assembly(pl.LightningDataModule(), Giving(given), [])
    score = predict(assembly, [(given, torch.zeros(2))], torch.device("cpu")).score
    kept = scores == [[0.2, 0.8], [1.0, 0.0]]
    np.testing.assert_allclose(score, given if kept else torch.softmax(given, dim=1))


class Giving(pl.LightningModule):
    def __init__(self, scores: torch.Tensor) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scores


@pytest.mark.parametrize(
    ("task", "data", "line"),
    [
        ("Raising", "Data", "a bug of the team's own"),
        ("Diverged", "Data", "the score of sample 0 is NaN or infinite"),
        ("Scalar", "Data", "the module gives ()"),
        ("Own", "Empty", "the subset is empty"),
        ("Own", "Several", "test_dataloader of Several gives 2 loaders"),
        ("Own", "Nothing", "test_dataloader of Nothing gives nothing"),
        ("Own", "Beyond", "is 9, but there are 3 classes"),
    ],
)
def test_predictions_that_fail_are_one_line_and_no_look(
    own: Callable[..., Run], team_file: Callable[[str, str], None], project: Path, task: str, data: str, line: str
) -> None:
    run = own("trainer.max_epochs=1")
    team_file("later", LATER)
    config = run.path / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("team.own.Own", f"team.later.{task}")
    config.write_text(text.replace("team.own.Data", f"team.later.{data}"), encoding="utf-8")
    with pytest.raises(Exception, match=re.escape(line)) as caught:
        evaluate(run.id, "test", options=QUICK)
    assert "\n" not in str(caught.value)
    assert not looks(project / "ledger")


LATER = """
import torch

from team.own import Data, Own


class Raising(Own):
    def forward(self, x):
        raise RuntimeError("a bug of the team's own")


class Diverged(Own):
    def forward(self, x):
        return self.net(x) * float("nan")


class Scalar(Own):
    def forward(self, x):
        return self.net(x).sum()


class Empty(Data):
    def test_dataloader(self):
        return torch.utils.data.DataLoader([])


class Several(Data):
    def test_dataloader(self):
        return [super().test_dataloader(), super().test_dataloader()]


class Nothing(Data):
    def test_dataloader(self):
        pass


class Beyond(Data):
    def setup(self, stage):
        super().setup(stage)
        self.test = [(x, torch.tensor(9)) for x, _ in self.test]
"""


def test_targets_that_are_true_and_false_are_two_classes() -> None:
    given = torch.tensor([0.1, 0.9, 0.8])
    assembly = Assembly(pl.LightningDataModule(), Giving(given), [])
    predicted = predict(assembly, [(given, torch.tensor([False, True, True]))], torch.device("cpu"))
    assert predicted.target.tolist() == [0, 1, 1]
    assert predicted.target.dtype == np.int64
