"""On a full disk, and on one that cannot be written, a run's last status is recorded and no line of its metrics is torn."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from projectkit.errors import WorkError
from projectkit.runs import RunWriter, files, read_run, record

SIZE = 2**20


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of one MiB, in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk; the test with an injected ENOSPC stands for it")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    path = folder / "film.mp4"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return path


def log_until_full(writer: RunWriter, step: int) -> int:
    """How many steps were logged."""
    while True:
        try:
            writer.log(step + 1, 0, {"train/loss": 1 / (step + 1), "a metric with a long name": 0.1})
        except OSError as error:
            return step if error.errno == errno.ENOSPC else -1
        step += 1


def test_on_a_full_disk_the_last_status_is_written_and_no_line_is_torn(small_disk):
    writer = RunWriter.create(small_disk / "runs", "x", config_yaml="seed: 0\n", command=[])
    for step in range(20):
        writer.log(step, 0, {"train/loss": 1.0})
    film = fill(small_disk)
    last = log_until_full(writer, 19)
    assert last > 19  # there was room in the last page of the file
    writer.finish("failed", "disk", durations={"fit_s": 1.0})
    run = read_run(writer.path)
    assert (run.status, run.reason, run.damage) == ("failed", "disk", None)
    assert run.part("durations")["fit_s"] == 1.0
    assert (run.path / "metrics.jsonl").read_bytes()[-1:] == b"\n"
    assert [row["step"] for row in run.metrics()] == list(range(last + 1))
    before = (run.path / "run.json").read_bytes()
    fill(small_disk / "runs")
    with pytest.raises(WorkError, match="cannot be written: No space left"):
        RunWriter.resume(run.path)
    assert (run.path / "run.json").read_bytes() == before
    film.unlink()
    again = RunWriter.resume(run.path)
    again.log(last + 1, 0, {"train/loss": 0.0})
    again.finish("finished")
    assert [row["step"] for row in read_run(run.path).metrics()] == list(range(last + 2))


def test_where_no_disk_can_be_mounted_the_reserve_is_given_back_before_the_last_words(make_run, monkeypatch):
    writer = make_run(status="running")
    reserve = writer.path / "sessions" / "0001" / "reserve"
    assert reserve.stat().st_size >= 4 * (writer.path / "run.json").stat().st_size

    def full(path, data, **how):
        if reserve.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        files.atomic_write(path, data, **how)

    monkeypatch.setattr(record, "atomic_write", full)
    with pytest.raises(OSError, match="No space left"):
        writer.update(best={"step": 30})
    writer.finish("failed", "disk")
    run = read_run(writer.path)
    assert (run.status, run.reason, run.best) == ("failed", "disk", {"step": 30})


def test_a_disk_with_no_room_for_the_last_words_at_all_leaves_the_run_to_be_found_as_interrupted(make_run, monkeypatch):
    writer = make_run(status="running")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(record, "atomic_write", full)
    with pytest.raises(OSError, match="No space left"):
        writer.finish("finished")
    run = read_run(writer.path)
    assert (run.status, run.reason, run.alive) == ("interrupted", "killed", False)


def test_a_full_disk_is_said_before_anything_is_trained(project, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(record, "atomic_write", full)
    with pytest.raises(WorkError, match=r"cannot be written: No space left.*free some space"):
        RunWriter.create(project.runs, "x", config_yaml="", source=project.root)
    assert list(project.runs.iterdir()) == []
