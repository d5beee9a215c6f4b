"""A training that is stopped, by a person, a cluster or a terminal that was closed: what is on the disk, and that it goes on from there."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faultcommands import Started, Typed
from pytorch_lightning.callbacks import Callback
from table import fault

from projectkit.project import require_project
from projectkit.runs import Run, find_run, list_runs
from projectkit.training import train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows"),
]

STEPS = 14  # of an epoch: 1,400 samples in batches of 100
Beside = Callable[[object], None]


class SignalAt(Callback):
    """Sends this process signals at one call of one hook."""

    def __init__(self, hook: str, call: int, *numbers: int) -> None:
        self.calls = call + 1
        self.numbers = numbers
        setattr(self, hook, self._count)

    def _count(self, *_: object) -> None:
        self.calls -= 1
        if self.calls == 0:
            for number in self.numbers:
                os.kill(os.getpid(), number)


def lines_of(run: Run) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "time"} for line in run.metrics()]


def weights_of(run: Run) -> bytes:
    from projectkit.training import load_checkpoint

    state = load_checkpoint(run.checkpoint("last"))["state_dict"]
    return b"".join(tensor.numpy().tobytes() for tensor in state.values())


@pytest.fixture
def goes_on(typed: Typed, only_run: Callable[[], Run]) -> Callable[..., None]:
    """The run goes on to what it would have been: the same lines, the same weights."""

    def check(*overrides: str) -> None:
        stopped = only_run()
        ended = typed("train", *overrides, "--resume", "auto")
        assert ended.status == 0, ended.err
        assert ended.out.strip() == stopped.id
        whole = typed("train", *overrides)
        runs = [find_run(done.out.strip(), require_project()) for done in (ended, whole)]
        assert [run.status for run in runs] == ["finished", "finished"]
        steps = [[line["step"] for line in lines_of(run)] for run in runs]
        assert steps[0] == steps[1]
        assert lines_of(runs[0]) == lines_of(runs[1])
        assert weights_of(runs[0]) == weights_of(runs[1])

    return check


@fault(
    "Ctrl-C",
    happens="the step is ended, of all its accumulated batches; exit 130, and a line says how far it came and how to go on",
    kept="everything: the run is `interrupted (signal)`, and goes on to the weights that it would have had",
)
@pytest.mark.parametrize(
    ("hook", "call", "step", "overrides"),
    [
        ("on_train_batch_start", 4, 5, []),
        ("on_train_batch_start", STEPS - 1, STEPS, []),  # the last one of an epoch
        ("on_train_batch_start", 5, 2, ["trainer.accumulate_grad_batches=4"]),  # the second batch of four
    ],
    ids=["in an epoch", "at its end", "while gradients are gathered"],
)  # fmt: skip
def test_ctrl_c(
    typed: Typed,
    config: Path,
    beside: Beside,
    only_run: Callable[[], Run],
    goes_on: Callable[..., None],
    hook: str,
    call: int,
    step: int,
    overrides: list[str],
) -> None:
    beside(SignalAt(hook, call, signal.SIGINT))
    ended = typed("train", *overrides)
    run = only_run()
    assert ended.status == 130
    assert f"{run.id}: stopped by SIGINT" in ended.line
    assert f"after step {step}" in ended.line
    assert f"go on with `projectkit train --resume {run.id}`" in ended.line
    assert f"kept in {run.path}" in ended.err.replace("\n", "")
    assert (run.status, run.record["reason"]) == ("interrupted", "signal")
    goes_on(*overrides)


@fault(
    "Ctrl-C twice",
    happens="it stops at once; exit 130",
    kept="the last checkpoint; the run is `interrupted (signal)`",
)
def test_ctrl_c_twice(typed: Typed, config: Path, beside: Beside, only_run: Callable[[], Run]) -> None:
    beside(SignalAt("on_train_batch_start", STEPS + 4, signal.SIGINT, signal.SIGINT))
    ended = typed("train")
    assert ended.status == 130
    assert "stopped at once by a second signal; go on with" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("interrupted", "signal")
    assert only_run().last is not None
    assert only_run().last["step"] == STEPS


@fault(
    "Ctrl-C while data is loaded or the fastest settings are looked for",
    happens="it stops at once; exit 130",
    kept="no run is made; what the store has is whole",
)
@pytest.mark.parametrize("where", ["data", "tuner"])
def test_ctrl_c_before_the_training(typed: Typed, config: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    from projectkit.data import DataModule
    from projectkit.training.workbench import Contender

    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(30)  # the deadline of this test is longer: it must not be slept through

    owner, name = (DataModule, "setup") if where == "data" else (Contender, "run")
    monkeypatch.setattr(owner, name, interrupted)
    ended = typed("train", "speed.tune=auto")
    assert ended.status == 130
    assert "stopped by SIGINT before the training began" in ended.line
    assert not (config.parents[1] / "runs").exists()


@fault(
    "Ctrl-C when the training has ended, while a tracker or a slow drive is waited for",
    happens="the waiting is given up; exit 0",
    kept="everything: the run is `finished`",
)
def test_ctrl_c_after_the_training(
    typed: Typed, config: Path, only_run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from projectkit.training.session import Session

    def slow(self: Session, exit_code: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(300)

    monkeypatch.setattr(Session, "_close_trackers", slow)
    ended = typed("train", "trainer.max_epochs=1")
    assert ended.status == 0, ended.err
    assert only_run().status == "finished"


@fault(
    "Ctrl-C or a cluster's signal in a long validation",
    happens="the validation is left at once and does not count",
    kept="everything up to the validation, all of which is done again when the run goes on",
)
@pytest.mark.parametrize("overrides", [[], ["trainer.val_check_interval=5"]], ids=["of an epoch", "in an epoch"])
def test_a_signal_in_a_validation(
    typed: Typed,
    config: Path,
    beside: Beside,
    only_run: Callable[[], Run],
    goes_on: Callable[..., None],
    overrides: list[str],
) -> None:
    class Slow(SignalAt):
        def _count(self, *_: object) -> None:
            super()._count()
            if self.calls == 0:
                time.sleep(300)  # as a validation of many minutes

    # the second batch of the second validation
    beside(Slow("on_validation_batch_start", 3, signal.SIGTERM))
    ended = typed("train", "data.batch_size=100", *overrides)
    assert ended.status == 143
    assert "in the validation after step" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("interrupted", "signal")
    goes_on("data.batch_size=100", *overrides)


SLOW = """
import pathlib, time, torch
import pytorch_lightning as pl
from torch.utils.data import DataLoader, TensorDataset

