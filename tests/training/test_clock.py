"""A clock that says how a run's time was spent."""

from __future__ import annotations

import io
import os
import signal
import time
from pathlib import Path

import pytest
import pytorch_lightning as pl
from rich.console import Console

from projectkit.runs import read_run
from projectkit.training import session, train
from projectkit.training.loop import clock as module
from projectkit.training.loop.clock import Clock
from projectkit.training.signals import StoppedError


class Hands:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    moved = Hands()
    monkeypatch.setattr(module, "time", moved)
    return moved


def test_segments_are_divided_as_the_batches_that_were_timed(hands: Hands) -> None:
    clock = Clock()
    hands.now += 2.0
    clock.started()
    hands.now += 1.0
    clock.sample({"data": 0.1, "forward": 0.3, "backward": 0.4, "optimizer": 0.2})
    hands.now += 9.0
    clock.steps(9.0, 90)
    seconds = clock.report()["seconds"]
    assert seconds == {"start": 2.0, "data": 1.0, "forward": 3.0, "backward": 4.0, "optimizer": 2.0}


def test_steps_of_which_none_was_timed_stay_whole(hands: Hands) -> None:
    clock = Clock()
    clock.started()
    hands.now += 4.0
    clock.steps(4.0, 100)
    assert clock.report()["seconds"] == {"step": 4.0}


def test_hooks_count_where_they_run_and_not_in_segments(hands: Hands) -> None:
    clock = Clock()
    clock.started()
    hands.now += 1.0
    clock.sample({"forward": 0.5, "hooks": 0.5})
    hands.now += 3.0
    clock.steps(3.0, 30)
    hands.now += 2.0
    clock.steps(2.0, 1)
    assert clock.report()["seconds"] == {"forward": 4.5, "hooks": 1.5}


def test_an_inner_phase_does_not_count_for_the_outer_one(hands: Hands) -> None:
    clock = Clock()
    clock.started()
    with clock.phase("validation"):
        hands.now += 3.0
        with clock.phase("checkpoints"):
            hands.now += 1.0
            with clock.phase("logging"):
                hands.now += 0.5
        hands.now += 2.0
    assert clock.report()["seconds"] == {"logging": 0.5, "validation": 5.0, "checkpoints": 1.0}


def test_a_line_of_the_log_within_a_hook_is_logging(hands: Hands) -> None:
    clock = Clock()
    clock.started()
    hands.now += 1.0
    with clock.phase("logging"):
        hands.now += 0.25
    clock.sample({"forward": 1.0, "hooks": 0.25})
    with clock.phase("logging"):  # of an epoch's end: no part of the steps that come next
        hands.now += 5.0
    hands.now += 2.0
    clock.steps(2.0, 20)
    assert clock.report()["seconds"] == {"forward": 3.0, "logging": 5.25}


def test_without_a_word_the_start_ends_with_the_first_step(hands: Hands) -> None:
    clock = Clock()
    hands.now += 3.0
    with clock.phase("validation"):  # a sanity check
        hands.now += 1.0
    hands.now += 2.0
    clock.steps(0.5, 5)
    hands.now += 0.5
    assert clock.report()["seconds"] == {"start": 4.5, "step": 0.5, "validation": 1.0, "other": 0.5}


def test_shares_are_those_of_all_sessions_together(hands: Hands) -> None:
    clock = Clock(former={"forward": 6.0, "start": 2.0})
    hands.now += 2.0
    clock.started()
    hands.now += 6.0
    clock.sample({"forward": 6.0})
    report = clock.report()
    assert report["seconds"] == {"start": 4.0, "forward": 12.0}
    assert report["shares"] == {"start": 0.25, "forward": 0.75}


def test_a_loop_that_tells_nothing_of_its_steps_is_counted_as_steps(hands: Hands) -> None:
    clock = Clock()
    hands.now += 1.0
    clock.started()
    hands.now += 7.0
    with clock.phase("validation"):
        hands.now += 2.0
    assert clock.report()["seconds"] == {"start": 1.0, "step": 7.0, "validation": 2.0}


def test_the_phases_add_up_to_the_time_that_has_passed() -> None:
    began = time.perf_counter()
    clock = Clock()
    with clock.phase("validation"):
        sum(range(10_000))
    clock.steps(0.0, 3)
    inside = sum(clock.report()["seconds"].values())
    assert 0.0 <= inside <= time.perf_counter() - began + 0.003  # each phase is rounded to a millisecond


def test_the_line_names_the_largest_share_first_and_leaves_nothing_out_that_counts(hands: Hands) -> None:
    seconds = {"start": 1.0, "forward": 3.5, "backward": 3.0, "optimizer": 0.5, "validation": 2.0, "checkpoints": 0.01}
    line = Clock(former=seconds).line()
    assert line == "time: 10.0 s: 65% forward and backward, 20% validation, 10% start, 5% optimiser"


def test_a_run_says_at_its_end_and_in_its_record_how_its_time_was_spent(config: Path) -> None:
    shown = io.StringIO()
    run = train(config, console=Console(file=shown, width=300))
    durations = run.part("durations")
    assert sum(durations["shares"].values()) == pytest.approx(1.0, abs=0.01)
    assert durations["fit_s"] == pytest.approx(sum(run.seconds.values()), abs=0.02)
    assert durations["fit_s"] <= durations["total_s"] + 0.01
    assert {"start", "forward", "backward", "optimizer", "validation", "checkpoints", "logging"} <= run.seconds.keys()
    (line,) = [line for line in shown.getvalue().splitlines() if line.startswith("time: ")]
    assert " forward and backward" in line


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_a_resumed_run_counts_the_time_of_all_its_sessions(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stops(pl.Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            if trainer.current_epoch == 1:
                os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        callbacks = session.Session._callbacks
        patch.setattr(session.Session, "_callbacks", lambda self: [Stops(), *callbacks(self)])
        with pytest.raises(StoppedError) as stopped:
            train(config)
    first = read_run(config.parents[1] / "runs" / str(stopped.value.where)).seconds
    whole = train(config, resume="auto").seconds
    assert first["validation"] > 0
    assert all(whole[name] >= seconds for name, seconds in first.items())


def test_without_our_loop_the_steps_are_counted_whole(config: Path) -> None:
    run = train(config, ["speed.loop=lightning"])
    assert run.seconds["step"] > 0
    assert "forward" not in run.seconds
