"""Classification: what is optimised is cross-entropy, what is logged is what `metrics` computes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from projectkit.errors import UserError
from projectkit.metrics import classification_metrics
from projectkit.tasks import Classification
from projectkit.training import Trainer


class Gathered(pl.Callback):
    """What was logged at the end of the validation."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.values = {name: float(value) for name, value in trainer.callback_metrics.items()}


def loader(x: torch.Tensor, y: torch.Tensor, batch_size: int = 16) -> DataLoader:
    return DataLoader(TensorDataset(x, y), batch_size=batch_size)


def small_data(n: int = 50, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 4, generator=generator), torch.arange(n) % classes


def trainer(tmp_path: Path, *callbacks: pl.Callback, **arguments: Any) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=tmp_path,
        callbacks=list(callbacks),
        **{"max_epochs": 1, **arguments},
    )


def test_the_validation_logs_what_metrics_gives_for_all_scores_together(tmp_path: Path) -> None:
    x, y = small_data()
    model, seen = nn.Linear(4, 3), Gathered()
    trainer(tmp_path, seen).validate(Classification(model), loader(x, y), verbose=False)
    expected = classification_metrics(y.numpy(), functional.softmax(model(x), dim=1).detach().numpy())
    assert seen.values.keys() == {f"val/{name}" for name in expected}
    for name, value in expected.items():
        assert seen.values[f"val/{name}"] == pytest.approx(value, abs=1e-6)


def test_predictions_are_probabilities_in_single_precision() -> None:
    x, y = small_data()
    task = Classification(nn.Linear(4, 3))
    score = task.predict_step((x, y)).detach()
    assert score.dtype == torch.float32
    torch.testing.assert_close(score, functional.softmax(task(x), dim=1).detach())


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_the_loss_is_cross_entropy_with_the_smoothing_that_was_asked_for(label_smoothing: float) -> None:
    x, y = small_data()
    task = Classification(nn.Linear(4, 3), label_smoothing=label_smoothing)
    log_probability = functional.log_softmax(task(x), dim=1)
    wanted = torch.full((len(y), 3), label_smoothing / 3)
    wanted[torch.arange(len(y)), y] += 1 - label_smoothing
    torch.testing.assert_close(task.training_step((x, y), 0), -(wanted * log_probability).sum(1).mean())


def test_smoothing_is_for_training_and_the_validation_loss_is_without_it(tmp_path: Path) -> None:
    x, y = small_data()
    model, losses = nn.Linear(4, 3), []
    for smoothing in (0.0, 0.5):
        seen = Gathered()
        trainer(tmp_path, seen).validate(Classification(model, label_smoothing=smoothing), loader(x, y), verbose=False)
        losses.append(seen.values["val/loss"])
    assert losses[0] == losses[1]


def test_the_training_loss_of_an_epoch_is_the_mean_over_its_samples(tmp_path: Path) -> None:
    x, y = small_data(n=37)  # the last batch is smaller
    model = nn.Linear(4, 3)
    task = Classification(model)
    task.configure_optimizers = lambda: torch.optim.SGD(task.parameters(), lr=0.0)  # type: ignore[method-assign]
    fit = trainer(tmp_path)
    fit.fit(task, loader(x, y))
    logits = model(x).detach()
    assert float(fit.callback_metrics["train/loss"]) == pytest.approx(
        float(functional.cross_entropy(logits, y)), abs=1e-6
    )
    assert float(fit.callback_metrics["train/accuracy"]) == pytest.approx(
        float((logits.argmax(1) == y).float().mean()), abs=1e-6
    )


def test_frozen_parameters_are_not_given_to_the_optimiser(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3))
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    fit = trainer(tmp_path)
    fit.fit(Classification(model), loader(*small_data()))
    assert torch.equal(model[0].weight, before)
    assert sum(len(group["params"]) for group in fit.optimizers[0].param_groups) == 2


