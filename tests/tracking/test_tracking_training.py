"""Trackers beside a training: what a team logs itself arrives, one run stays one run, and no failure reaches the training."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stub_server import StubServer

from projectkit.runs import Run, read_run

pytestmark = pytest.mark.slow

TEAM = """
import numpy as np
import wandb
import pytorch_lightning as pl


class Pictures(pl.Callback):
    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.global_step == 2:
            module.logger.experiment.log({"team/direct": 1.5})
            wandb.log({"team/picture": wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8))})

    def on_validation_end(self, trainer, module):
        module.logger.log_table("team/table", columns=["step", "word"], data=[[trainer.global_step, "é"]])
        module.logger.experiment.summary["team/note"] = "ours"
"""
PICTURES = "callbacks=[{class_path: team.pictures.Pictures}]"


def warnings(run: Run) -> list[str]:
    return [str(event["message"]) for event in run.events() if event["event"] == "warned"]


def the_run(config: Path) -> Run:
    (path,) = (config.parents[1] / "runs").iterdir()
    return read_run(path)


def steps(server: StubServer) -> list[int]:
    return [row["trainer/global_step"] for row in server.run.history if "train/loss" in row or "val/loss" in row]


def own_steps(run: Run) -> list[int]:
    return sorted({line["step"] for line in run.metrics()})


def test_with_the_network_cut_off_a_training_ends_with_one_warning_and_sync_hands_it_over_whole(
    typed: Callable[..., Any],
    config: Path,
    server: StubServer,
    team_file: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    team_file("pictures", TEAM)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    done = typed("train trainer.max_epochs=2 trainer.log_every_n_steps=1 tracking.wandb=online", PICTURES)
    assert done.status == 0
    assert done.err.count("warning: ") == 1
    run = the_run(config)
    (warning,) = warnings(run)
    assert warning == (
        "Weights & Biases: http://127.0.0.1:9 cannot be reached; type `projectkit sync` when it can; "
        "the training is not affected"
    )
    assert run.status == "finished"
    typed(f"evaluate {run.id}")

    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    assert typed("sync").status == 0
    assert steps(server) == own_steps(run)
    for line in run.metrics():
        (row,) = [each for each in server.run.history if each["_step"] == line["step"]]
        assert {name: row[name] for name in line if name not in ("step", "time", "epoch")}.items() <= line.items()
    assert server.run.summary["best/val/f1_macro"] == run.best["val/f1_macro"]
    assert server.run.summary["evaluation/val/f1_macro"] > 0
    assert server.run.summary["team/note"] == "ours"
    assert [row["team/direct"] for row in server.run.history if "team/direct" in row] == [1.5]
    assert any(name.startswith("media/images/team/picture") for name in server.run.files)
    tables = [data for name, data in server.run.files.items() if name.startswith("media/table/team/table")]
    assert len(tables) == 2
    assert "é" in json.loads(tables[0])["data"][0]
    assert typed("sync").err == "everything is uploaded\n"


def test_where_wandb_is_disabled_what_a_team_logs_to_it_does_nothing(
    typed: Callable[..., Any], config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("pictures", TEAM)
    done = typed("train trainer.max_epochs=1 tracking.wandb=disabled", PICTURES)
    assert (done.status, "warning" in done.err) == (0, False), done.err
    assert not (the_run(config).path / "wandb").exists()


def test_online_the_run_is_on_the_server_when_the_training_has_ended(
    typed: Callable[..., Any], config: Path, server: StubServer
) -> None:
    done = typed("train trainer.max_epochs=2 tracking.wandb=online tracking.project=course tracking.entity=team")
    assert (done.status, "warning" in done.err) == (0, False), done.err
    run = the_run(config)
    assert server.key_of(run.id) == ("team", "course")
    assert steps(server) == own_steps(run)
    assert server.run.exit_code == 0
    assert typed("sync --dry-run").err == "everything is uploaded\n"


def test_offline_the_files_lie_in_the_run_folder_and_nothing_is_asked(
    typed: Callable[..., Any], config: Path, server: StubServer
) -> None:
    done = typed("train trainer.max_epochs=1 tracking.wandb=offline")
    assert (done.status, "warning" in done.err, done.out.count("\n")) == (0, False, 1)
    assert list(the_run(config).path.glob("wandb/offline-run-*/*.wandb"))
    assert not server.requests


STOP = """
import os, signal
import pytorch_lightning as pl


class Stop(pl.Callback):
    def on_train_batch_end(self, trainer, *arguments):
        if trainer.global_step == 5 and not os.path.exists("stopped"):
            open("stopped", "w").close()
            os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process at once on Windows")
def test_a_run_that_is_stopped_and_resumed_is_one_run_with_each_step_once(
    typed: Callable[..., Any], config: Path, server: StubServer, team_file: Callable[[str, str], None]
) -> None:
    team_file("stop", STOP)
    line = "train tracking.wandb=online trainer.log_every_n_steps=1"
    stop = "callbacks=[{class_path: team.stop.Stop}]"
    assert typed(line, stop).status == 130
    assert server.run.exit_code == 1
    done = typed(f"{line} --resume auto", stop)
    assert done.status == 0, done.err
    assert len(server.runs) == 1
    assert steps(server) == own_steps(the_run(config))
    assert server.run.exit_code == 0


@pytest.mark.parametrize("broken", ["import", "init", "log", "hang"])
def test_a_broken_wandb_is_one_warning_and_the_training_goes_on(
    typed: Callable[..., Any], config: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    import threading

    import wandb

    from projectkit.training.tracking import offline

    def fails(*arguments: object, **named: object) -> None:
        raise RuntimeError("the tracker is broken\nwith details")

    words = "the tracker is broken"
    if broken == "import":
        monkeypatch.setitem(sys.modules, "wandb", None)
        words = "import of wandb halted"
    elif broken == "hang":
        monkeypatch.setattr(offline, "START_S", 0.2)
        monkeypatch.setattr(wandb, "init", lambda **named: threading.Event().wait(20))
        words = "wandb did not start"
    elif broken == "init":
        monkeypatch.setattr(wandb, "init", fails)
    else:
        monkeypatch.setattr(wandb.Run, "log", fails)
    done = typed("train trainer.max_epochs=2 tracking.wandb=offline")
    assert done.status == 0
    assert done.err.count("warning: ") == 1
    (warning,) = warnings(the_run(config))
    assert warning.startswith(f"Weights & Biases: its offline files ended: {words}")
    assert warning.endswith("; the training is not affected")


def test_tensorboard_and_csv_by_one_word(typed: Callable[..., Any], config: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = typed("train trainer.max_epochs=2 tracking.tensorboard=true tracking.csv=true")
    assert (done.status, "warning" in done.err) == (0, False), done.err
    run = the_run(config)
    events = EventAccumulator(str(run.path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("val/f1_macro")] == run.history("val/f1_macro")[0]
    head, *lines = (run.path / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert head.startswith("step,epoch,time,train/")
    assert [int(line.split(",")[0]) for line in lines] == own_steps(run)


def test_a_tensorboard_that_is_not_installed_is_told_before_a_run_is_made(
    typed: Callable[..., Any], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from projectkit.training.tracking import trackers

    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    done = typed("train trainer.max_epochs=1 tracking.tensorboard=true")
    assert done.status == 2
    assert "tracking.tensorboard: the package tensorboard is not installed; type `pip install tensorboard`" in done.err
    assert not (config.parents[1] / "runs").exists()
