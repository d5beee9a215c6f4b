"""Cost is measured on real batches of the subset, and memory is counted to the byte."""

from __future__ import annotations

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from projectkit.data import DataModule
from projectkit.evaluation.cost import cost_of
from projectkit.tasks import Classification
from projectkit.training import Assembly

CPU = torch.device("cpu")


class Own(pl.LightningDataModule):
    """A team's own data: 300 rows of ten numbers, in batches of 32."""

    def __init__(self, rows: int = 300) -> None:
        super().__init__()
        self.rows = rows

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(TensorDataset(torch.randn(self.rows, 10), torch.zeros(self.rows).long()), batch_size=32)


def linear(width: int = 1000) -> Classification:
    return Classification(nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 2)))


def test_parameters_weights_and_activations_are_counted_exactly() -> None:
    cost = cost_of(Assembly(Own(), linear(), []), "val", CPU)
    numbers = 10 * 1000 + 1000 + 1000 * 2 + 2
    assert cost["parameters"] == numbers
    assert cost["memory_mib"]["weights"] == pytest.approx(4 * numbers / 2**20, abs=1e-6)
    # the hidden layer before and after its ReLU are there at once
    assert cost["memory_mib"]["activations"]["256"] == pytest.approx(2 * 256 * 1000 * 4 / 2**20, rel=0.01)
    assert cost["memory_mib"]["activations"]["1"] == pytest.approx(2 * 1000 * 4 / 2**20, rel=0.01)
    assert cost["memory_mib"]["process_peak"] > 50


def test_latency_is_measured_for_one_sample_and_for_256() -> None:
    cost = cost_of(Assembly(Own(), linear(width=50), []), "val", CPU)
    assert list(cost["latency_ms"]) == ["1", "256"]
    assert all(0 < each["median"] <= each["p95"] for each in cost["latency_ms"].values())
    assert (cost["device"], cost["threads"]) == ("cpu", torch.get_num_threads())


def test_a_subset_of_fewer_samples_is_named_by_its_size() -> None:
    assert list(cost_of(Assembly(Own(rows=40), linear(), []), "val", CPU)["latency_ms"]) == ["1", "40"]


def test_the_network_sees_batches_of_that_size_and_in_evaluation_mode() -> None:
    seen = set()

    class Watching(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.add((len(x), self.training))
            return super().forward(x)

    cost_of(Assembly(Own(), Classification(Watching(10, 2)), []), "val", CPU)
    assert seen == {(1, False), (256, False)}


def test_a_catalogued_data_set_keeps_its_batch_size() -> None:
    data = DataModule("synthetic_text", batch_size=33)
    model = nn.Sequential(nn.EmbeddingBag(data.spec.vocab_size or 1, 4), nn.Linear(4, 3))
    cost = cost_of(Assembly(data, Classification(model), []), "val", CPU)
    assert data.batch_size == 33
    assert list(cost["latency_ms"]) == ["1", str(min(256, len(data.split.subsets["val"])))]


def test_what_no_batch_can_be_cut_from_is_measured_in_the_loaders_own_batches() -> None:
    class Pairs(pl.LightningDataModule):
        def val_dataloader(self) -> list[Any]:
            return [({"a": torch.randn(7, 10)}, torch.zeros(7).long())] * 3

    class Taking(nn.Linear):
        def forward(self, x: Any) -> torch.Tensor:
            return super().forward(x["a"])

    cost = cost_of(Assembly(Pairs(), Classification(Taking(10, 2)), []), "val", CPU)
    assert list(cost["latency_ms"]) == ["7"]


def test_a_batch_of_three_parts_is_handed_on_whole() -> None:
    class Triples(pl.LightningDataModule):
        def val_dataloader(self) -> list[Any]:
            return [(torch.randn(6, 10), torch.zeros(6).long(), torch.full((6,), 10))] * 2

    class Weighing(Classification):
        def predict_step(self, batch: Any, batch_idx: int = 0) -> torch.Tensor:
            x, _, lengths = batch
            return torch.softmax(self.model(x) / lengths[:, None], dim=1)

    cost = cost_of(Assembly(Triples(), Weighing(nn.Linear(10, 2)), []), "val", CPU)
    assert list(cost["latency_ms"]) == ["6"]
