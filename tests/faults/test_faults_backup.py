"""A session that is gone with its disk: the next one finds the run in PROJECTKIT_BACKUP and ends with the same weights."""

from __future__ import annotations

import errno
import io
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from table import fault

import projectkit as pk
from projectkit.errors import UserError
from projectkit.project import require_project
from projectkit.runs import Run, backup, copies, list_runs

pytestmark = pytest.mark.slow

STEPS = ["checkpoint.every_n_steps=4", "trainer.log_every_n_steps=1", "speed.tune=off"]

_LOST = """
import os, time
from pathlib import Path
import pytorch_lightning as pl
from projectkit.runs.copies import read_copy

class Lost(pl.Callback):
    '''The machine is gone after some steps, once there is a copy of its run.'''
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        drive = Path(os.environ["PROJECTKIT_BACKUP"])
        if (drive / "lose").exists() and trainer.global_step == 10:
            end = time.monotonic() + 20
            while time.monotonic() < end and not any(read_copy(path.parent) for path in drive.rglob("backup.json")):
                time.sleep(0.01)
            os._exit(9)
"""


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "drive" / "backup"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PROJECTKIT_BACKUP", str(folder))
    return folder


def weights(run: Run) -> dict[str, bytes]:
    state: dict[str, Any] = torch.load(run.checkpoint("last"), weights_only=True)["state_dict"]
    return {name: tensor.numpy().tobytes() for name, tensor in state.items()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the session that is lost is a forked process")
@fault(
    "a session ends without notice, and its disk with it, as on Colab",
    happens="the next one brings the run back from `PROJECTKIT_BACKUP` and goes on with it",
    kept="all but the steps since the last checkpoint, which are done again: the weights at the end are the same",
)
def test_a_new_session_with_an_empty_runs_folder_ends_with_the_same_weights(
    config: Path, drive: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("lost", _LOST)
    settings = [*STEPS, "callbacks=[{class_path: team.lost.Lost}]"]
    undisturbed = pk.train(config, settings)
    runs = require_project().runs
    runs.rename(runs.with_name("undisturbed"))
    shutil.rmtree(drive)
    drive.mkdir()
    (drive / "lose").touch()
    child = os.fork()
    if child == 0:
        try:
            pk.train(config, settings)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    shutil.rmtree(runs)
    (drive / "lose").unlink()

    screen = io.StringIO()
    run = pk.train(config, settings, resume="auto", console=Console(file=screen, width=200))
    assert "is back from" in screen.getvalue()
    assert [event["event"] for event in run.events()].count("resumed") == 1
    assert weights(run) == weights(Run(runs.with_name("undisturbed") / undisturbed.id, {}))
    logged = [line["step"] for line in run.metrics() if "train/loss" in line]
    assert len(logged) == len(set(logged))
    assert [each.status for each in list_runs(require_project())] == ["finished"]


@fault(
    "the drive of `PROJECTKIT_BACKUP` is not mounted, or vanishes",
    happens="one warning; the training goes on, and copies again when the drive is back",
    kept="the run, on its own disk; no folder is made where the drive should be",
)
def test_a_drive_that_is_not_mounted_is_one_warning_and_the_training_ends(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTKIT_BACKUP", str(tmp_path / "not mounted" / "backup"))
    run = pk.train(config, STEPS, resume="auto")
    assert run.status == "finished"
    warned = [event["message"] for event in run.events() if event["event"] == "warned"]
    assert [message for message in warned if "is the drive mounted?" in message] == warned[-1:]
    assert not (tmp_path / "not mounted").exists()


@fault(
    "the drive of `PROJECTKIT_BACKUP` does not answer any more",
    happens="the training goes on; its end waits 30 s for the last copy, then says that it was not made",
    kept="the run, on its own disk; on the drive the copy before",
)
def test_a_drive_that_hangs_delays_the_end_by_the_deadline_alone(
    config: Path, drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(backup.Backup, "_copy", lambda _: answers.wait(60))
    monkeypatch.setattr(backup.Backup.finish, "__defaults__", (0.1,))
    run = pk.train(config, STEPS)
    assert run.status == "finished"
    assert any("was not copied" in event.get("message", "") for event in run.events())
    answers.set()


@fault(
    "the drive of `PROJECTKIT_BACKUP` is full",
    happens="one warning; the training goes on, and each checkpoint tries again",
    kept="the run, on its own disk; on the drive the last whole copy",
)
def test_a_drive_that_is_full_keeps_the_last_whole_copy(
    config: Path, drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = copies._write

    def full(path: Path, data: bytes) -> None:
        there_is_one = any(copies.read_copy(place.parent) for place in drive.rglob(copies.MANIFEST))
        if there_is_one and drive in path.parents and path.suffix == ".ckpt":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, data)

    monkeypatch.setattr(copies, "_write", full)
    run = pk.train(config, STEPS)
    assert run.status == "finished"
    warned = [event["message"] for event in run.events() if event["event"] == "warned"]
    assert len([message for message in warned if os.strerror(errno.ENOSPC) in message]) == 1
    (copy,) = [found for place in backup.places_of(drive, run.id) if (found := copies.read_copy(place))]
    copies.bring_back(copy, run.path.with_name("brought back"))


def test_a_run_is_named_that_only_the_backup_has(config: Path, drive: Path) -> None:
    first = pk.train(config, STEPS)
    shutil.rmtree(first.path)
    with pytest.raises(UserError, match="no run"):  # a finished run stays where it is
        pk.train(config, STEPS, resume=first.id)
