"""Each broken model is caught with the finding that names its fault, and with no other error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import broken
import correct
import pytest
import torch
from subjects import CLASSES, Rows, errors, images, look, table, told, warned
from torch import nn

from projectkit.data import DataModule
from projectkit.findings import as_json

CAUGHT: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "softmax before cross-entropy": (lambda: broken.mlp(last=nn.Softmax(dim=1)), "softmax"),
    "sigmoid on the logits": (lambda: broken.mlp(last=nn.Sigmoid()), "bounded-output"),
    "relu on the logits": (lambda: broken.mlp(last=nn.ReLU()), "bounded-output"),
    "a dimension too many": (lambda: broken.mlp(last=nn.Unflatten(1, (CLASSES, 1))), "output-shape"),
    "layers that do not fit": (lambda: nn.Sequential(nn.Linear(5, CLASSES)), "training-step"),
    "features that are detached": (broken.Detached, "gradient"),
    "layers in a plain list": (broken.InPlainList, "unregistered"),
    "dropout in evaluation": (broken.AlwaysDropping, "eval-mode"),
    "training mode in evaluation": (broken.StuckInTraining, "eval-mode"),
    "a reshape over the batch": (broken.MixedBatch, "batch-leakage"),
    "a softmax over the batch": (broken.NormalisedOverBatch, "batch-leakage"),
    "a logarithm of 0": (broken.LogOfZero, "finite"),
    "dead relus": (broken.dead, "dead-units"),
    "saturated tanhs": (broken.saturated, "saturated-units"),
    "twelve sigmoids": (broken.deep_sigmoid, "vanishing"),
    "a model that is blind": (broken.Blind, "overfit"),
    "a head that is too sure": (broken.overconfident, "initial-loss"),
    "an optimiser over the head": (broken.HeadOnly, "optimizer"),
    "an optimiser of another network": (broken.StaleOptimizer, "optimizer"),
    "a loss with the wrong sign": (broken.WrongSign, "overfit"),
    "an own softmax before cross-entropy": (broken.SoftmaxTwice, "softmax"),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_a_broken_model_is_caught_with_the_finding_that_names_its_fault_and_no_other_error(name: str) -> None:
    build, identity = CAUGHT[name]
    found = look(build)
    assert errors(found) == {identity}, told(found)
    assert all(each.advice for each in found.findings if each.status in ("error", "warning"))
    assert json.loads(json.dumps(as_json(found.findings)))["findings"]


def test_labels_that_are_numbered_from_one_are_caught() -> None:
    x, y = table()
    found = look(broken.mlp, (x, y + 1))
    assert errors(found) == {"labels"}, told(found)
    assert "subtract 1" in next(each.advice for each in found.findings if each.id == "labels")


def test_too_few_logits_for_the_classes_of_the_data_are_caught() -> None:
    found = look(lambda: nn.Sequential(nn.Linear(13, 2)), DataModule("synthetic_tabular", batch_size=64))
    assert errors(found) == {"output-shape"}, told(found)


def test_labels_that_are_no_whole_numbers_are_caught() -> None:
    x, y = table()
    found = look(broken.mlp, (x, y.float()))
    assert errors(found) == {"labels"}, told(found)


def test_inputs_that_are_not_numbers_are_caught_before_anything_else() -> None:
    x, y = table()
    x[3, 2] = torch.nan
    found = look(broken.mlp, (x, y))
    assert errors(found) == {"inputs"}, told(found)


def test_a_loader_that_gives_one_sample_again_and_again_is_caught() -> None:
    x, y = table()
    found = look(broken.mlp, (x[:1].expand_as(x).clone(), y))
    assert errors(found) == {"inputs"}, told(found)


def test_raw_pixels_are_warned_of() -> None:
    x, y = images()
    found = look(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES)), (x * 60 + 120, y))
    assert "normalisation" in warned(found), told(found)


def test_pixels_that_the_model_standardises_itself_are_not_warned_of() -> None:
    class Standardising(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES))

        def forward(self, x: torch.Tensor) -> Any:
            return self.layers((x - 120) / 60)

    x, y = images()
    found = look(Standardising, (x * 60 + 120, y))
    assert not warned(found), told(found)


def test_columns_in_their_own_units_are_warned_of() -> None:
    x, y = table()
    found = look(broken.mlp, (x * torch.tensor([1, 1, 1, 1, 0.01, 1e-2, 500, 1]), y))
    assert "normalisation" in warned(found), told(found)


def test_a_loader_that_is_sorted_by_class_is_warned_of() -> None:
    x, y = table()
    order = y.argsort()
    found = look(broken.mlp, Rows(x[order], y[order], shuffle=False))
    assert "label-order" in warned(found), told(found)


def test_batch_normalisation_without_statistics_leaks_across_the_batch() -> None:
    found = look(broken.batch_statistics, images())
    assert errors(found) == {"batch-leakage"}, told(found)


def test_a_mean_over_padding_is_warned_of() -> None:
    found = look(broken.MeanOverPadding, DataModule("synthetic_text", batch_size=32))
    assert warned(found) == {"padding"}, told(found)


def test_layers_that_blow_the_signal_up_are_caught() -> None:
    found = look(broken.exploding)
    assert "exploding" in warned(found), told(found)


def test_a_layer_that_is_not_called_is_warned_of() -> None:
    found = look(broken.Unused)
    assert warned(found) == {"unused"}, told(found)


def test_a_forward_that_writes_into_its_input_is_warned_of() -> None:
    found = look(broken.WritesItsInput)
    assert warned(found) == {"changed-inputs"}, told(found)


def test_weights_that_all_begin_at_zero_are_caught_as_dead_units() -> None:
    found = look(broken.all_zero)
    assert errors(found) == {"dead-units"}, told(found)


def test_predictions_that_are_compared_with_every_target_are_caught() -> None:
    x, y = table()
    found = look(broken.Broadcast, (x, x[:, 0] + y))
    assert "broadcast" in errors(found), told(found)


def test_a_loss_that_is_a_sum_is_noted() -> None:
    found = look(broken.Summed)
    assert "loss-sum" in {each.id for each in found.findings}, told(found)


@pytest.mark.parametrize(("rate", "word"), [(5.0, "grows"), (1e-6, "times as high")])
def test_a_rate_that_is_far_off_is_warned_of(rate: float, word: str) -> None:
    found = look(broken.mlp, lr=rate)
    assert warned(found) == {"learning-rate"}, told(found)
    assert word in next(each.message for each in found.findings if each.status == "warning")


def test_a_rate_of_adam_that_suits_sgd_is_warned_of() -> None:
    found = look(correct.CifarNet, images(), lr=1.0)
    assert warned(found) == {"learning-rate"}, told(found)


def test_labels_of_a_type_that_the_loss_does_not_take_are_caught() -> None:
    x, y = table()
    found = look(broken.mlp, (x, y.int()))
    assert errors(found) == {"training-step"}, told(found)


def test_attention_over_the_batch_in_place_of_the_sequence_is_caught() -> None:
    found = look(broken.AcrossBatch)
    assert errors(found) == {"batch-leakage"}, told(found)


def test_a_rate_of_zero_is_caught() -> None:
    found = look(lambda: broken.OwnModule(lr=0.0))
    assert errors(found) == {"optimizer"}, told(found)


@pytest.mark.parametrize("mark", [-1, -100])
def test_labels_below_zero_of_a_teams_own_task_are_looked_at_without_a_crash(mark: int) -> None:
    x, y = table()
    y[::5] = mark
    found = look(broken.OwnModule, (x, y))
    left_out = mark == -100  # torch's own mark for samples that do not count
    assert errors(found) <= (set() if left_out else {"training-step", "labels"}), told(found)
    assert left_out or errors(found)
