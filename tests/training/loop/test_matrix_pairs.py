"""Features in pairs: every two options of the table below meet in a training that is equal to Lightning's.

`make test` runs a table in which each pair occurs; `make nightly` one in which each triple occurs, and the complete products of how a step
is made and of when something is written down.
"""

from __future__ import annotations

from typing import Any

import pytest
import pytorch_lightning as pl
from harness import Seen, same, train
from pairwise import Row, covering, product
from parts import CLIPPING, DATA, LOGS, OPTIMIZERS, PRECISION, RETURNS, SCHEDULERS, BatchOnly, Net, validation

ACCUMULATION = {"each": 1, "every_3": 3}
LOG_EVERY = {"log_1": 1, "log_7": 7, "log_50": 50, "log_0": 0}
VALIDATION: dict[str, dict[str, Any]] = {
    "val_end": {},
    "val_half": {"val_check_interval": 0.5},
    "val_4": {"val_check_interval": 4},
    "val_across_epochs": {"val_check_interval": 7, "check_val_every_n_epoch": None},
    "val_2_epochs": {"check_val_every_n_epoch": 2},
    "val_never": {"limit_val_batches": 0},
}
LENGTH: dict[str, dict[str, Any]] = {
    "2_epochs": {"max_epochs": 2},
    "max_steps": {"max_steps": 13},
    "limit": {"limit_train_batches": 7},
    "limit_share": {"limit_train_batches": 0.6},
    "overfit": {"overfit_batches": 5},
    "stops": {"max_epochs": 3, "min_epochs": 2},
}
MODULE = [*RETURNS, "batch_only"]

HOW = {
    "accumulation": [*ACCUMULATION],
    "clipping": [*CLIPPING],
    "scheduler": [*SCHEDULERS],
    "precision": [*PRECISION],
    "optimizer": [*OPTIMIZERS],
}
WHEN = {"log": [*LOGS], "log_every": [*LOG_EVERY], "validation": [*VALIDATION]}
WHICH = {"length": [*LENGTH], "data": [*DATA], "module": MODULE}
DEFAULT = {name: options[0] for name, options in {**HOW, **WHEN, **WHICH}.items()} | {"log": "both"}


def allowed(row: Row) -> bool:
    """What Lightning refuses: it raises before or at the first step."""
    row = DEFAULT | row
    refused = (
        (row["precision"] == "fp16" and row["optimizer"] == "lbfgs"),
        (row["precision"] != "32" and row["optimizer"] == "fused" and row["clipping"] != "unclipped"),
        (row["module"] == "none_at_times" and (row["optimizer"] == "lbfgs" or row["clipping"] == "value")),
        (
            row["data"] == "no_length"
            and (row["validation"] == "val_half" or row["length"] in ("limit_share", "overfit"))
        ),
        (row["data"] == "two_loaders" and row["length"] == "overfit"),
    )
    return not any(refused)


def run(trainer_class: type[pl.Trainer], row: Row) -> Seen:
    row = DEFAULT | row
    made = BatchOnly if row["module"] == "batch_only" else Net
    net = made(row["log"], row["optimizer"], row["scheduler"], "tensor" if made is BatchOnly else row["module"])
    net.stops_at = 3 if row["length"] == "stops" and made is Net else None
    return train(
        trainer_class,
        net,
        DATA[row["data"]](),
        validation(),
        accumulate_grad_batches=ACCUMULATION[row["accumulation"]],
        log_every_n_steps=LOG_EVERY[row["log_every"]],
        **CLIPPING[row["clipping"]],
        **PRECISION[row["precision"]](),
        **VALIDATION[row["validation"]],
        **LENGTH[row["length"]],
    )


def named(row: Row) -> str:
    return "-".join(row.values())


@pytest.mark.parametrize("row", covering({**HOW, **WHEN, **WHICH}, 2, allowed), ids=named)
def test_weights_states_counters_and_logs_are_lightnings(row: Row) -> None:
    same(lambda trainer_class: run(trainer_class, row))


@pytest.mark.nightly
@pytest.mark.parametrize("row", covering({**HOW, **WHEN, **WHICH}, 3, allowed, tries=8), ids=named)
def test_every_three_features_together_are_lightnings(row: Row) -> None:
    same(lambda trainer_class: run(trainer_class, row))


@pytest.mark.nightly
@pytest.mark.parametrize("row", [*product(HOW, allowed)], ids=named)
def test_every_way_to_make_a_step_is_lightnings(row: Row) -> None:
    same(lambda trainer_class: run(trainer_class, row))


@pytest.mark.nightly
@pytest.mark.parametrize("row", [*product(WHEN, allowed)], ids=named)
def test_everything_logged_at_any_time_is_lightnings(row: Row) -> None:
    same(lambda trainer_class: run(trainer_class, row))
