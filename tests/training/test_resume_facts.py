"""What has broken the identity of resumed trainings before, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from deaths import DiesAt, die, differences, newest, outcome, with_callbacks
from pytorch_lightning.callbacks import Callback

from projectkit.training import load_checkpoint, train

BATCHES = 14  # of an epoch of the small training
LOOPS = pytest.mark.parametrize("loop", ["auto", "lightning"])


def overrides(loop: str, every: int) -> list[str]:
    return [
        f"speed.loop={loop}",
        "speed.tune=off",
        f"checkpoint.every_n_steps={every}",
        "checkpoint.every_n_minutes=null",
    ]


@LOOPS
def test_no_counter_of_a_checkpoint_is_one_behind(config: Path, loop: str) -> None:
    """In `on_train_batch_end`, where one would save, `batch_progress.current.completed` is."""
    with with_callbacks([DiesAt("on_train_batch_start", 11)]), pytest.raises(BaseException, match=r"^$"):
        train(config, overrides(loop, 5))
    loops = load_checkpoint(newest().checkpoint("last"))["loops"]["fit_loop"]
    assert loops["epoch_loop.state_dict"]["_batches_that_stepped"] == 10
    assert set(loops["epoch_loop.batch_progress"]["current"].values()) == {10}


@LOOPS
def test_batches_that_were_trained_are_skipped(config: Path, loop: str) -> None:
    """Lightning restores its counters and takes the loader's first batches again."""
    seen = Seen()
    with with_callbacks([seen]):
        whole = train(config, overrides(loop, 4))
    expected, seen.batches = seen.batches, []
    with with_callbacks([seen]):
        die(config, overrides(loop, 4), DiesAt("on_train_batch_start", 19))
    # the last checkpoint is of step 16, so the batches of the steps 17 and 18 come twice
    assert seen.batches == expected[:18] + expected[16:]
    assert whole.status == "finished"


@LOOPS
def test_a_checkpoint_that_is_due_at_the_last_batch_of_an_epoch_is_that_of_its_end(config: Path, loop: str) -> None:
    """Saved in `on_train_batch_end` of the last batch, it gave wrong weights or an epoch too many."""
    whole = train(config, overrides(loop, BATCHES))
    for hook, count in (("on_train_batch_start", BATCHES + 1), ("on_train_epoch_start", 2), ("on_train_epoch_end", 2)):
        resumed = die(config, overrides(loop, BATCHES), DiesAt(hook, count))
        assert not differences(outcome(whole), outcome(resumed)), hook


@LOOPS
def test_what_numpy_and_python_would_have_drawn_is_drawn(config: Path, loop: str) -> None:
    """Numpy's generator was forgotten."""
    with with_callbacks([Shakes()]):
        whole = train(config, overrides(loop, 3))
        resumed = die(config, overrides(loop, 3), DiesAt("on_train_batch_start", 18))
    assert not differences(outcome(whole), outcome(resumed))


def test_a_last_epoch_that_died_after_its_checkpoint_is_not_trained_again(config: Path) -> None:
    whole = train(config, overrides("auto", 5))
    resumed = die(config, overrides("auto", 5), DiesAt("on_train_end", 1))
    assert not differences(outcome(whole), outcome(resumed))
    assert resumed.record["weights_sha256"] == whole.record["weights_sha256"]


class Seen(Callback):
    """The batches that were trained, by their sums."""

    def __init__(self) -> None:
        self.batches: list[float] = []

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.batches.append(float(batch[0].double().sum()))


class Shakes(Callback):
    """Moves a weight by what numpy's generator draws."""

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        with torch.no_grad():
            next(pl_module.parameters()).add_(float(np.random.rand()) * 0.01)
