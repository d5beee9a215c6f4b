"""A backup folder that is slow, full or gone costs a warning; one that is there brings a run back, bit for bit."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from projectkit.project import Project
from projectkit.runs import RunWriter, backup, copies, read_run
from projectkit.runs.archive import empty_trash, remove_run
from projectkit.runs.backup import Backup, places_of, restore_runs
from projectkit.runs.copies import MANIFEST, CopyWriter, read_copy
from projectkit.runs.files import append_line
from projectkit.runs.notes import marks_of, tag_run

PATIENT = 20.0  # far more than a copy takes here: only a hang reaches it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "drive").mkdir()
    return tmp_path / "drive" / "backup"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The runs folder of the next session."""
    return tmp_path / "next session" / "runs"


@pytest.fixture
def writer(make_run: Callable[..., RunWriter]) -> RunWriter:
    """An unfinished run with a checkpoint of step 10."""
    writer = make_run(status="running")
    checkpoint(writer, 10)
    return writer


def checkpoint(writer: RunWriter, step: int, name: str = "last") -> None:
    """Write a checkpoint as training does: its digest first, then the file by rename."""
    data = f"{name} at step {step}".encode() * 100
    digests = writer.checkpoints / "digests.jsonl"
    append_line(digests, {"sha256": sha256(data).hexdigest(), "name": name, "step": step, "time": 0.0})
    temporary = writer.checkpoints / ".new.tmp"
    temporary.write_bytes(data)
    temporary.replace(writer.checkpoints / f"{name}.ckpt")
    writer.log(step, 0, {"train/loss": 1 / step})


def copy_once(writer: RunWriter, folder: Path) -> Backup:
    copying = Backup(writer.path, folder)
    copying.later()
    copying.finish(PATIENT)
    return copying


def files_of(run: Path) -> dict[str, bytes]:
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.name not in (MANIFEST, *copies._PRIVATE)
    }


def step_in(run: Path) -> int:
    """Of the checkpoint that a run would go on from."""
    return int(
        (run / "checkpoints" / "last.ckpt").read_text(encoding="utf-8").partition("last at step ")[2].split("l")[0]
    )


def test_a_new_session_finds_the_run_as_it_was(writer: RunWriter, folder: Path, elsewhere: Path) -> None:
    checkpoint(writer, 20, "best")
    (writer.path / "wandb" / "offline-run").mkdir(parents=True)
    (writer.path / "wandb" / "offline-run" / "run.wandb").write_bytes(b"\0\1")
    assert copy_once(writer, folder).warning is None
    (restored,) = restore_runs(folder, elsewhere)
    assert restored.path == elsewhere / writer.id
    assert files_of(restored.path) == files_of(writer.path)
    assert not list(elsewhere.glob(".*"))


def test_predictions_and_older_checkpoints_are_not_copied(writer: RunWriter, folder: Path) -> None:
    (writer.checkpoints / "step-10.ckpt").write_bytes(b"older")
    (writer.path / "predictions").mkdir()
    (writer.path / "predictions" / "val.npz").write_bytes(b"large")
    copy_once(writer, folder)
    copied = files_of(folder / writer.id)
    assert {"run.json", "config.yaml", "metrics.jsonl", "checkpoints/last.ckpt"} <= copied.keys()
    assert not {"checkpoints/step-10.ckpt", "predictions/val.npz"} & copied.keys()


def test_while_the_last_checkpoint_is_replaced_the_one_before_it_is_copied(writer: RunWriter, folder: Path) -> None:
    (writer.checkpoints / "last.ckpt").rename(writer.checkpoints / "step-10.ckpt")
    assert copy_once(writer, folder).warning is None
    assert "checkpoints/step-10.ckpt" in files_of(folder / writer.id)


