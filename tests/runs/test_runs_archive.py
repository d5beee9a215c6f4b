from __future__ import annotations

import json
import os

import pytest

from projectkit.errors import UserError, WorkError
from projectkit.runs import archive, find_run, keep_run, list_runs
from projectkit.runs.archive import (
    archive_run,
    empty_trash,
    folder_size,
    remove_checkpoints,
    remove_run,
    restore_run,
    trashed,
    unarchive_run,
)
from projectkit.runs.find import find_tolerant
from projectkit.runs.notes import marks_of


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def weights(run):
    return sorted(path.name for path in (run.path / "checkpoints").iterdir())


@pytest.fixture
def trained(make_run, project):
    """A function that gives a run with the checkpoints of a training."""

    def make(name="lstm", names=("best", "last", "step-10", "step-20"), **fields):
        writer = make_run(name, **fields)
        for stem in names:
            (writer.checkpoints / f"{stem}.ckpt").write_bytes(stem.encode() * 10)
        (writer.checkpoints / "digests.jsonl").write_text("{}\n", encoding="utf-8")
        return find_run(writer.id, project)

    return make


def test_a_removed_run_comes_back_as_it_was(trained, project):
    run = trained()
    before = files(run.path)
    gone = remove_run(run, project)
    assert (gone.files, gone.bytes) == (len(before), sum(map(len, before.values())))
    assert list_runs(project) == []
    assert [each.id for each in trashed(project)] == [run.id]
    restore_run("lstm", project)
    assert files(find_run(run.id, project).path) == before
    assert trashed(project) == []


@pytest.mark.skipif(os.name == "nt", reason="a link takes a right there")
def test_a_run_that_lies_elsewhere_and_is_linked_here_stays_there(trained, project, tmp_path):
    run = trained()
    there, link = tmp_path / "partner" / run.id, run.path
    there.parent.mkdir()
    run.path.rename(there)
    link.symlink_to(there, target_is_directory=True)
    before = files(there)
    for put_away in (remove_checkpoints, remove_run):
        with pytest.raises(UserError, match=r"partner.*brought back.*remove it there"):
            put_away(find_run(run.id, project), project)
    assert files(there) == before
    assert trashed(project) == []


def test_a_run_that_goes_on_is_neither_removed_nor_archived_nor_lightened(make_run, project):
    writer = make_run(status="running")
    run = find_run(writer.id, project)
    for put_away in (archive_run, remove_checkpoints, remove_run):
        with pytest.raises(UserError, match=r"goes on.*stop it first"):
            put_away(run, project)
    with pytest.raises(UserError, match="goes on"):
        remove_run(run, project, force=True)
    assert find_run(writer.id, project).path.is_dir()
    assert trashed(project) == []


def test_a_kept_run_needs_force_and_then_both_copies_go_and_come_back(trained, project):
    run = trained()
    kept = keep_run(run, project)
    run = find_run(run.id, project)
    before = files(run.path), files(kept)
    with pytest.raises(UserError, match=r"kept in results/.*--force"):
        remove_run(run, project)
    remove_run(run, project, force=True)
    assert not run.path.exists()
    assert not kept.exists()
    restore_run(run.id, project)
    assert (files(run.path), files(kept)) == before


def test_a_copy_in_results_alone_is_removed_from_there_with_force(trained, project):
    run = trained()
    kept = keep_run(run, project)
    remove_run(run, project)  # as found before it was kept
    alone = find_run(run.id, project)
    assert alone.path == kept
    remove_run(alone, project, force=True)
    restore_run(run.id, project)
    assert kept.is_dir()
    assert run.path.is_dir()


def test_a_run_that_cannot_be_read_can_be_removed(make_run, project):
    writer = make_run("broken")
    (writer.path / "events.jsonl").unlink()
    (writer.path / "run.json").write_bytes(b"{")
    with pytest.raises(UserError):
        find_run(writer.id, project)
    run = find_tolerant("broken", project)
    with pytest.raises(UserError, match="cannot be archived"):
        archive_run(run, project)
    remove_run(run, project)
    assert list_runs(project) == []


def test_the_weights_alone_can_be_removed_and_brought_back(trained, project):
    run = trained()
    before = files(run.path)
    assert remove_checkpoints(run, project).files == 5
    assert weights(run) == []
    assert find_run("latest", project).id == run.id
    restore_run(run.id, project)
    assert files(run.path) == before


