"""What a training leaves of its network: the layers in order, with sizes, shapes and weights; and what never happens to the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from projectkit import figures, models
from projectkit.training import train
from projectkit.training.anatomy import anatomy

TOKENS = torch.randint(1, 90, (2, 60), generator=torch.Generator().manual_seed(0))


def kinds(layers):
    return [layer["type"] for layer in layers]


def test_layers_stand_in_the_order_of_the_pass_with_shapes_of_one_sample_and_functions_count_as_layers():
    found = anatomy(models.CharCNN(vocab_size=100, num_classes=3, kernel_sizes=(2, 3)), TOKENS)
    assert kinds(found["layers"]) == [
        "Embedding",
        *("Conv1d", "ReLU", "maximum"),
        *("Conv1d", "ReLU", "maximum"),
        *("joined", "Sequential"),
    ]
    first, second = (layer for layer in found["layers"] if layer["type"] == "Conv1d")
    assert first["source"] == second["source"]  # side by side
    assert (first["about"], first["output"]) == ("64 → 128, kernel 2", (128, 61))
    assert (found["input"], found["output"]) == ((60,), (3,))
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"] == found["trainable"]


def test_a_sum_of_features_is_a_shortcut_and_positions_lengths_and_masks_are_no_layers():
    block = anatomy(models.Transformer(vocab_size=100, num_classes=3), TOKENS)["layers"]
    assert kinds(block)[:2] == ["Embedding", "Dropout"]
    inner = next(layer for layer in block if layer["type"] == "_Block")["layers"]
    assert kinds(inner).count("shortcut") == 2
    assert kinds(anatomy(models.GRU(vocab_size=100, num_classes=3), TOKENS)["layers"]).count("maximum") == 0


def test_a_network_that_the_sample_cannot_pass_is_told_by_its_definition_with_the_reason():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 8), nn.Linear(9, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x))

    found = anatomy(Broken(), torch.zeros(2, 4))
    assert kinds(found["layers"]) == ["Linear", "Linear"]
    assert found["reason"].startswith("RuntimeError: ")
    assert figures.svg_bytes(figures.diagram(found))


def test_the_network_is_left_as_it_was():
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    anatomy(network, torch.randn(2, 4, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in network] == [True, False, True]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("layer", "x", "about"),
    [
        (nn.Conv2d(3, 8, 3, stride=2, dilation=2), torch.zeros(2, 3, 9, 9), "3 → 8, 3 × 3, stride 2, dilation 2"),
        (
            nn.Conv2d(4, 8, (1, 3), stride=(1, 2), groups=2),
            torch.zeros(2, 4, 9, 9),
            "4 → 8, 1 × 3, stride 1 × 2, 2 groups",
        ),
        (nn.LSTM(4, 8, 2, bidirectional=True), torch.zeros(5, 2, 4), "4 → 8, 2 layers, both ways"),
        (nn.MaxPool2d(2), torch.zeros(2, 3, 4, 4), "2"),
        (nn.MultiheadAttention(8, 2), None, "8, 2 heads"),
        (nn.LazyLinear(3), torch.zeros(2, 4), "4 → 3"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_layer_is_told_in_a_few_words(layer, x, about):
    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = layer

        def forward(self, x):
            return self.inner(x, x, x) if isinstance(self.inner, nn.MultiheadAttention) else self.inner(x)

    network, given = Around(), torch.zeros(5, 2, 8) if x is None else x
    network(given)  # a lazy layer has its sizes from now on
    (found,) = anatomy(network, given)["layers"]
    assert found["about"] == about


def test_functions_inside_a_layer_of_torch_are_its_own_affair():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = nn.ReLU()

        def forward(self, x):
            return functional.relu(self.act(x))

    assert kinds(anatomy(Net(), torch.zeros(2, 4))["layers"]) == ["ReLU", "ReLU"]


def test_a_training_leaves_its_network_and_the_same_weights_as_ever(config: Path) -> None:
    run = train(config, ["trainer.max_epochs=1"])
    model = run.model()
    assert model["run"] == run.id
    assert model["output"] == [run.part("resolved")["filled"]["model"]["num_classes"]]
    assert json.loads((run.path / "model.json").read_text(encoding="utf-8")) == model
    assert "reason" not in model


OWN = """
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Data(pl.LightningDataModule):
    def train_dataloader(self):
        x = torch.arange(40.0).reshape(10, 4)
        return DataLoader(TensorDataset(x, torch.arange(10) % 2), batch_size=5)

    val_dataloader = train_dataloader


class Task(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.encoder(x))

    def training_step(self, batch, index):
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)
"""


def test_a_teams_own_module_and_data_are_left_too(config: Path, team_file: Callable[[str, str], None]) -> None:
    team_file("own", OWN)
    config.write_text(
        "name: own\nseed: 1\ndata: {class_path: team.own.Data}\ntask: {class_path: team.own.Task}\n"
        "trainer: {max_epochs: 1, accelerator: cpu}\n",
        encoding="utf-8",
    )
    model = train(config).model()
    assert (model["type"], model["input"], model["output"]) == ("Task", [4], [2])
    assert kinds(model["layers"]) == ["Sequential", "Linear"]