def test_an_ended_run_is_found_in_the_folder_itself(
    writer: RunWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = Backup(writer.path, folder)
    copying.later()
    writer.finish("finished")
    copying.finish(PATIENT)
    states = [json.loads((place / "run.json").read_bytes())["status"] for place in places_of(folder, writer.id)]
    assert states == ["finished", "finished"]


def test_a_finished_run_is_not_brought_back(writer: RunWriter, folder: Path, elsewhere: Path) -> None:
    writer.finish("finished")
    copy_once(writer, folder)
    assert restore_runs(folder, elsewhere) == []
    assert not elsewhere.exists()


def test_an_older_run_here_is_replaced_and_a_newer_one_is_kept(
    writer: RunWriter, folder: Path, elsewhere: Path
) -> None:
    copy_once(writer, folder)
    restore_runs(folder, elsewhere)
    checkpoint(writer, 20)
    copy_once(writer, folder)
    (restored,) = restore_runs(folder, elsewhere)
    assert restored.path is not None
    assert step_in(restored.path) == 20
    further = RunWriter.open(restored.path)
    checkpoint(further, 30)
    assert restore_runs(folder, elsewhere) == []
    assert step_in(restored.path) == 30


def test_only_the_runs_that_are_wanted_come_back(writer: RunWriter, folder: Path, elsewhere: Path) -> None:
    copy_once(writer, folder)
    assert restore_runs(folder, elsewhere, wanted=lambda run: run.name == "another") == []
    assert [each.id for each in restore_runs(folder, elsewhere, wanted=lambda run: run.name == "lstm")] == [writer.id]


class CutError(Exception):
    """A death in the middle of a copy."""


@pytest.mark.parametrize("after", range(9))
def test_wherever_a_copy_is_cut_the_former_state_comes_back_whole(
    after: int, writer: RunWriter, folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint(writer, 12, "best")
    copy_once(writer, folder)
    before = files_of(writer.path)
    checkpoint(writer, 20)
    left = after
    write = copies._write

    def cut(path: Path, data: bytes) -> None:
        nonlocal left
        if left == 0:
            path.write_bytes(data[: len(data) // 2])
            raise CutError
        left -= 1
        write(path, data)

    place = min(places_of(folder, writer.id), key=count_of)
    with monkeypatch.context() as patch:
        patch.setattr(copies, "_write", cut)
        try:
            CopyWriter(writer.path, "other").write(place, 99)
            whole = True
        except CutError:
            whole = False
    (restored,) = restore_runs(folder, elsewhere)
    assert restored.path is not None
    assert files_of(restored.path) == (files_of(writer.path) if whole else before)
    assert step_in(restored.path) == (20 if whole else 10)


def count_of(place: Path) -> int:
    copy = read_copy(place)
    assert copy is not None
    return copy.count


def test_a_copy_with_a_flipped_bit_is_not_used(writer: RunWriter, folder: Path, elsewhere: Path) -> None:
    copy_once(writer, folder)
    newest = max(places_of(folder, writer.id), key=count_of)
    checkpoint(writer, 20)
    damaged = newest / "checkpoints" / "last.ckpt"
    damaged.write_bytes(bytes([damaged.read_bytes()[0] ^ 1]) + damaged.read_bytes()[1:])
    (restored,) = restore_runs(folder, elsewhere)
    assert restored.path is not None
    assert step_in(restored.path) == 10
    for place in places_of(folder, writer.id):
        (place / "checkpoints" / "last.ckpt").write_bytes(b"")
    shutil.rmtree(elsewhere)
    (lost,) = restore_runs(folder, elsewhere)
    assert lost.path is None
    assert "does not have the digest" in lost.line
    assert list(elsewhere.iterdir()) == []


def test_a_checkpoint_that_is_damaged_here_does_not_replace_the_whole_one_there(
    writer: RunWriter, folder: Path, elsewhere: Path
) -> None:
    copy_once(writer, folder)
    (writer.checkpoints / "last.ckpt").write_bytes(b"rotten")
    warning = copy_once(writer, folder).warning
    assert warning is not None
    assert "last.ckpt does not have the digest" in warning
    (restored,) = restore_runs(folder, elsewhere)
    assert restored.path is not None
    assert (restored.path / "checkpoints" / "last.ckpt").read_bytes() == b"last at step 10" * 100


@pytest.mark.parametrize("name", ["../../outside", "/outside", "a\\..\\b", "C:evil"])
def test_a_manifest_that_leads_out_of_its_folder_is_not_read(name: str, writer: RunWriter, folder: Path) -> None:
    copy_once(writer, folder)
    manifest = folder / writer.id / MANIFEST
    document: dict[str, Any] = json.loads(manifest.read_bytes())
    del document["sha256"]
    document["files"][name] = "0" * 64
    document["sha256"] = sha256(copies.to_json(document)).hexdigest()
    assert read_copy(manifest.parent) is not None
    manifest.write_bytes(copies.to_json(document))
    assert read_copy(manifest.parent) is None


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A drive that takes nothing until the event is set; it is set at the end, so that no thread outlives the test."""
    released = threading.Event()
    write = copies._write

    def hold(path: Path, data: bytes) -> None:
        assert released.wait(PATIENT)
        write(path, data)

    monkeypatch.setattr(copies, "_write", hold)
    yield released
    released.set()
    for thread in threading.enumerate():
        if thread.name == "projectkit-backup":
            thread.join(PATIENT)


def test_a_drive_that_hangs_keeps_nobody_waiting_beyond_the_deadline(
    writer: RunWriter, folder: Path, held: threading.Event
) -> None:
    copying = Backup(writer.path, folder)
    for step in range(11, 100):
        checkpoint(writer, step)
        copying.later()  # returns while the drive hangs, or the test would end at its first copy
    copying.finish(0.05)
    assert copying.warning is not None
    assert "was not copied" in copying.warning


def test_on_a_slow_drive_states_are_left_out_but_never_the_last(
    writer: RunWriter, folder: Path, held: threading.Event
) -> None:
    copying = Backup(writer.path, folder)
    copying.later()
    for step in range(11, 50):
        checkpoint(writer, step)
        copying.later()
    assert sum(thread.name == "projectkit-backup" for thread in threading.enumerate()) == 1
    held.set()
    copying.finish(PATIENT)
    assert copying.warning is None
    assert [step_in(place) for place in places_of(folder, writer.id)] == [49, 49]
    assert max(map(count_of, places_of(folder, writer.id))) <= 3


def test_a_full_drive_is_one_warning_and_the_former_state_stays(
    writer: RunWriter, folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = Backup(writer.path, folder)
    copying.later()
    copying.finish(PATIENT)
    write = copies._write

    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".ckpt":
            write(path, data[:7])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, data)

    copying = Backup(writer.path, folder)
    with monkeypatch.context() as patch:
        patch.setattr(copies, "_write", full)
        for step in (20, 30):
            checkpoint(writer, step)
            copying.later()
        copying.finish(PATIENT)
    assert copying.warning is not None
    assert copying.warning.count(os.strerror(errno.ENOSPC)) == 1
    (restored,) = restore_runs(folder, elsewhere)
    assert restored.path is not None
    assert step_in(restored.path) == 10


def test_a_drive_that_vanishes_is_a_warning_and_one_that_comes_back_gets_the_last_state(
    writer: RunWriter, folder: Path
) -> None:
    copying = Backup(writer.path, folder)
    shutil.rmtree(folder.parent)
    copying.later()
    while copying.warning is None:
        pass
    assert "is the drive mounted?" in copying.warning
    assert not folder.parent.exists()
    folder.parent.mkdir()
    checkpoint(writer, 20)
    copying.finish(PATIENT)
    assert [step_in(place) for place in places_of(folder, writer.id)] == [20, 20]


def test_where_another_session_went_on_with_the_run_its_copy_is_left_alone(writer: RunWriter, folder: Path) -> None:
    first = Backup(writer.path, folder)
    first.later()
    while read_copy(folder / writer.id) is None:
        pass
    checkpoint(writer, 20)
    copy_once(writer, folder)  # the other session
    copied = {place: files_of(place) for place in places_of(folder, writer.id)}
    checkpoint(writer, 30)
    first.finish(PATIENT)
    assert first.warning is not None
    assert "another session" in first.warning
    assert {place: files_of(place) for place in places_of(folder, writer.id)} == copied


def test_the_folder_of_the_runs_is_no_backup_of_them(writer: RunWriter) -> None:
    before = files_of(writer.path)
    warning = copy_once(writer, writer.path.parent).warning
    assert warning is not None
    assert "set PROJECTKIT_BACKUP to another one" in warning
    assert files_of(writer.path) == before


def test_a_run_here_that_cannot_be_read_is_left_for_somebody_to_look_at(
    writer: RunWriter, folder: Path, elsewhere: Path
) -> None:
    copy_once(writer, folder)
    (elsewhere / writer.id).mkdir(parents=True)
    (elsewhere / writer.id / "run.json").write_bytes(b"{")
    assert restore_runs(folder, elsewhere) == []
    assert (elsewhere / writer.id / "run.json").read_bytes() == b"{"


def test_a_run_that_is_trained_here_is_not_replaced(writer: RunWriter, folder: Path) -> None:
    checkpoint(writer, 20)
    copy_once(writer, folder)
    for name in ("metrics.jsonl", "checkpoints/digests.jsonl"):  # so that the one here looks older
        (writer.path / name).unlink()
    assert restore_runs(folder, writer.path.parent) == []
    assert read_run(writer.path).alive


def test_a_copy_that_fails_in_an_unheard_of_way_is_a_warning_too(
    writer: RunWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(copies, "_write", exhausted)
    warning = copy_once(writer, folder).warning
    assert warning is not None
    assert "MemoryError" in warning


def test_a_run_that_another_process_brought_back_and_trains_is_left_alone(
    writer: RunWriter, folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_once(writer, folder)
    trained: list[RunWriter | None] = []

    def slowly(copy: copies.Copy, target: Path) -> None:
        copies.bring_back(copy, target)
        if not trained:  # while this one copies, another has copied, and goes on
            trained.append(None)
            assert [each.path for each in restore_runs(folder, elsewhere)] == [elsewhere / writer.id]
            trained.append(RunWriter.resume(elsewhere / writer.id))

    monkeypatch.setattr(backup, "bring_back", slowly)
    assert restore_runs(folder, elsewhere) == []
    assert read_run(elsewhere / writer.id).alive
    assert not list(elsewhere.glob(".*.tmp"))


def test_a_run_that_came_back_belongs_to_nobody(writer: RunWriter, folder: Path, elsewhere: Path) -> None:
    copy_once(writer, folder)
    (restored,) = restore_runs(folder, elsewhere)
    assert restored.path is not None
    run = read_run(restored.path)
    assert (run.alive, run.status, run.reason) == (False, "interrupted", "killed")


def test_without_a_backup_there_is_nothing_to_bring_back(folder: Path, elsewhere: Path) -> None:
    assert restore_runs(folder, elsewhere) == []


def test_the_folder_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROJECTKIT_BACKUP", raising=False)
    assert backup.backup_folder() is None
    monkeypatch.setenv("PROJECTKIT_BACKUP", str(tmp_path))
    assert backup.backup_folder() == tmp_path


def test_a_run_that_was_removed_here_stays_removed(writer: RunWriter, folder: Path, project: Project) -> None:
    copy_once(writer, folder)
    writer.finish("interrupted", "signal")
    remove_run(read_run(writer.path), project)
    assert restore_runs(folder, project.runs) == []
    empty_trash(project)
    assert [each.id for each in restore_runs(folder, project.runs)] == [writer.id]


def test_tags_that_are_younger_than_the_copy_survive_its_return(
    writer: RunWriter, folder: Path, project: Project, elsewhere: Path
) -> None:
    elsewhere.mkdir(parents=True)
    writer.finish("interrupted", "signal")
    shutil.copytree(writer.path, elsewhere / writer.id)
    tag_run(read_run(elsewhere / writer.id), ["good"])
    resumed = RunWriter.resume(writer.path)
    checkpoint(resumed, 20)
    copy_once(resumed, folder)
    assert [each.path for each in restore_runs(folder, elsewhere)] == [elsewhere / writer.id]
    assert marks_of(read_run(elsewhere / writer.id)).tags == ("good",)
