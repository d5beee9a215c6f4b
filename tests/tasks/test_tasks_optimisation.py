"""Optimiser plans: the length of the training is filled in where a scheduler wants it, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from projectkit.config import load_config
from projectkit.errors import UserError
from projectkit.project import require_project
from projectkit.tasks import OptimizerPlan
from projectkit.tasks.optimisation import missing_count
from projectkit.training import assemble

SCHEDULERS: dict[str, tuple[dict[str, Any], str | None]] = {
    "OneCycleLR": ({"max_lr": 0.1}, "total_steps"),
    "CosineAnnealingLR": ({}, "T_max"),
    "LinearLR": ({}, "total_iters"),
    "PolynomialLR": ({}, "total_iters"),
    "ConstantLR": ({}, "total_iters"),
    "StepLR": ({"step_size": 2}, None),
    "ExponentialLR": ({"gamma": 0.9}, None),
    "ReduceLROnPlateau": ({}, None),
}


def plan(name: str, **arguments: Any) -> OptimizerPlan:
    kind = getattr(lr_scheduler, name)
    given = {**SCHEDULERS[name][0], **arguments}
    return OptimizerPlan(
        scheduler=lambda optimizer, **count: kind(optimizer, **given, **count), count=missing_count(kind, given)
    )


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_count_that_a_scheduler_wants_is_known_by_its_signature(name: str) -> None:
    arguments, count = SCHEDULERS[name]
    assert missing_count(getattr(lr_scheduler, name), arguments) == count


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("OneCycleLR", {"total_steps": 7}),
        ("OneCycleLR", {"epochs": 2, "steps_per_epoch": 3}),
        ("CosineAnnealingLR", {"T_max": 7}),
        ("LinearLR", {"total_iters": 7}),
    ],
)
def test_a_count_that_the_config_gives_is_left_alone(name: str, given: dict[str, int]) -> None:
    made = plan(name, **given)
    made.configure([nn.Parameter(torch.zeros(1))], total_steps=100, max_epochs=4)
    assert made.filled == {}


@pytest.mark.parametrize("interval", ["step", "epoch"])
@pytest.mark.parametrize("name", [name for name, (_, count) in SCHEDULERS.items() if count])
def test_the_count_is_the_number_of_times_that_the_scheduler_moves(name: str, interval: Any) -> None:
    made = plan(name)
    made.interval = interval
    settings = made.configure([nn.Parameter(torch.zeros(1))], total_steps=12, max_epochs=4)
    moves = {"step": 12, "epoch": 4}[interval]
    assert made.filled == {SCHEDULERS[name][1]: moves}
    scheduler = settings["lr_scheduler"]["scheduler"]
    for _ in range(moves):  # Lightning moves it this often: none of them may raise
        settings["optimizer"].step()
        scheduler.step()


def test_one_cycle_ends_near_zero_at_the_last_step() -> None:
    made = plan("OneCycleLR")
    made.interval = "step"
    settings = made.configure([nn.Parameter(torch.zeros(1))], total_steps=20, max_epochs=2)
    rates = []
    for _ in range(20):
        rates.append(settings["optimizer"].param_groups[0]["lr"])
        settings["optimizer"].step()
        settings["lr_scheduler"]["scheduler"].step()
    assert max(rates) == pytest.approx(0.1)
    assert rates[-1] < 1e-5


@pytest.mark.parametrize(
    ("interval", "total_steps", "max_epochs", "remedy"),
    [
        ("step", float("inf"), -1, r"T_max: <number>.*set trainer\.max_epochs or trainer\.max_steps"),
        ("epoch", float("inf"), -1, r"T_max: <number>.*set trainer\.max_epochs"),
        ("epoch", 100, -1, r"scheduler\.interval=step"),
    ],
)
def test_a_training_without_an_end_is_refused_with_what_to_write(
    interval: Any, total_steps: float, max_epochs: int, remedy: str
) -> None:
    made = plan("CosineAnnealingLR")
    made.interval = interval
    with pytest.raises(UserError, match=remedy):
        made.configure([nn.Parameter(torch.zeros(1))], total_steps=total_steps, max_epochs=max_epochs)


def test_a_scheduler_that_needs_no_count_does_not_care_about_the_end() -> None:
    settings = plan("StepLR").configure([nn.Parameter(torch.zeros(1))], total_steps=float("inf"), max_epochs=-1)
    assert isinstance(settings["lr_scheduler"]["scheduler"], torch.optim.lr_scheduler.StepLR)


def test_without_a_plan_it_is_adamw_at_a_thousandth() -> None:
    optimizer = OptimizerPlan().configure([nn.Parameter(torch.zeros(1))], total_steps=1, max_epochs=1)["optimizer"]
    assert isinstance(optimizer, torch.optim.AdamW)
    assert optimizer.param_groups[0]["lr"] == 1e-3


PLATEAU = "scheduler={class_path: torch.optim.lr_scheduler.ReduceLROnPlateau}"


def assembled(config: Path, *overrides: str) -> Any:
    return assemble(load_config(config, overrides), require_project())


@pytest.mark.parametrize(("metric", "mode"), [("val/f1_macro", "max"), ("val/loss", "min")])
def test_a_plateau_is_one_of_the_monitored_metric_in_its_direction(config: Path, metric: str, mode: str) -> None:
    assembly = assembled(config, PLATEAU, f"monitor={{metric: {metric}, mode: {mode}}}")
    settings = assembly.task.plan.configure(assembly.task.parameters(), total_steps=10, max_epochs=2)["lr_scheduler"]
    assert settings["scheduler"].mode == mode
    assert settings["monitor"] == metric
    assert assembly.filled["scheduler"] == {"mode": mode}


def test_a_plateaus_direction_that_the_config_gives_is_left_alone(config: Path) -> None:
    assembly = assembled(config, PLATEAU, "scheduler.init_args.mode=min")
    settings = assembly.task.plan.configure(assembly.task.parameters(), total_steps=10, max_epochs=2)["lr_scheduler"]
    assert settings["scheduler"].mode == "min"
    assert "scheduler" not in assembly.filled


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([PLATEAU, "monitor=null"], r"scheduler.*there is none; write monitor:"),
        ([PLATEAU, "scheduler.interval=step"], r"scheduler\.interval.*once an epoch; write scheduler\.interval: epoch"),
        (["optimizer.init_args.lr=-1"], r"optimizer.*learning rate"),
        (["scheduler.init_args.gama=1"], r"gama.*did you mean '?gamma"),
        (["optimizer.class_path=torch.optim.AdamV"], r"AdamV.*did you mean torch\.optim\.Adam"),
        (["scheduler.class_path=torch.optim.AdamW"], r"is not a learning-rate scheduler of torch"),
        (["optimizer.class_path=torch.nn.Linear"], r"is not an optimizer of torch"),
    ],
)
def test_a_plan_that_cannot_work_is_found_when_it_is_put_together(
    config: Path, overrides: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        assembled(config, *overrides)


def test_a_model_without_parameters_is_told_where_layers_go_missing(
    config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("hidden", HIDDEN)
    assembly = assembled(config, "model={class_path: team.hidden.Hidden}")
    with pytest.raises(UserError, match=r"no parameters.*nn\.ModuleList"):
        assembly.task.plan.configure(assembly.task.parameters(), total_steps=10, max_epochs=2)


HIDDEN = """
from torch import nn


class Hidden(nn.Module):
    def __init__(self, num_features: int, num_classes: int):
        super().__init__()
        self.layers = [nn.Linear(num_features, num_classes)]

    def forward(self, x):
        return self.layers[0](x)
"""
