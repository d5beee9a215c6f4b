"""A training that is stopped keeps everything, and goes on to the weights that it would have had."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from deaths import differences, outcome
from pytorch_lightning.callbacks import Callback

from projectkit.errors import UserError, WorkError
from projectkit.project import require_project
from projectkit.runs import RunWriter, list_runs
from projectkit.training import EMA, load_checkpoint, session, train
from projectkit.training.signals import StoppedError

BATCHES = 14  # of an epoch of the small training: 1,400 training samples in batches of 100


class SignalAt(Callback):
    """Sends this process a signal when a step is done."""

    def __init__(self, step: int, number: int = signal.SIGINT) -> None:
        self.step = step
        self.number = number

    def on_train_batch_start(self, trainer, *args) -> None:
        if trainer.global_step == self.step:
            self.step = -1
            os.kill(os.getpid(), self.number)


def train_with(monkeypatch: pytest.MonkeyPatch, config: Path, callback: Callback, **arguments):
    real = session.Session._callbacks
    with monkeypatch.context() as patch:
        patch.setattr(session.Session, "_callbacks", lambda self: [callback, *real(self)])
        return train(config, **arguments)


def final(run) -> dict:
    checkpoint = load_checkpoint(run.checkpoint("last"))
    return {
        **checkpoint["state_dict"],
        **{f"moment {k}": v["exp_avg"] for k, v in checkpoint["optimizer_states"][0]["state"].items()},
    }


def same_final(first, second) -> bool:
    expected, got = final(first), final(second)
    return expected.keys() == got.keys() and all(torch.equal(expected[name], got[name]) for name in expected)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
@pytest.mark.parametrize("step", [0, 5, BATCHES - 1, BATCHES, 2 * BATCHES + 3])
def test_a_training_stopped_at_any_step_resumes_to_identical_weights_optimiser_and_metrics(
    config: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    whole = train(config)
    with pytest.raises(StoppedError) as caught:
        train_with(monkeypatch, config, SignalAt(step))
    assert caught.value.exit_status == 130
    stopped = list_runs(require_project())[0]
    assert (stopped.status, stopped.record["reason"]) == ("interrupted", "signal")
    resumed = train(config, resume="auto")
    assert resumed.id == stopped.id
    assert resumed.status == "finished"
    assert same_final(whole, resumed)
    clean = [[{k: v for k, v in line.items() if k != "time"} for line in run.metrics()] for run in (whole, resumed)]
    assert clean[0] == clean[1]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
@pytest.mark.parametrize("step", [BATCHES + 5, 2 * BATCHES - 1])
@pytest.mark.parametrize(
    "overrides",
    [
        ["data.input=stream", "data.num_workers=2"],  # they fetch batches before Lightning names the epoch
        ["trainer.reload_dataloaders_every_n_epochs=1"],
        ["task.init_args.class_weights=balanced"],
        ["data.balanced=true", "data.folds=5", "data.fold=3"],
    ],
)
def test_however_batches_are_loaded_a_resumed_training_sees_those_that_it_would_have_seen(
    config: Path, monkeypatch: pytest.MonkeyPatch, step: int, overrides: list[str]
) -> None:
    whole = train(config, overrides)
    with pytest.raises(StoppedError):
        train_with(monkeypatch, config, SignalAt(step), overrides=overrides)
    assert same_final(whole, train(config, overrides, resume="auto"))


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
@pytest.mark.parametrize("loop", ["auto", "lightning"])
def test_a_training_stopped_at_a_step_that_is_logged_has_lost_no_line(
    config: Path, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    overrides = ["trainer.log_every_n_steps=3", f"speed.loop={loop}"]
    whole = train(config, overrides)
    with pytest.raises(StoppedError, match="after step 6"):
        train_with(monkeypatch, config, SignalAt(5), overrides=overrides)
    resumed = train(config, overrides, resume="auto")
    clean = [[{k: v for k, v in line.items() if k != "time"} for line in run.metrics()] for run in (whole, resumed)]
    assert clean[0] == clean[1]
    assert 6 in [line["step"] for line in clean[1]]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
@pytest.mark.parametrize("loop", ["auto", "lightning"])
@pytest.mark.parametrize("validation", [1, 2])  # within an epoch, and at its end
def test_a_validation_that_a_signal_ends_is_done_again(
    config: Path, monkeypatch: pytest.MonkeyPatch, loop: str, validation: int
) -> None:
    class SignalInValidation(Callback):
        left = validation

        def on_validation_batch_start(self, *arguments) -> None:
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGTERM)

    overrides = [
        f"trainer.val_check_interval={BATCHES // 2}",
        "trainer.limit_val_batches=1",
        "callbacks=[{class_path: projectkit.training.EMA, init_args: {decay: 0.9}}]",
        "speed.tune=off",
        f"speed.loop={loop}",
    ]
    whole = train(config, overrides)
    with pytest.raises(StoppedError, match="in the validation after step"):
        train_with(monkeypatch, config, SignalInValidation(), overrides=overrides)
    resumed = train(config, overrides, resume="auto")
    assert resumed.id != whole.id
    assert not differences(outcome(whole), outcome(resumed))


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_weights_that_a_signal_tore_while_averages_took_their_place_are_not_kept(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TornThere(Callback):
        def on_validation_batch_start(self, trainer, *arguments) -> None:
            if trainer.current_epoch == 1:
                (average,) = (each for each in trainer.callbacks if isinstance(each, EMA))
                average.torn, average._swapped = True, False  # as in the middle of the exchange
                os.kill(os.getpid(), signal.SIGTERM)

    overrides = ["callbacks=[{class_path: projectkit.training.EMA}]", "speed.tune=off"]
    with pytest.raises(StoppedError, match="in the validation"):
        train_with(monkeypatch, config, TornThere(), overrides=overrides)
    (run,) = list_runs(require_project())
    assert load_checkpoint(run.checkpoint("last"))["global_step"] == BATCHES  # of the epoch before
    resumed = train(config, overrides, resume="auto")
    assert not differences(outcome(train(config, overrides)), outcome(resumed))


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_gradients_that_are_being_accumulated_are_not_lost_by_stopping(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SignalInTheMiddle(SignalAt):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
            if batch_idx == 5:  # the second of four batches that make a step
                super().on_train_batch_start(trainer)

    overrides = ["trainer.accumulate_grad_batches=4"]
    whole = train(config, overrides)
    with pytest.raises(StoppedError, match="after step 6"):
        train_with(monkeypatch, config, SignalInTheMiddle(5), overrides=overrides)
    assert same_final(whole, train(config, overrides, resume="auto"))


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_an_epoch_that_a_signal_ends_is_kept_even_where_checkpoints_are_rare(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = ["checkpoint.every_n_epochs=2"]
    with pytest.raises(StoppedError, match=f"after step {BATCHES}; go on with"):
        train_with(monkeypatch, config, SignalAt(BATCHES - 1), overrides=overrides)
    (run,) = list_runs(require_project())
    assert load_checkpoint(run.checkpoint("last"))["global_step"] == BATCHES


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_steps_that_are_done_again_after_a_death_are_recorded_once(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(SignalAt):  # dies with more steps logged than its last checkpoint holds
        def on_train_batch_start(self, trainer, *args) -> None:
            if trainer.global_step == self.step:
                raise RuntimeError("killed")

    overrides = ["trainer.log_every_n_steps=2"]
    whole = train(config, overrides)
    with pytest.raises(RuntimeError, match="killed"):
        train_with(monkeypatch, config, Killed(BATCHES + 5), overrides=overrides)
    resumed = train(config, overrides, resume="auto")
    assert [line["step"] for line in resumed.metrics() if "val/loss" not in line] == [
        line["step"] for line in whole.metrics() if "val/loss" not in line
    ]
    assert resumed.history("train/loss") == whole.history("train/loss")


def test_a_full_disk_is_named_even_where_the_record_has_no_room(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(Callback):
        def on_train_batch_end(self, *args) -> None:
            monkeypatch.setattr(RunWriter, "update", self.refuse)
            self.refuse()

        def refuse(self, *args, **fields) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(WorkError, match="the disk is full; free some space"):
        train_with(monkeypatch, config, FullDisk())


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_sigterm_gives_the_status_that_clusters_expect(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoppedError, match=r"SIGTERM after step 4; go on with `projectkit train --resume") as caught:
        train_with(monkeypatch, config, SignalAt(3, signal.SIGTERM))
    assert caught.value.exit_status == 143


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
@pytest.mark.parametrize(
    ("step", "remedy"), [(3, "start again"), (BATCHES + 3, "go on with `projectkit train --resume")]
)
def test_a_second_ctrl_c_stops_at_once_and_keeps_what_the_last_epoch_left(
    config: Path, monkeypatch: pytest.MonkeyPatch, step: int, remedy: str
) -> None:
    class Twice(SignalAt):
        def on_train_batch_start(self, trainer, *args) -> None:
            if trainer.global_step == step:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(StoppedError, match=f"stopped at once by a second signal; .*{remedy}") as caught:
        train_with(monkeypatch, config, Twice(step))
    assert caught.value.exit_status == 130
    (run,) = list_runs(require_project())
    assert (run.status, run.record["reason"]) == ("interrupted", "signal")
    if step > BATCHES:
        assert load_checkpoint(run.checkpoint("last"))["global_step"] == BATCHES
        assert same_final(train(config), train(config, resume=run.id))


def test_handlers_of_the_process_are_put_back(config: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    train(config, ["trainer.max_epochs=1"])
    assert signal.getsignal(signal.SIGINT) is before


def test_resume_auto_starts_a_new_run_when_there_is_nothing_to_resume(config: Path) -> None:
    first = train(config, ["trainer.max_epochs=1"])
    second = train(config, ["trainer.max_epochs=1"], resume="auto")
    assert first.id != second.id


def test_a_run_is_not_resumed_with_another_config(config: Path) -> None:
    run = train(config, ["trainer.max_epochs=1"])
    with pytest.raises(UserError, match=r"optimizer\.init_args\.lr"):
        train(config, ["trainer.max_epochs=1", "optimizer.init_args.lr=0.5"], resume=run.id)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_a_run_is_not_resumed_on_another_split(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoppedError):
        train_with(monkeypatch, config, SignalAt(BATCHES + 5))
    stopped = list_runs(require_project())[0]
    RunWriter.open(stopped.path).update(data=dict(stopped.part("data")) | {"split_digest": "0" * 64})
    before = (stopped.path / "run.json").read_bytes()
    with pytest.raises(
        UserError, match=r"the split of 'synthetic_tabular' has the digest \w+, not 000000000000, which"
    ):
        train(config, resume="auto")
    assert (stopped.path / "run.json").read_bytes() == before


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_a_run_that_still_goes_on_is_not_taken_over(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoppedError):
        train_with(monkeypatch, config, SignalAt(5))
    stopped = list_runs(require_project())[0]
    program = "import sys, pathlib; from projectkit.runs import RunWriter"
    program += "; writer = RunWriter.resume(pathlib.Path(sys.argv[1]), command=[]); print(flush=True); input()"
    command = [sys.executable, "-c", program, str(stopped.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        with pytest.raises(UserError, match="still going on"):
            train(config, resume=stopped.id)
        fresh = train(config, resume="auto")
        assert fresh.id != stopped.id
        other.communicate(b"\n")
    assert train(config, resume="auto").id == stopped.id


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_a_key_that_the_library_has_learnt_since_keeps_no_run_from_going_on(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoppedError):
        train_with(monkeypatch, config, SignalAt(BATCHES + 1))
    run = list_runs(require_project())[0]
    written = run.path / "config.yaml"
    text = written.read_text(encoding="utf-8")
    older = "".join(
        line for line in text.splitlines(keepends=True) if line.split(":")[0].strip() not in ("balanced", "fold")
    )
    assert older.count("\n") == text.count("\n") - 2
    written.write_text(older, encoding="utf-8")
    assert train(config, resume="auto").id == run.id
    with pytest.raises(UserError, match=r"differs from the run's: data\.balanced"):
        train(config, ["data.balanced=true"], resume=run.id)
