"""Which batches run alone: those at which somebody looks, and no others."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import pytest
from pytorch_lightning.callbacks import (
    Callback,
    LambdaCallback,
    LearningRateMonitor,
    ModelCheckpoint,
    Timer,
    TQDMProgressBar,
)
from ways import BATCHES, Silent, Small, batches, singles, trainer_of

from projectkit.training.loop import due
from projectkit.training.loop.due import NEVER, Position, until_due
from projectkit.training.loop.hooks import BATCH_HOOKS

LAST = BATCHES - 1


def here(**values: Any) -> Position:
    start = {"batches": 0, "batches_in_all": 0, "steps": 0, "logged_steps": 0, "accumulate": 1, "pace_s": 0.01}
    return Position(**{**start, **values})


@pytest.mark.parametrize("accumulate", [1, 2, 5])
def test_the_batches_before_a_step_are_those_that_counting_finds(accumulate: int) -> None:
    for done, steps in itertools.product(range(2 * accumulate + 1), range(1, 4)):
        stepping = [number for number in range(done, 100) if (number + 1) % accumulate == 0]
        assert here(batches=done, accumulate=accumulate).before_step(steps) == stepping[steps - 1] - done


@pytest.mark.parametrize("steps", range(7))
def test_a_multiple_of_steps_is_never_the_step_that_was_just_made(steps: int) -> None:
    assert here(steps=steps).before_multiple(3) == 2 - steps % 3


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, LAST]),
        ({"logger": Silent(), "log_every_n_steps": 7}, [0, 6, 13, LAST]),
        ({"logger": Silent(), "log_every_n_steps": 3, "accumulate_grad_batches": 2}, [0, 5, 11, 17, LAST]),
        ({"log_every_n_steps": 7}, [0, LAST]),  # nobody logs
        ({"max_steps": 8}, [0, 7]),
        ({"max_steps": 8, "accumulate_grad_batches": 2}, [0, 15]),
        ({"limit_train_batches": 6}, [0, 5]),
        ({"max_epochs": 2}, [0, LAST, BATCHES, BATCHES + LAST]),
    ],
)
def test_batches_run_alone_where_the_trainers_settings_ask_for_it(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], expected: list[int]
) -> None:
    assert singles(monkeypatch, trainer_of(**settings), Small()) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"val_check_interval": 6}, [0, 5, 11, 17, LAST]),
        ({"val_check_interval": 0.25}, [0, 4, 9, 14, LAST]),
        ({"max_epochs": 2, "val_check_interval": 15, "check_val_every_n_epoch": None}, [0, 14, LAST, 20, 29, 39]),
        ({"max_epochs": 2, "val_check_interval": 5, "check_val_every_n_epoch": 2}, [0, LAST, 20, 24, 29, 34, 39]),
    ],
)
def test_the_batch_before_a_validation_runs_alone(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], expected: list[int]
) -> None:
    assert singles(monkeypatch, trainer_of(**settings), Small(), batches(), batches(2)) == expected


def test_a_validation_that_is_due_by_time_ends_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(val_check_interval=datetime.timedelta(seconds=0))
    assert singles(monkeypatch, trainer, Small(), batches(), batches(2)) == list(range(BATCHES))


class Each(Callback):
    def on_train_batch_end(self, *arguments: Any) -> None:
        """Wants every batch."""


class Rarely(Callback):
    """Looks after batch 9 and says so."""

    heard: list[int]

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.heard = [*getattr(self, "heard", []), batch_idx]

    def batches_until_due(self, trainer: Any, hook: str) -> int:
        done = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        return 9 - done if done <= 9 else NEVER


class Often(Rarely):
    def on_train_batch_end(self, *arguments: Any) -> None:
        """Knows nothing of what its base class promised."""


def test_a_callback_that_says_when_it_is_due_is_called_then(monkeypatch: pytest.MonkeyPatch) -> None:
    rarely = Rarely()
    assert singles(monkeypatch, trainer_of(callbacks=[rarely]), Small()) == [0, 9, LAST]
    assert rarely.heard == [0, 9, LAST]


@pytest.mark.parametrize("callback", [Each(), Often(), LambdaCallback(on_train_batch_start=lambda *arguments: None)])
def test_a_callback_that_does_not_say_so_is_called_at_each_batch(
    monkeypatch: pytest.MonkeyPatch, callback: Callback
) -> None:
    trainer = trainer_of(callbacks=[callback])
    assert singles(monkeypatch, trainer, Small()) == list(range(BATCHES))
    assert trainer.loop_report.mode == "batches"
    assert type(callback).__name__ in trainer.loop_report.reason


def test_a_hook_of_the_module_is_called_at_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listening(Small):
        def on_before_optimizer_step(self, optimizer: Any) -> None:
            """Wants every step."""

    assert singles(monkeypatch, trainer_of(), Listening()) == list(range(BATCHES))


def test_lightnings_own_callbacks_are_due_when_they_have_something_to_do(tmp_path: Any) -> None:
    trainer = trainer_of()
    end = "on_train_batch_end"
    assert until_due(ModelCheckpoint(tmp_path), end, trainer, here()) == NEVER
    assert until_due(ModelCheckpoint(tmp_path, every_n_train_steps=4), end, trainer, here(steps=5)) == 2
    assert until_due(ModelCheckpoint(tmp_path, train_time_interval=datetime.timedelta(0)), end, trainer, here()) == 0
    assert until_due(Timer(None), end, trainer, here()) == NEVER
    assert until_due(Timer(duration="00:01:00:00", interval="epoch"), end, trainer, here()) == NEVER
    assert until_due(TQDMProgressBar(refresh_rate=0), end, trainer, here()) == NEVER
    # ten batches are a tenth of a second: the first multiple of the rate after them
    assert until_due(TQDMProgressBar(refresh_rate=8), end, trainer, here()) == 15


def test_the_monitor_of_learning_rates_looks_before_each_batch_of_a_step_of_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {"logger": Silent(), "log_every_n_steps": 4, "accumulate_grad_batches": 2}
    trainer = trainer_of(callbacks=[LearningRateMonitor()], **settings)
    assert singles(monkeypatch, trainer, Small()) == [0, 6, 7, 14, 15, LAST]


def test_a_subclass_of_lightnings_callback_that_overrides_the_hook_is_not_answered_for(tmp_path: Any) -> None:
    class Own(ModelCheckpoint):
        def on_train_batch_end(self, *arguments: Any) -> None:
            """Something else."""

    assert until_due(Own(tmp_path), "on_train_batch_end", trainer_of(), here()) == 0


def test_every_hook_of_a_known_callback_is_one_that_lightning_has() -> None:
    for kind in due.KNOWN:
        assert any(getattr(kind, hook) is not getattr(Callback, hook) for hook in BATCH_HOOKS)


def test_a_callback_that_comes_while_training_is_heard_from_its_batch_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Brings(Rarely):
        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx == 9:
                trainer.callbacks.append(Each())

        def batches_until_due(self, trainer: Any, hook: str) -> int:
            return super().batches_until_due(trainer, hook)

    assert singles(monkeypatch, trainer_of(callbacks=[Brings()]), Small()) == [0, *range(9, BATCHES)]


def test_a_training_that_is_told_to_stop_in_a_segment_stops_after_that_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stops(Small):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            self.trainer.should_stop = batch_idx == 11
            return super().training_step(batch, batch_idx)

    trainer = trainer_of()
    assert singles(monkeypatch, trainer, Stops()) == [0]
    assert trainer.global_step == 12