class Giving(nn.Module):
    """A model that gives whatever a function makes of the logits."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.make = make

    def forward(self, x: torch.Tensor) -> Any:
        return self.make(self.layer(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda logits: logits.mean(1), r"gives (50,) for a batch of 50 samples"),
        (lambda logits: logits[:, None], r"gives (50, 1, 3) for a batch"),
        (lambda logits: logits[:-1], r"gives (49, 3) for a batch of 50"),
        (lambda logits: (logits, None), r"gives tuple"),
        (lambda logits: None, r"gives NoneType"),
        (lambda logits: logits[:, :2], r"a label is 2, but the model gives 2 classes"),
        (lambda logits: logits.detach(), r"no gradient leads from the loss to Giving"),
    ],
)
def test_a_model_that_gives_something_else_than_logits_is_told_what_is_expected(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        Classification(Giving(make)).training_step(small_data(), 0)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.full((50,), 3), "a label is 3, but the model gives 3 classes, numbered from 0"),
        (torch.full((50,), -1), "a label is -1"),
        (torch.zeros(50), "the labels of a batch are float32 of shape (50,)"),
        (torch.zeros(50, 1, dtype=torch.int64), "the labels of a batch are int64 of shape (50, 1)"),
    ],
)
def test_labels_that_do_not_fit_are_named(labels: torch.Tensor, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        Classification(nn.Linear(4, 3)).training_step((small_data()[0], labels), 0)


@pytest.mark.parametrize("batch", [torch.zeros(3, 4), [torch.zeros(3, 4)] * 3, {"x": torch.zeros(3, 4)}])
def test_a_batch_that_is_no_pair_is_named(batch: Any) -> None:
    for step in (Classification(nn.Linear(4, 3)).training_step, Classification(nn.Linear(4, 3)).validation_step):
        with pytest.raises(UserError, match=r"where a pair \(x, y\) is expected"):
            step(batch, 0)


def test_any_network_will_do_as_long_as_it_gives_logits(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.ParameterDict({"a": nn.Parameter(torch.zeros(4, 3))})

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.weights["a"]

    model = Odd()
    trainer(tmp_path, max_epochs=3).fit(Classification(model), loader(*small_data()))
    assert np.isfinite(model.weights["a"].detach().numpy()).all()
    assert model.weights["a"].abs().sum() > 0


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    labels = np.repeat([0, 1, 2], [50, 9, 1])
    task = Classification(nn.Linear(4, 3), class_weights="balanced", class_counts=np.bincount(labels).tolist())
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert task.class_weights is not None
    np.testing.assert_allclose(task.class_weights.numpy(), expected, rtol=1e-6)


def test_a_class_without_a_training_sample_leaves_the_weights_of_the_others_as_they_are() -> None:
    def weights(*counts: int) -> list[float]:
        found = Classification(nn.Linear(4, 3), class_weights="balanced", class_counts=counts).class_weights
        assert found is not None
        return found.tolist()

    assert weights(30, 0, 10) == [weights(30, 10)[0], 0.0, weights(30, 10)[1]]


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_the_weighted_loss_is_the_weighted_mean_and_validation_is_not_weighted(
    tmp_path: Path, label_smoothing: float
) -> None:
    x, y = small_data()
    model, weights, seen = nn.Linear(4, 3), [1.0, 2.0, 5.0], Gathered()
    task = Classification(model, class_weights=weights, label_smoothing=label_smoothing)
    log_p = functional.log_softmax(model(x), dim=1)
    target = functional.one_hot(y, 3) * (1 - label_smoothing) + label_smoothing / 3
    expected = -(target * torch.tensor(weights) * log_p).sum() / torch.tensor(weights)[y].sum()
    torch.testing.assert_close(task.training_step((x, y), 0), expected)
    trainer(tmp_path, seen).validate(task, loader(x, y), verbose=False)
    plain = classification_metrics(y.numpy(), log_p.exp().detach().numpy())
    assert seen.values["val/loss"] == pytest.approx(plain["loss"], abs=1e-6)


def test_weights_are_no_part_of_a_checkpoint() -> None:
    assert not [key for key in Classification(nn.Linear(4, 3), class_weights=[1, 2, 3]).state_dict() if "class" in key]


@pytest.mark.parametrize(
    ("weights", "counts", "message"),
    [
        ("balanced", None, "counts are not known for data of your own; write a list of numbers"),
        ([1.0, 2.0], [5, 5, 5], "2 weights for 3 classes; write 3 numbers"),
        ([1.0, 0.0, 1.0], None, "a weight is not above 0"),
        ([1.0, float("nan"), 1.0], None, "a weight is not above 0"),
        ([], None, "a weight is not above 0"),
    ],
)
def test_weights_that_do_not_fit_the_classes_are_named(weights: Any, counts: Any, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        Classification(nn.Linear(4, 3), class_weights=weights, class_counts=counts)
    assert caught.value.where == "task.init_args.class_weights"


def test_weights_of_another_number_than_the_logits_are_named_in_the_first_step() -> None:
    with pytest.raises(UserError, match="2 weights for 3 classes"):
        Classification(nn.Linear(4, 3), class_weights=[1.0, 2.0]).training_step(small_data(), 0)
