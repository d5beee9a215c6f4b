"""After a death at any step a training ends with the bits that it would have had, whatever features it combines."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from deaths import DiesAt, die, differences, outcome

from projectkit.training import train

sys.path.insert(0, str(Path(__file__).parent / "loop"))
from pairwise import covering

BATCHES = 14  # of an epoch: 1,400 training samples in batches of 100
EPOCHS = 3

OPTIONS: dict[str, dict[str, list[str]]] = {
    "loop": {"ours": [], "lightning": ["speed.loop=lightning"]},
    "accumulate": {"1": [], "3": ["trainer.accumulate_grad_batches=3"]},
    "validation": {
        "at the end": [],
        "each 5 batches": ["trainer.val_check_interval=5"],
        "twice": ["trainer.val_check_interval=0.5"],
        "each other epoch": ["trainer.check_val_every_n_epoch=2"],
    },
    "scheduler": {
        "by epochs": [],
        "by steps": [
            "scheduler.class_path=torch.optim.lr_scheduler.OneCycleLR",
            "scheduler.init_args={max_lr: 0.02}",
            "scheduler.interval=step",
        ],
        "plateau": [
            "scheduler.class_path=torch.optim.lr_scheduler.ReduceLROnPlateau",
            "scheduler.init_args={patience: 0, threshold: 10.0, factor: 0.5}",
        ],
    },
    "task": {
        "classification": [],
        "adversarial": ["task.class_path=projectkit.tasks.AdversarialClassification", "task.init_args={epsilon: 0.1}"],
        "free": [
            "task.class_path=projectkit.tasks.AdversarialClassification",
            "task.init_args={epsilon: 0.1, method: free, steps: 3}",
        ],
    },
    "input": {"resident": [], "stream": ["data.input=stream"], "balanced": ["data.balanced=true"]},
    "average": {
        "none": [],
        "ema": ["callbacks=[{class_path: projectkit.training.EMA, init_args: {decay: 0.9, every_n_steps: 2}}]"],
    },
    "stopping": {"none": [], "early": ["early_stopping.patience=1", "early_stopping.min_delta=0.05"]},
    "log": {"each 2": ["trainer.log_every_n_steps=2"], "each 5": ["trainer.log_every_n_steps=5"]},
    "precision": {"32": [], "bf16": ["trainer.precision=bf16-mixed"]},
    "end": {"epochs": [], "steps": ["trainer.max_epochs=-1", "trainer.max_steps=33"]},
    "kept": {
        "each 3 steps": ["checkpoint.every_n_steps=3"],
        "all the time": ["checkpoint.every_n_minutes=1.0e-9"],
        "each epoch": [],
        "each other epoch and 4 steps": ["checkpoint.every_n_epochs=2", "checkpoint.every_n_steps=4"],
    },
    "reload": {"never": [], "each epoch": ["trainer.reload_dataloaders_every_n_epochs=1"]},
}


def allowed(row: dict[str, str]) -> bool:
    plateau = row["scheduler"] == "plateau"
    return not (plateau and row["validation"] == "each other epoch") and not (
        row["scheduler"] == "by steps" and row["end"] == "steps" and row["accumulate"] == "3"
    )


ROWS = covering({name: list(each) for name, each in OPTIONS.items()}, 2, allowed)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: ", ".join(row.values()))
def test_a_training_that_died_at_a_random_step_ends_as_it_would_have(config: Path, row: dict[str, str]) -> None:
    overrides = [override for name, option in row.items() for override in OPTIONS[name][option]]
    overrides.append("speed.tune=off")
    chance = random.Random(str(sorted(row.items())))
    whole = train(config, overrides)
    dies = [DiesAt("on_train_batch_start", chance.randint(2, BATCHES)), DiesAt(*anywhere(chance))]
    resumed = die(config, overrides, *dies)
    assert not differences(outcome(whole), outcome(resumed))


@pytest.mark.nightly
@pytest.mark.parametrize("step", ["compiled", "whole"])
def test_a_compiled_step_goes_on_as_well(config: Path, step: str) -> None:
    overrides = ["speed.tune=off", f"speed.step={step}", "checkpoint.every_n_steps=4", "trainer.log_every_n_steps=3"]
    whole = train(config, overrides)
    assert whole.part("resolved")["step"] == step
    resumed = die(config, overrides, DiesAt("on_train_batch_start", 11), DiesAt("on_train_batch_start", 13))
    assert not differences(outcome(whole), outcome(resumed))


def anywhere(chance: random.Random) -> tuple[str, int]:
    return chance.choice(
        [
            ("on_train_batch_end", chance.randint(1, 9)),
            ("on_train_batch_start", chance.randint(1, 9)),
            ("on_validation_batch_end", 1),
            ("on_validation_end", 1),
            ("on_train_epoch_end", 1),
        ]
    )
