"""The machine gives out: a full disk, folders that cannot be written."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faultcommands import Started, Typed
from pytorch_lightning.callbacks import Callback
from table import fault

from projectkit.project import require_project
from projectkit.runs import Run, find_run, list_runs
from projectkit.training import load_checkpoint

pytestmark = pytest.mark.slow  # each row trains

STEPS = 14  # of an epoch: 1,400 samples in batches of 100
Beside = Callable[[object], None]


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of half a mebibyte, with the runs on it."""
    place = tmp_path / "small disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    if platform.system() != "Linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    monkeypatch.setenv("PROJECTKIT_RUNS", str(place / "runs"))
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


class Fill(Callback):
    """Fills a disk before a step, but for some bytes."""

    def __init__(self, place: Path, step: int, left: int) -> None:
        self.file = place / "filler"
        self.step = step
        self.left = left

    def on_train_batch_start(self, trainer, *args) -> None:
        if trainer.global_step == self.step and not self.file.exists():
            free = shutil.disk_usage(self.file.parent).free - self.left
            self.file.write_bytes(b"\0" * max(0, free))


def whole_lines(run: Run) -> bool:
    """Nothing that was written is torn."""
    return all(path.read_bytes().endswith(b"\n") for path in run.path.glob("*.jsonl"))


@fault(
    "the disk is full, for a checkpoint or for metrics",
    happens="exit 1; the line says how much a checkpoint takes and how much is free",
    kept="the last whole checkpoint and all whole lines; the run is `failed (disk)`, and goes on once there is room",
)
@pytest.mark.parametrize(
    ("left", "overrides"), [(12_288, []), (0, ["trainer.log_every_n_steps=1"])], ids=["checkpoint", "metrics"]
)
def test_a_full_disk(
    typed: Typed, config: Path, beside: Beside, small_disk: Path, left: int, overrides: list[str]
) -> None:
    fill = Fill(small_disk, STEPS + 4, left)
    beside(fill)
    ended = typed("train", *overrides)
    (run,) = list_runs(require_project())
    assert ended.status == 1, ended
    assert f"{run.id}: the disk is full; free some space (a checkpoint takes" in ended.line
    assert f"type `projectkit train --resume {run.id}`" in ended.line
    assert (run.status, run.record["reason"]) == ("failed", "disk")
    assert load_checkpoint(run.checkpoint("last"))["global_step"] == STEPS
    assert whole_lines(run)
    assert not list(run.path.rglob("*.tmp"))
    fill.file.unlink()
    fill.step = -1
    ended = typed("train", *overrides, "--resume", "auto")
    assert (ended.status, ended.out.strip()) == (0, run.id), ended.err
    assert (find_run(run.id, require_project()).last or {})["step"] == 3 * STEPS


def test_a_write_that_is_refused_ends_as_a_full_disk_does(
    typed: Typed, config: Path, beside: Beside, only_run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    class Full(Callback):
        def on_train_epoch_start(self, trainer, module) -> None:
            if trainer.current_epoch == 1:
                monkeypatch.setattr(os, "fsync", refuse)

    def refuse(descriptor: int) -> None:
        if os.fstat(descriptor).st_size > 10_000:  # a checkpoint; for a few lines there is room
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    beside(Full())
    ended = typed("train")
    assert ended.status == 1
    assert "the disk is full; free some space" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("failed", "disk")
    assert load_checkpoint(only_run().checkpoint("last"))["global_step"] == STEPS
    assert whole_lines(only_run())
    assert not list(only_run().path.rglob("*.tmp"))


@fault(
    "the folder of the runs cannot be written",
    happens="exit 1 before training; the line names the folder",
    kept="no run is made; the folder is as it was",
)
@pytest.mark.parametrize("kind", ["a file", "read-only"])
def test_a_run_folder_that_cannot_be_written(
    typed: Typed,
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    place = tmp_path / "runs of ours"
    if kind == "a file":
        place.write_text("a file in the folder's place", encoding="utf-8")
    else:
        disk: Path = request.getfixturevalue("small_disk")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        place = disk / "runs"
    monkeypatch.setenv("PROJECTKIT_RUNS", str(place))
    ended = typed("train")
    assert ended.status in (1, 2)
    assert str(place) in ended.line
    assert "loop:" not in ended.err  # nothing was trained
    assert place.is_file() if kind == "a file" else not place.exists()


@fault(
    "the home folder cannot be written, or there is none",
    happens="the training runs; where a data set has to be put into the store, exit 1, and the line names the folder",
    kept="everything, in the project",
)
def test_a_home_that_cannot_be_written(
    started: Started, typed: Typed, config: Path, only_run: Callable[[], Run], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.write_text("no folder", encoding="utf-8")
    unset = {"XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": ""}
    env = {**unset, "HOME": str(home / "nobody"), "USERPROFILE": str(home / "nobody"), "PROJECTKIT_STORE": ""}
    ended = started("train", "trainer.max_epochs=1", env=env).ended()
    assert ended.status == 0, ended.err
    assert only_run().status == "finished"
    ended = typed("data", "fetch", "sms", store=home / "nobody")
    assert ended.status == 1
    assert str(home) in ended.line


@fault(
    "there is no space in the temporary folder",
    happens="the training runs: nothing of it is written there",
    kept="everything",
    only="Linux",
)
def test_a_full_temporary_folder(
    typed: Typed, config: Path, small_disk: Path, only_run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROJECTKIT_RUNS")
    (small_disk / "filler").write_bytes(b"\0" * shutil.disk_usage(small_disk).free)
    monkeypatch.setenv("TMPDIR", str(small_disk))
    monkeypatch.setattr(tempfile, "tempdir", None)
    ended = typed("train", "trainer.max_epochs=1")
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert ended.status == 0, ended.err
    assert only_run().status == "finished"
