"""The tuner measures on copies, takes what is faster beyond the noise, keeps what it measured, and never ends a training."""

from __future__ import annotations

import copy
import itertools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from projectkit.config import Config, TrainerConfig
from projectkit.models import CNN
from projectkit.tasks import Classification, OptimizerPlan
from projectkit.tasks.optimisation import fused_form
from projectkit.training import tuner, verdicts
from projectkit.training.speed import Settings, program_of
from projectkit.training.tuner import StepTuner, Tuning, limit_in_seconds, planned_steps, tune
from projectkit.training.workbench import Contender, RefusedError, Workbench, ratio_of

LONG = 10**6  # steps
OPEN = {"threads", "fused", "memory_format", "step"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Verdicts of this test alone, on a machine that is quiet, lacks no compiler, and has its threads back afterwards."""
    monkeypatch.setenv("PROJECTKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tuner, "busy_seconds", lambda: None)
    monkeypatch.setattr(tuner, "missing_compiler", lambda device: None)
    threads = torch.get_num_threads()
    yield tmp_path / "cache" / "tuned"
    torch.set_num_threads(threads)


def task(**arguments: Any) -> Classification:
    torch.manual_seed(0)
    return Classification(CNN(num_classes=3, in_channels=1), **arguments)


def batch(count: int = 8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 1, 16, 16, generator=generator), torch.arange(count) % 3


def bench(model: Classification | None = None, count: int = 8) -> Workbench:
    return Workbench(model or task(), batch(count), {"accelerator": "cpu", "devices": 1, "precision": "32-true"})


def tuned(steps: float = LONG, *, threads: int = 1, open_: set[str] = OPEN, at: Workbench | None = None) -> Tuning:
    return StepTuner(at or bench(), Settings(threads=threads), open_, steps=steps).tune()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Settings]]:
    """Let measurements come out as they are told: seconds a step by settings; what is compared is listed."""

    def install(seconds: Callable[[Settings], float], clear: bool = True) -> list[Settings]:
        compared: list[Settings] = []

        def ratio(other: Contender, plain: Contender, budget_s: float) -> tuple[float, bool]:
            compared.append(other.settings)
            return seconds(other.settings) / seconds(plain.settings), clear

        monkeypatch.setattr(tuner, "ratio_of", ratio)
        monkeypatch.setattr(Contender, "first", lambda self: 8.0)
        monkeypatch.setattr(Contender, "slice", lambda self, count: 0.001)
        monkeypatch.setattr(Contender, "__init__", init)
        return compared

    def init(self: Contender, at: Workbench, settings: Settings) -> None:
        self.bench, self.settings, self.program = at, settings, None

    return install


def test_measuring_leaves_task_generators_and_threads_as_they_were() -> None:
    torch.manual_seed(0)
    model = Classification(nn.Sequential(CNN(1, 6, width=4), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3)))
    before, random = copy.deepcopy(model.state_dict()), (torch.get_rng_state(), np.random.get_state()[1].copy())
    threads = torch.get_num_threads()
    result = tuned(at=bench(model), open_={"threads", "fused", "memory_format"})
    assert result.warning is None
    assert {"fused True", "memory_format channels_last"} <= result.record["ratios"].keys()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(random[0], torch.get_rng_state())
    assert np.array_equal(random[1], np.random.get_state()[1])
    assert torch.get_num_threads() == threads
    assert not model.plan.fused


def test_what_is_faster_is_taken(measured: Callable[..., Any]) -> None:
    measured(lambda s: (0.7 if s.fused else 1.0) * (0.8 if s.memory_format == "channels_last" else 1.0))
    result = tuned(open_={"fused", "memory_format"})
    assert result.settings == Settings(1, fused=True, memory_format="channels_last")
    assert result.line == "tuned: fused AdamW, channels_last, 1 thread (0.56 of plain)"


def test_a_difference_within_the_noise_keeps_the_plainer_setting(measured: Callable[..., Any]) -> None:
    measured(lambda s: 0.7 if s.fused else 1.0, clear=False)
    assert tuned(open_={"fused"}).settings == Settings(1)
    assert tuned(open_={"fused"}).line == "tuned: 1 thread"


@pytest.mark.parametrize(
    ("seconds", "threads"),
    [
        ({8: 1.0, 4: 1.9, 2: 3.7, 1: 7.0}, 8),  # every thread earns its core
        ({8: 1.0, 4: 1.1, 2: 1.2, 1: 1.3}, 2),  # a quarter more than the fastest is allowed, in all
        ({8: 4.0, 4: 2.0, 2: 1.0, 1: 1.1}, 1),  # threads that wait for each other
    ],
)
def test_the_fewest_threads_that_are_not_much_slower_are_taken(
    measured: Callable[..., Any], seconds: dict[int, float], threads: int
) -> None:
    measured(lambda s: seconds[s.threads])
    assert tuned(threads=8, open_={"threads"}).settings.threads == threads


@pytest.mark.parametrize(("steps", "step"), [(LONG, "whole"), (30_000, "eager"), (1000, "eager")])
def test_compiling_is_chosen_only_where_the_remaining_steps_repay_it(
    measured: Callable[..., Any], steps: int, step: str
) -> None:
    compared = measured(lambda s: 0.5 if s.step == "whole" else 1.0)
    result = tuned(steps, open_={"step"})
    assert result.settings.step == step
    assert bool(compared) == (step == "whole")  # and measured only then
    if step == "whole":
        assert "whole step compiled (0.50 of eager, repays after 8,000 of 1,000,000 steps)" in result.line
    elif steps == 30_000:
        assert "compiling would take longer than it saves" in result.line


def test_a_program_that_the_config_demands_is_kept_and_not_compiled_for_each_setting_that_is_tried(
    measured: Callable[..., Any],
) -> None:
    compared = measured(lambda s: 0.7 if s.fused else 1.0)
    result = StepTuner(bench(), Settings(2, step="compiled"), OPEN - {"step"}, steps=LONG).tune()
    assert (result.settings.step, result.settings.fused) == ("compiled", True)
    assert {settings.step for settings in compared} == {"eager"}
    assert result.line == "tuned: fused AdamW, 1 thread (0.70 of plain)"


def test_a_kept_measurement_is_judged_anew_for_another_length(measured: Callable[..., Any]) -> None:
    compared = measured(lambda s: 0.5 if s.step == "whole" else 1.0)
    assert tuned(LONG).settings.step == "whole"
    compared.clear()
    assert tuned(10_000).settings.step == "whole"  # 5 s saved for 4 s: with the hoped figures it was not worth a try
    assert tuned(7_000).settings.step == "eager"
    assert not compared


def test_a_program_that_refuses_is_not_tried_again(
    measured: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = measured(lambda s: 1.0)

    def refuse(self: Contender) -> float:
        if self.settings.step == "eager":
            return 1.0
        tried.append(self.settings)
        raise RefusedError("the optimiser has a closure")

    monkeypatch.setattr(Contender, "first", refuse)
    monkeypatch.setattr(Contender, "close", lambda self: None)
    assert tuned().settings.step == "eager"
    tried.clear()
    assert "eager steps: the optimiser has a closure" in tuned().line
    assert not [settings for settings in tried if settings.step != "eager"]


def test_without_a_compiler_nothing_is_compiled(measured: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    compared = measured(lambda s: 1.0)
    monkeypatch.setattr(tuner, "missing_compiler", lambda device: "there is no C++ compiler (g++)")
    assert tuned().line.endswith("eager steps: there is no C++ compiler (g++)")
    assert {settings.step for settings in compared} == {"eager"}


def test_a_verdict_serves_the_same_model_and_no_other(measured: Callable[..., Any], own_cache: Path) -> None:
    compared = measured(lambda s: 0.7 if s.fused else 1.0)
    first = tuned(open_={"fused"})
    compared.clear()
    again = tuned(open_={"fused"})
    assert (again.settings, again.record["now"], compared) == (first.settings, False, [])
    rate = OptimizerPlan(lambda parameters: torch.optim.AdamW(parameters, lr=0.5))
    tuned(open_={"fused"}, at=bench(task(plan=rate)))
    assert not compared  # a rate costs no time
    decay = OptimizerPlan(lambda parameters: torch.optim.AdamW(parameters, weight_decay=0.0))
    for number, other in enumerate(
        (bench(count=16), bench(task(plan=decay)), bench(Classification(CNN(1, 3, width=8))))
    ):
        tuned(open_={"fused"}, at=other)
        assert len(compared) == number + 1


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"form": 1}', b'{"form": 0, "taken": {}}', b"\xff\xfe"])
def test_a_damaged_or_foreign_verdict_is_measured_anew(
    measured: Callable[..., Any], own_cache: Path, damage: bytes
) -> None:
    compared = measured(lambda s: 0.7 if s.fused else 1.0)
    first = tuned(open_={"fused"})
    (file,) = own_cache.iterdir()
    file.write_bytes(damage)
    compared.clear()
    assert tuned(open_={"fused"}).settings == first.settings
    assert compared
    assert json.loads(file.read_bytes())["taken"] == {"fused": True}


def test_a_folder_that_cannot_be_written_is_no_trouble(
    measured: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured(lambda s: 0.7 if s.fused else 1.0)
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("PROJECTKIT_CACHE", str(tmp_path / "file"))
    assert tuned(open_={"fused"}).settings.fused


def test_what_was_measured_beside_a_busy_program_is_not_kept(
    measured: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    measured(lambda s: 0.7 if s.fused else 1.0)
    seconds = iter((0.0, 1000.0))
    monkeypatch.setattr(tuner, "busy_seconds", lambda: next(seconds))
    assert tuned(open_={"fused"}).settings.fused
    assert not own_cache.exists()


def test_a_short_training_is_not_measured() -> None:
    result = tuned(3)
    assert (result.settings, result.line, result.record["now"]) == (Settings(1), "", False)


def test_whatever_goes_wrong_plain_steps_are_run() -> None:
    class Fails(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            raise KeyError("three")

    result = tuned(at=bench(Classification(Fails())))
    assert result.settings == Settings(1)
    assert "KeyError" in str(result.warning)


class Timed:
    """A contender whose steps take as long as it is told, again and again from the first."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = itertools.cycle(seconds)
        self.settings, self.bench = Settings(1), bench()

    def slice(self, count: int, clock: Any = None) -> float:
        return next(self.seconds)


def test_a_setting_is_faster_where_three_rounds_of_four_say_so() -> None:
    steady: Any = Timed(1.0)
    assert ratio_of(cast("Any", Timed(0.5)), steady, 9.0) == (0.5, True)
    assert ratio_of(cast("Any", Timed(0.5, 0.5, 0.5, 3.0)), steady, 9.0) == (0.5, True)  # somebody else wanted the core
    assert ratio_of(cast("Any", Timed(0.5, 0.5, 3.0)), steady, 9.0) == (0.5, False)
    assert ratio_of(cast("Any", Timed(1.5)), steady, 9.0) == (1.5, False)


class Own(pl.LightningModule):
    """A team's module, whose training step is nobody's business but Lightning's."""

    def __init__(self) -> None:
        super().__init__()
        self.net = CNN(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        raise AssertionError("a step of a team's own is not run by a measurement")


def test_of_a_teams_own_module_only_the_threads_are_measured() -> None:
    loader = TensorDataset(*batch()), 4
    config = Config(trainer=TrainerConfig(max_epochs=LONG))
    resolved = {"accelerator": "cpu", "devices": 1, "precision": "32-true"}
    result = tune(config, resolved, Settings(2), OPEN, task=Own(), loader=lambda: DataLoader(*loader))
    assert result.warning is None
    assert result.record["ratios"].keys() == {"threads 1"}
    assert result.settings == Settings(result.settings.threads)


@pytest.mark.parametrize("step", ["compiled", "whole", "graph"])
def test_every_program_has_its_file(step: str) -> None:
    program = program_of(step)
    assert program is not None
    assert program.name == step
    assert program_of("eager") is None


@pytest.mark.parametrize(
    ("trainer", "steps"),
    [
        ({"max_epochs": 3}, 300),
        ({"max_epochs": 3, "max_steps": 120}, 120),
        ({"max_epochs": -1, "max_steps": 120}, 120),
        ({"max_epochs": -1}, math.inf),
        ({"max_epochs": 2, "limit_train_batches": 0.25}, 50),
        ({"max_epochs": 2, "limit_train_batches": 7}, 14),
        ({"max_epochs": 2, "overfit_batches": 4}, 8),
        ({"max_epochs": 2, "accumulate_grad_batches": 3}, 68),
    ],
)
def test_the_steps_of_a_training_are_counted_as_lightning_does(trainer: dict[str, Any], steps: float) -> None:
    assert planned_steps(TrainerConfig(**trainer), 100) == steps


def test_a_limit_in_time_is_read_in_both_forms() -> None:
    assert limit_in_seconds("00:01:00:30") == limit_in_seconds({"hours": 1, "seconds": 30}) == 3630
    assert limit_in_seconds(None) == math.inf


def test_a_class_from_a_notebook_has_a_digest_too() -> None:
    made: Any = type("Made", (nn.Module,), {"forward": lambda self, x: x, "__module__": "__main__"})
    model = nn.Sequential(nn.Linear(2, 2), made())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert len(verdicts.digest(model, [torch.zeros(2, 2)], optimizer, {})) == 64


@pytest.mark.parametrize("optimizer", [torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD])
def test_the_fused_form_makes_the_same_steps(optimizer: Any) -> None:
    def trained(fuse: bool) -> Tensor:
        torch.manual_seed(0)
        layer = nn.Linear(5, 3)
        groups = [{"params": [layer.weight], "lr": 0.3}, {"params": [layer.bias]}]
        made = optimizer(groups, lr=0.1, weight_decay=0.1)
        if fuse:
            fused = fused_form(made)
            assert fused is not None
            made = fused
        assert bool(made.param_groups[0]["fused"]) == fuse
        for _ in range(5):
            made.zero_grad()
            layer(torch.ones(4, 5)).square().mean().backward()
            made.step()
        return layer.weight.detach()

    torch.testing.assert_close(trained(True), trained(False))


def test_an_optimiser_whose_way_was_chosen_or_that_is_not_torchs_is_left_alone() -> None:
    class Own(torch.optim.AdamW):
        pass

    weights = [nn.Parameter(torch.zeros(2))]
    assert fused_form(torch.optim.AdamW(weights, foreach=True)) is None
    assert fused_form(torch.optim.RMSprop(weights)) is None
    assert fused_form(Own(weights)) is None