def test_an_archived_finished_run_keeps_its_best_weights(trained, project):
    run = trained()
    before = files(run.path)
    archive_run(run, project)
    assert weights(run) == ["best.ckpt", "digests.jsonl"]
    assert marks_of(run).archived
    unarchive_run(run, project)
    assert not marks_of(run).archived
    assert {name: data for name, data in files(run.path).items() if not name.startswith("notes/")} == before


@pytest.mark.parametrize(
    ("fields", "stay"),
    [
        ({"status": "interrupted"}, ["best.ckpt", "digests.jsonl", "last.ckpt"]),
        ({"names": ("last", "step-10")}, ["digests.jsonl", "last.ckpt"]),
    ],
    ids=["it can still be resumed", "nothing was monitored"],
)
def test_an_archived_run_keeps_its_last_weights_where_they_are_needed(trained, project, fields, stay):
    run = trained(**fields)
    archive_run(run, project)
    assert weights(run) == stay


def test_archiving_twice_and_undoing_it_after_the_trash_was_emptied_is_no_error(trained, project):
    run = trained()
    archive_run(run, project)
    archive_run(run, project)
    empty_trash(project)
    assert unarchive_run(run, project).files == 0
    assert weights(run) == ["best.ckpt", "digests.jsonl"]


def test_a_removed_archived_run_comes_back_with_the_weights_that_went_before_it(trained, project):
    run = trained()
    archive_run(run, project)
    remove_run(run, project)
    assert len(trashed(project)) == 1
    restore_run(run.id, project)
    assert len(weights(run)) == 5


def test_only_emptying_the_trash_deletes(trained, project):
    first, second = trained("first"), trained("second")
    remove_run(first, project)
    remove_checkpoints(second, project)
    assert sorted(each.id for each in empty_trash(project)) == sorted([first.id, second.id])
    assert empty_trash(project) == []
    with pytest.raises(UserError, match="the trash is empty"):
        restore_run(first.id, project)
    assert find_run("second", project).id == second.id


def test_a_mistyped_id_in_the_trash_names_the_nearest(trained, project):
    run = trained("charcnn")
    remove_run(run, project)
    with pytest.raises(UserError, match=f"did you mean '{run.id}'"):
        restore_run("charcn_n", project)


def test_nothing_in_the_trash_and_nothing_in_the_way_is_replaced(trained, project):
    run = trained()
    document = (run.path / "run.json").read_bytes()
    remove_run(run, project)
    run.path.mkdir()
    (run.path / "run.json").write_bytes(document)  # the same run again, unpacked from a zip
    with pytest.raises(UserError, match="a run of this id is there"):
        restore_run(run.id, project)
    remove_run(find_run(run.id, project), project)
    assert sum(each.files for each in trashed(project)) > 6
    assert len(trashed(project)) == 2


def test_runs_of_a_root_of_their_own_have_their_trash_there(trained, project, tmp_path, monkeypatch):
    monkeypatch.setenv("PROJECTKIT_RUNS", str(tmp_path / "on the cluster"))
    run = trained()
    keep_run(run, project)
    remove_run(find_run(run.id, project), project, force=True)
    assert (tmp_path / "on the cluster" / ".trash").is_dir()
    assert not any(project.results.iterdir())
    restore_run(run.id, project)
    assert (project.results / run.id / "run.json").is_file()


def test_another_disk_is_copied_to_and_a_folder_that_may_not_be_moved_is_left_whole(trained, project, monkeypatch):
    run = trained()
    before = files(run.path)
    real = type(run.path).rename

    def refuses(number):
        def rename(self, target):
            if self == run.path:
                raise OSError(number, "no")
            return real(self, target)

        return rename

    monkeypatch.setattr(type(run.path), "rename", refuses(13))
    with pytest.raises(WorkError, match="cannot be moved"):
        remove_run(run, project)
    assert files(run.path) == before
    monkeypatch.setattr(type(run.path), "rename", refuses(archive.errno.EXDEV))
    remove_run(run, project)
    assert not run.path.exists()
    monkeypatch.undo()
    monkeypatch.delenv("PROJECTKIT_RUNS", raising=False)
    restore_run(run.id, project)
    assert files(run.path) == before


def test_the_size_of_a_run_counts_its_files(trained):
    run = trained()
    assert folder_size(run.path) == sum(map(len, files(run.path).values()))


def test_a_trashed_run_is_not_listed_nor_found(trained, project):
    run = trained()
    remove_run(run, project)
    with pytest.raises(UserError, match=f"is in the trash; `projectkit runs rm --undo {run.id}`"):
        find_run(run.id[:-2], project)
    other = trained("other")
    record = json.loads((other.path / "run.json").read_text(encoding="utf-8"))
    assert [each.id for each in list_runs(project)] == [record["id"]]
