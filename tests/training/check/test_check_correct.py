"""Correct models pass without a warning: a check that cries wolf is switched off."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import broken
import correct
import pytest
import torch
from subjects import CLASSES, Rows, images, look, table, texts, told, warned
from torch import nn
from torch.optim import SGD

from projectkit.data import DataModule
from projectkit.models import CNN, GRU, MLP, CharCNN, ResNet, SeriesCNN, Transformer
from projectkit.tasks import AdversarialClassification, AnomalyDetection, Classification

pytestmark = pytest.mark.slow  # each trains for some 400 steps

TABLE = partial(DataModule, "synthetic_tabular", batch_size=64)
IMAGES = partial(DataModule, "synthetic_images", batch_size=32)
TEXTS = partial(DataModule, "synthetic_text", batch_size=32)


def rare() -> tuple[torch.Tensor, torch.Tensor]:
    """One sample in thirty is of the second class."""
    x, _ = table(600)
    return x, (x[:, 0] > 1.8).long()


def regression() -> tuple[torch.Tensor, torch.Tensor]:
    x, _ = table()
    return x, x[:, 0] * x[:, 1]


def anomaly_network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 6), nn.ReLU(), nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 8)
    )


PASSING: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any], dict[str, Any]]] = {
    "MLP": (lambda: MLP(13, 3), TABLE, {}),
    "a linear model": (lambda: MLP(13, 3, hidden=[]), TABLE, {}),
    "CNN": (lambda: CNN(1, 4, width=8), IMAGES, {}),
    "CNN with momentum": (lambda: CNN(1, 4, width=8), IMAGES, {"optimizer": partial(SGD, momentum=0.9), "lr": 0.02}),
    "ResNet": (lambda: ResNet(1, 4, width=8, depth=8), IMAGES, {"lr": 0.003}),
    "CharCNN": (lambda: CharCNN(100, 3, channels=32), TEXTS, {"lr": 0.003}),
    "GRU": (lambda: GRU(100, 3, hidden=32), TEXTS, {"lr": 0.003}),
    "Transformer": (lambda: Transformer(100, 3, width=32), TEXTS, {"lr": 0.001}),
    "SeriesCNN": (
        lambda: SeriesCNN(1, CLASSES, width=8, kernel_size=5),
        lambda: (images()[0].flatten(2), images()[1]),
        {},
    ),
    "an own CIFAR network": (correct.CifarNet, images, {"lr": 0.003}),
    "an own residual network": (correct.Residual, images, {}),
    "an own LSTM": (correct.Recurrent, texts, {}),
    "an own transformer": (correct.Attention, texts, {"lr": 0.001}),
    "a frozen backbone": (correct.Frozen, table, {}),
    "gates": (correct.GatedUnits, table, {}),
    "label smoothing": (broken.mlp, table, {"task": partial(Classification, label_smoothing=0.2)}),
    "class weights": (broken.mlp, table, {"task": partial(Classification, class_weights=[1.0, 5.0, 0.5, 2.0])}),
    "a rare class": (lambda: broken.mlp(classes=2), rare, {}),
    "clipped gradients": (broken.mlp, table, {"gradient_clip_val": 0.5}),
    "an adversary": (
        broken.mlp,
        table,
        {"task": partial(AdversarialClassification, epsilon=0.2, inputs={"low": -5, "high": 5})},
    ),
    "anomaly detection": (anomaly_network, table, {"task": AnomalyDetection}),
    "a module of their own": (broken.OwnModule, table, {}),
    "an own schedule and groups": (correct.OwnSchedule, table, {}),
    "a regression": (correct.Regression, regression, {}),
    "batches that are mappings": (correct.OfMapping, correct.MappingRows, {}),
    "a variational autoencoder": (correct.Variational, table, {}),
    "two optimisers by hand": (correct.Adversaries, table, {}),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_correct_model_passes_without_a_warning(name: str) -> None:
    build, data, options = PASSING[name]
    found = look(build, data(), **options)
    assert not warned(found), told(found)
    assert found.findings


def test_what_holds_for_cross_entropy_is_not_said_of_a_reconstruction() -> None:
    found = look(anomaly_network, table(), task=AnomalyDetection)
    said = {each.id for each in found.findings}
    assert not said & {"labels", "label-order", "output-shape", "softmax"}, told(found)
    assert "log" not in next(each.message for each in found.findings if each.id == "initial-loss")


def test_an_imbalance_is_noted_and_not_warned_of() -> None:
    found = look(lambda: broken.mlp(classes=2), rare())
    note = next(each for each in found.findings if each.id == "labels")
    assert note.status == "note"
    assert note.evidence["largest_share"] > 0.9


def test_what_is_not_known_of_a_module_of_their_own_is_said() -> None:
    found = look(correct.Adversaries, Rows(*table()))
    notes = {each.id for each in found.findings if each.status == "note"}
    assert {"initial-loss", "overfit"} <= notes, told(found)