class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(TensorDataset(torch.randn(8, 4)), batch_size=1)

class Slow(pl.LightningModule):
    def __init__(self, seconds: float, at: str = ""):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.seconds, self.at = seconds, at
    def training_step(self, batch, batch_idx):
        if batch_idx == 1:
            pathlib.Path(self.at).touch()
            ends = time.monotonic() + self.seconds
            while time.monotonic() < ends:
                time.sleep(0.05)
        return self.layer(batch[0]).square().mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)
"""
SLOW_CONFIG = """
name: slow
task: {class_path: team.slow.Slow, init_args: {seconds: 60.0}}
data: {class_path: team.slow.Data}
trainer: {max_epochs: 1, accelerator: cpu}
tracking: {wandb: disabled}
"""


@pytest.fixture
def in_a_step(config: Path, team_file: Callable[[str, str], None]) -> tuple[str, Callable[[], None]]:
    """A team's own module in its second step, which takes a minute: the override that makes it, and what waits for it."""
    team_file("slow", SLOW)
    config.write_text(SLOW_CONFIG, encoding="utf-8")
    mark = config.parent / "in the step"

    def wait() -> None:
        ends = time.monotonic() + 40
        while not mark.exists() and time.monotonic() < ends:
            time.sleep(0.02)
        assert mark.exists()

    return f"task.init_args.at={mark}", wait


@fault(
    "Ctrl-C in a step of a minute",
    happens="a line says that the step is waited for; Ctrl-C again stops at once",
    kept="the last checkpoint",
)
def test_ctrl_c_in_a_slow_step(
    config: Path, in_a_step: tuple[str, Callable[[], None]], started: Started, only_run: Callable[[], Run]
) -> None:
    override, wait = in_a_step
    child = started("train", override)
    wait()
    child.process.send_signal(signal.SIGINT)
    assert child.process.stderr is not None
    for line in child.process.stderr:
        if "stopping after this step; Ctrl-C again stops at once" in line:
            break
    child.process.send_signal(signal.SIGINT)
    ended = child.ended()
    assert ended.status == 130
    assert "stopped at once by a second signal" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("interrupted", "signal")


