"""Rows of the fault table: the tracker fails, and the training goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from faultcommands import Typed
from table import fault

from projectkit.runs import Run, RunWriter

TRACKING = Path(__file__).resolve().parents[1] / "tracking"
ONLINE = ("train", "tracking.wandb=online", "trainer.max_epochs=2", "trainer.log_every_n_steps=1")
OFFLINE = ("train", "tracking.wandb=offline", "trainer.max_epochs=2")
KEPT = "everything; `projectkit sync` hands the run over later, whole"

pytestmark = pytest.mark.slow


@pytest.fixture
def server(loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server of Weights & Biases that fails on demand."""
    monkeypatch.syspath_prepend(TRACKING)
    from stub_server import KEY, serving

    with serving() as stub:
        monkeypatch.setenv("WANDB_BASE_URL", stub.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        yield stub


@pytest.fixture
def survived(
    typed: Typed, config: Path, only_run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Train, which has to end well with one warning; returns it."""
    from projectkit.training.tracking import trackers

    monkeypatch.setattr(trackers, "END_S", 4.0)  # instead of 7: what fails here does so after any time

    def train(*words: str) -> str:
        done = typed(*words)
        assert done.status == 0, done.err
        run = only_run()
        assert run.status == "finished"
        (message,) = [str(event["message"]) for event in run.events() if event["event"] == "warned"]
        assert done.err.count("warning: ") == 1
        assert message.startswith("Weights & Biases: ")
        assert message.endswith("; the training is not affected")
        return message

    return train


@pytest.fixture
def handed_over_later(typed: Typed, server: Any, only_run: Callable[[], Run]) -> Callable[[], None]:
    """`projectkit sync` at a server that is well: every row of the record is there, once."""

    def sync() -> None:
        server.fault = server.die_after = None
        if server._http is None:
            server.start()
        done = typed("sync")
        assert done.status == 0, done.err
        steps = [row["trainer/global_step"] for row in server.run.history if {"train/loss", "val/loss"} & row.keys()]
        assert steps == sorted({line["step"] for line in only_run().metrics()})

    return sync


@fault(
    "The server of Weights & Biases is down when the training starts",
    happens="the training goes on; one warning at its end, which waits 10 s at most",
    kept=KEPT,
)
def test_tracker_down_at_start(
    server: Any, survived: Callable[..., str], handed_over_later: Callable[[], None]
) -> None:
    server.stop()
    assert "cannot be reached; type `projectkit sync` when it can" in survived(*ONLINE)
    handed_over_later()


class At(pl.Callback):
    """Does something once, at a step of the training, or when it has ended."""

    def __init__(self, action: Callable[[], None], step: int | None = None) -> None:
        self.action = action
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *arguments: Any) -> None:
        if trainer.global_step == self.step:
            self.action()

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.step is None:
            self.action()


@fault(
    "The server of Weights & Biases dies while the training runs, or at its end",
    happens="the training goes on; one warning at its end, which waits 10 s at most",
    kept=KEPT,
)
@pytest.mark.parametrize("requests", [pytest.param(2, marks=pytest.mark.nightly), 6])
def test_tracker_dies_midway(
    server: Any, survived: Callable[..., str], handed_over_later: Callable[[], None], requests: int
) -> None:
    server.die_after = requests
    assert "projectkit sync" in survived(*ONLINE)
    handed_over_later()


@fault(
    "The server of Weights & Biases hangs, or answers a byte at a time",
    happens="the training goes on; one warning at its end, which waits 10 s at most",
    kept=KEPT,
)
@pytest.mark.parametrize("how", ["hang", "slow"])
def test_tracker_slow(
    server: Any, survived: Callable[..., str], handed_over_later: Callable[[], None], how: str
) -> None:
    server.fault = how
    assert "projectkit sync" in survived(*ONLINE)
    handed_over_later()


@fault(
    "The server of Weights & Biases answers with errors (500, 429)",
    happens="the training goes on; one warning at its end",
    kept=KEPT,
)
@pytest.mark.parametrize("status", [pytest.param(500, marks=pytest.mark.nightly), 429])
def test_tracker_answers_with_errors(
    server: Any, survived: Callable[..., str], handed_over_later: Callable[[], None], status: int
) -> None:
    server.fault = status
    assert f"answers with status {status}; type `projectkit sync` later" in survived(*ONLINE)
    handed_over_later()


@fault(
    "The key for Weights & Biases is wrong or malformed",
    happens="the training goes on; one warning at its end names `wandb login --relogin`",
    kept=KEPT,
)
@pytest.mark.parametrize("key", ["0" * 40, "no key", "é\n"])
def test_tracker_wrong_key(
    server: Any, survived: Callable[..., str], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", key)
    message = survived(*ONLINE)
    assert "type `wandb login --relogin`" in message
    assert key.strip() not in message


@fault(
    "There is no key for Weights & Biases",
    happens="the training goes on; one warning at its end names `wandb login`",
    kept=KEPT,
)
def test_tracker_without_a_key(
    server: Any, survived: Callable[..., str], handed_over_later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = os.environ["WANDB_API_KEY"]
    monkeypatch.delenv("WANDB_API_KEY")
    assert f"there is no key for {server.url}; type `wandb login`" in survived(*ONLINE)
    monkeypatch.setenv("WANDB_API_KEY", key)
    handed_over_later()


@fault(
    "The disk that Weights & Biases writes to is full",
    happens="the training goes on; one warning at its end",
    kept="everything but the end of what the team logged with wandb itself; `projectkit sync` hands the record over, whole",
    only="Linux",
)
def test_tracker_disk_full(
    server: Any,
    survived: Callable[..., str],
    handed_over_later: Callable[[], None],
    only_run: Callable[[], Run],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine allows no mount")
    real = RunWriter.create.__func__  # type: ignore[attr-defined]

    def create(cls: type[RunWriter], *arguments: Any, **named: Any) -> RunWriter:
        writer: RunWriter = real(cls, *arguments, **named)
        (writer.path / "wandb").symlink_to(small, target_is_directory=True)
        (small / "filler").write_bytes(b"x" * 40_000)
        return writer

    monkeypatch.setattr(RunWriter, "create", classmethod(create))
    try:
        survived(*OFFLINE, "trainer.max_epochs=30", "trainer.log_every_n_steps=1")
    finally:
        subprocess.run(["umount", "-l", small], check=True)
    (only_run().path / "wandb").unlink()
    handed_over_later()


@fault(
    "Weights & Biases' own process hangs or is killed",
    happens="the training goes on; one warning at its end, which waits 2 s at most",
    kept="everything but what the team logged with wandb itself from then on",
    only="Linux",
)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_tracker_process_hangs(survived: Callable[..., str], beside: Callable[[object], None], number: int) -> None:
    from wandb.sdk.lib.import_hooks import notify_module_loaded

    def strike() -> None:
        found = subprocess.run(
            ["pgrep", "-P", str(os.getpid()), "wandb-core"], capture_output=True, text=True, check=True
        )
        for pid in found.stdout.split():
            os.kill(int(pid), number)
        # what wandb does where a package is imported from here on
        for name in ("sklearn", "torchvision", "transformers"):
            notify_module_loaded(types.ModuleType(name))

    beside(At(strike, step=3))
    assert re.search("its files were not closed within|its offline files ended", survived(*OFFLINE))


@fault(
    "W&B's package cannot be imported",
    happens="the training goes on; one warning at its end",
    kept=KEPT,
)
def test_tracker_import_fails(survived: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert "its offline files ended: import of wandb halted" in survived(*OFFLINE)


@fault(
    "The home folder cannot be written",
    happens="nothing: what W&B keeps in the home folder goes into the run folder",
    kept="everything",
)
def test_tracker_home_not_writable(typed: Typed, config: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", os.devnull)
    monkeypatch.setenv("USERPROFILE", os.devnull)
    done = typed(*ONLINE)
    assert (done.status, "warning" in done.err) == (0, False), done.err
    assert server.run.exit_code == 0
