"""The harness itself: two equal trainings are equal, and the smallest change of each thing that it compares is found."""

from __future__ import annotations

import copy
from typing import Any

import harness
import pytest
import pytorch_lightning as pl
import torch
from harness import Seen, differences, frozen, make, seeded, train
from pairwise import combinations, covering, product
from parts import Net, plain, validation


def scenario(trainer_class: type[pl.Trainer]) -> Seen:
    net = Net(optimizer="adamw", scheduler="one_cycle")
    return train(trainer_class, net, plain(), validation(), log_every_n_steps=3)


@pytest.fixture(scope="module")
def stock() -> Seen:
    return seeded(scenario, pl.Trainer)


def test_lightning_is_equal_to_itself(stock: Seen) -> None:
    assert differences(stock.tree, seeded(scenario, pl.Trainer).tree) == []


def test_nothing_that_is_compared_is_empty(stock: Seen) -> None:
    empty = {name for name, value in stock.tree.items() if not value and value != 0}
    assert empty == {"raised", "heard", "heard_by_callbacks", "scaler", "current_fx_name"}
    assert stock.tree["logged"][0][1][0] == "log_metrics"
    assert len(stock.tree["steps"]) == 20


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (torch.zeros(3), torch.tensor([0.0, -0.0, 0.0])),
        (torch.zeros(3), torch.tensor([0.0, 0.0, 2.0**-149])),
        (torch.zeros(3), torch.zeros(3, dtype=torch.float64)),
        (torch.zeros(3), torch.zeros(1, 3)),
        (torch.zeros(3), torch.zeros(3, requires_grad=True)),
        (0.1, 0.1 + 2.0**-56),
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], [1, 2, 3]),
        ([1], (1,)),
        (ValueError("a"), ValueError("b")),
    ],
    ids=lambda value: repr(value).replace("\n", "")[:40],
)
def test_values_that_differ_in_one_bit_are_told_apart(left: Any, right: Any) -> None:
    assert differences(frozen(left), frozen(right))


def test_a_nan_is_equal_to_itself() -> None:
    assert not differences(
        frozen([float("nan"), torch.tensor(float("nan"))]), frozen([float("nan"), torch.tensor(torch.nan)])
    )


class Flawed(pl.Trainer):
    """Lightning's Trainer with one small flaw, that is made after the last batch but one."""

    flaw = ""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        loop = self.fit_loop.epoch_loop
        advance = loop.on_advance_end

        def on_advance_end(fetcher: Any) -> None:
            advance(fetcher)
            if loop.total_batch_idx == 18:
                make_flaw(self, self.flaw)

        loop.on_advance_end = on_advance_end


def make_flaw(trainer: pl.Trainer, flaw: str) -> None:
    module, loop = trainer.lightning_module, trainer.fit_loop.epoch_loop
    with torch.no_grad():
        if flaw == "one bit of a weight":
            module.net[0].weight.view(torch.int32)[0, 0] ^= 1
        elif flaw == "one bit of an optimiser's moment":
            state = trainer.optimizers[0].state[module.net[4].bias]
            state["exp_avg"].view(torch.int32)[0] ^= 1
        elif flaw == "one number drawn":
            torch.rand(1)
        elif flaw == "one count of batches":
            loop.batch_progress.total.completed += 1
        elif flaw == "one count of zero_grad":
            loop.automatic_optimization.optim_progress.optimizer.zero_grad.total.ready += 1
        elif flaw == "one count of the scheduler":
            loop.scheduler_progress.total.completed += 1
        elif flaw == "one step of the scheduler":
            trainer.lr_scheduler_configs[0].scheduler.step()
        elif flaw == "one bit of a logged mean":
            loop._results["training_step.loss"].value.view(torch.int32).bitwise_xor_(1)
        elif flaw == "one log":
            trainer.logger.log_metrics({}, 7)
        elif flaw == "one step less for loggers":
            loop._batches_that_stepped -= 1
        elif flaw == "an attribute left behind":
            module.__dict__["left"] = 1
        elif flaw == "a running mean":
            module.net[1].running_mean.view(torch.int32)[0] ^= 1


FLAWS = {
    "one bit of a weight": "/weights/net.0.weight",
    "one bit of an optimiser's moment": "/optimizers",
    "one number drawn": "/random",
    "one count of batches": "/counters/loops",
    "one count of zero_grad": "/counters/loops",
    "one count of the scheduler": "/counters/loops",
    "one step of the scheduler": "/schedulers",
    "one bit of a logged mean": "/logged",
    "one log": "/logged",
    "one step less for loggers": "/counters/batches_that_stepped",
    "an attribute left behind": "/attributes",
    "a running mean": "/weights/net.1.running_mean",
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_trainer_with_one_flaw_is_found_out(flaw: str, stock: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Flawed, "flaw", flaw)
    found = differences(stock.tree, seeded(scenario, Flawed).tree)
    assert any(line.startswith(FLAWS[flaw]) for line in found), found[:5]


def test_a_trainer_that_says_another_mode_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "Trainer", pl.Trainer)
    with pytest.raises(AssertionError, match="mode None"):
        harness.same(scenario, mode="segments")


def test_a_scenario_that_raises_unasked_fails() -> None:
    def broken(trainer_class: type[pl.Trainer]) -> Seen:
        net = Net()
        net.stops_at = "never"  # type: ignore[assignment]
        net.choice = ("no such log", *net.choice[1:])
        return train(trainer_class, net, plain())

    with pytest.raises(AssertionError, match="KeyError"):
        harness.same(broken, mode=None)


def test_quiet_settings_can_be_overruled() -> None:
    assert make(pl.Trainer, max_epochs=5).max_epochs == 5
    assert make(pl.Trainer, max_steps=5).max_epochs != 2


OPTIONS = {"a": ("1", "2", "3"), "b": ("1", "2"), "c": ("1", "2", "3"), "d": ("1", "2")}


@pytest.mark.parametrize("strength", [2, 3])
def test_a_covering_table_has_every_allowed_combination(strength: int) -> None:
    def allowed(row: dict[str, str]) -> bool:
        return not (row["a"] == "1" and row["b"] == "2")

    table = covering(OPTIONS, strength, allowed)
    wanted = {each for row in product(OPTIONS, allowed) for each in combinations(row, strength)}
    assert {each for row in table for each in combinations(row, strength)} == wanted
    assert all(allowed(row) for row in table)
    assert len(table) < len(list(product(OPTIONS, allowed)))
    assert table == covering(copy.deepcopy(OPTIONS), strength, allowed)