@fault(
    "a cluster ends the job: SIGTERM, or SIGUSR1 ahead of it",
    happens="the step is ended; exit 143, for which a cluster starts the job again",
    kept="everything, as after Ctrl-C; Lightning's own requeueing and its checkpoints beside the run stay off",
)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_cluster_ends_the_job(
    typed: Typed,
    config: Path,
    beside: Beside,
    only_run: Callable[[], Run],
    goes_on: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    for variable, value in {"NTASKS": "1", "JOB_ID": "17", "JOB_NAME": "ours", "PROCID": "0", "LOCALID": "0"}.items():
        monkeypatch.setenv(f"SLURM_{variable}", value)
    monkeypatch.setattr("pytorch_lightning.trainer.connectors.signal_connector.call", refuse)
    beside(SignalAt("on_train_batch_start", 4, getattr(signal, name)))
    ended = typed("train")
    assert ended.status == 143
    assert f"stopped by {name} after step 5; go on with" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("interrupted", "signal")
    assert not list(config.parents[1].rglob("hpc_ckpt*"))
    goes_on()


def refuse(command: list[str], **_: object) -> int:
    raise AssertionError(f"Lightning ran {command}")


@fault(
    "the terminal is closed, or the ssh session breaks off",
    happens="the step is ended; exit 129. After `nohup` the training goes on instead",
    kept="everything, as after Ctrl-C",
)
@pytest.mark.parametrize("ignored", [False, True], ids=["", "nohup"])
def test_a_closed_terminal(
    config: Path,
    in_a_step: tuple[str, Callable[[], None]],
    started: Started,
    only_run: Callable[[], Run],
    ignored: bool,
) -> None:
    override, wait = in_a_step
    import pty  # there is none on Windows

    ours, theirs = pty.openpty()
    # as a shell in a terminal starts it: the leader of a session, whose terminal is that one
    program = f"import fcntl, os, signal, termios; os.setsid(); fcntl.ioctl({theirs}, termios.TIOCSCTTY, 0)\n"
    program += f"[os.dup2({theirs}, number) for number in (0, 1, 2)]\n"
    program += "signal.signal(signal.SIGHUP, signal.SIG_IGN)" if ignored else ""
    child = started("train", override, "task.init_args.seconds=2.0", program=program, pass_fds=(theirs,))
    os.close(theirs)
    wait()
    os.close(ours)
    status = child.process.wait(50)
    run = only_run()
    # whoever ignores the signal finds the terminal gone when he writes to it, which ends no training
    assert run.status == ("finished" if ignored else "interrupted")
    assert status == (0 if ignored else 129)


@fault(
    "Ctrl-C or a cluster's signal reaches the workers of the data loader as well",
    happens="they let the training end its step",
    kept="everything, as after Ctrl-C",
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_for_the_workers_too(
    typed: Typed, config: Path, beside: Beside, only_run: Callable[[], Run], goes_on: Callable[..., None], number: int
) -> None:
    class ToAll(SignalAt):
        def _count(self, *_: object) -> None:
            self.calls -= 1
            if self.calls == 0:
                workers = multiprocessing.active_children()
                assert workers
                # from a process of its own: what their own process sends ends them
                subprocess.run(["kill", f"-{number}", *(str(worker.pid) for worker in workers)], check=True)
                time.sleep(0.3)  # one of them that died would be noticed by now
                os.kill(os.getpid(), number)

    beside(ToAll("on_train_batch_start", 4))
    overrides = ["data.input=stream", "data.num_workers=1", "trainer.max_epochs=1"]
    ended = typed("train", *overrides)
    assert ended.status == 128 + number
    assert "after step 5; go on with" in ended.line
    if number == signal.SIGTERM:
        goes_on(*overrides)


@fault(
    "training in a thread, as some notebooks do",
    happens="signals stay as they are there; the training runs",
    kept="everything",
)
def test_a_training_outside_of_the_main_thread(config: Path) -> None:
    ended: list[Run] = []
    thread = threading.Thread(target=lambda: ended.append(train(config, ["trainer.max_epochs=1"])))
    thread.start()
    thread.join(50)
    assert [run.status for run in ended] == ["finished"]
    assert len(list_runs(require_project())) == 1
