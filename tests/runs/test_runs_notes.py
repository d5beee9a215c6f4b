from __future__ import annotations

import json
import shutil
import subprocess
import threading

import pytest

from projectkit.errors import UserError, WorkError
from projectkit.project import Project
from projectkit.runs import find_run, keep_run, list_runs, load_run, notes, read_run
from projectkit.runs.notes import mark_archived, marks_of, note_run, tag_run


@pytest.fixture
def run(make_run):
    return load_run(str(make_run().path))


def test_tags_are_added_and_taken_away(run):
    assert marks_of(run).tags == ()
    assert tag_run(run, ["paper", "good"]).tags == ("good", "paper")
    assert tag_run(run, ["v1.2"], ["paper"]).tags == ("good", "v1.2")
    assert tag_run(run, [], []).tags == ("good", "v1.2")
    assert len(list((run.path / "notes").iterdir())) == 2


@pytest.mark.parametrize("wrong", ["", "two words", "a,b", "-x", "../up", "x" * 33, "a/b", "né\n"])
def test_what_cannot_be_a_tag_is_refused_and_nothing_is_written(run, wrong):
    with pytest.raises(UserError, match="a tag is one word"):
        tag_run(run, ["good", wrong])
    assert not (run.path / "notes").exists()


def test_tags_may_be_words_of_any_language(run):
    assert tag_run(run, ["très-bon", "最好"]).tags == ("très-bon", "最好")


def test_a_tag_that_is_not_there_cannot_be_taken_away(run):
    tag_run(run, ["baseline"])
    with pytest.raises(UserError, match=r"no tag 'baselin'.*did you mean 'baseline'"):
        tag_run(run, [], ["baselin"])
    with pytest.raises(UserError, match="to be added and to be removed"):
        tag_run(run, ["x"], ["x"])


def test_notes_are_kept_in_their_order_with_time_and_author(run):
    for text in ("first", "  second\n line ", "third"):
        note_run(run, text)
    said = marks_of(run).notes
    assert [note.text for note in said] == ["first", "second line", "third"]
    assert all(note.by and note.time for note in said)


@pytest.mark.parametrize("wrong", ["", "  \n", "x" * 5000])
def test_an_empty_note_and_a_whole_document_are_refused(run, wrong):
    with pytest.raises(UserError, match="note"):
        note_run(run, wrong)


def test_a_key_in_a_note_is_masked(run):
    note_run(run, "trained with hf_abcdefghijklmnopqrstuvwxyz0123 on https://ana:pass@host/x")
    text = "".join(path.read_text(encoding="utf-8") for path in (run.path / "notes").iterdir())
    assert "hf_abc" not in text
    assert "pass@" not in text


def test_the_mark_archived_can_be_taken_back(run):
    mark_archived(run, True)
    mark_archived(run, True)
    assert marks_of(run).archived
    mark_archived(run, False)
    assert not marks_of(run).archived
    assert len(list((run.path / "notes").iterdir())) == 2


def test_two_partners_who_tag_one_run_find_each_others_tags_after_a_merge(make_run, project):
    """Each has a copy of results/ (git's two sides); the merge is the union of the files, and none is in both with other content."""
    run = find_run(make_run().id, project)
    ours = keep_run(run, project)
    theirs = project.root / "theirs" / run.id
    shutil.copytree(ours, theirs)
    tag_run(read_run(ours), ["ours", "both"])
    tag_run(read_run(theirs), ["theirs", "both"])
    note_run(read_run(theirs), "seen by the other")
    for path in (theirs / "notes").iterdir():
        assert not (ours / "notes" / path.name).exists()
        (ours / "notes").mkdir(exist_ok=True)
        shutil.copy(path, ours / "notes" / path.name)
    marks = marks_of(find_run(run.id, project))
    assert marks.tags == ("both", "ours", "theirs")
    assert [note.text for note in marks.notes] == ["seen by the other"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_merges_what_two_partners_kept_and_tagged_without_a_conflict(make_run, project, tmp_path):
    def git(folder, *words):
        settings = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b.c",
            "-c",
            "commit.gpgsign=false",
            "-c",
            "pull.rebase=false",
        ]
        subprocess.run(["git", "-C", str(folder), *settings, *words], check=True, capture_output=True)

    shared = find_run(make_run("shared").id, project)
    keep_run(shared, project)
    git(project.root, "init", "-q", "-b", "main")
    git(project.root, "add", "results")
    git(project.root, "commit", "-qm", "shared")
    theirs = tmp_path / "theirs"
    git(tmp_path, "clone", "-q", str(project.root), str(theirs))
    for root, name in ((project.root, "ours"), (theirs, "theirs")):
        side = Project(root=root)
        found = find_run(shared.id, side)
        tag_run(found, [name])
        note_run(found, f"by {name}")
        own = find_run(make_run(name).id, project)
        keep_run(own, side)
        git(root, "add", "results")
        git(root, "commit", "-qm", name)
    git(project.root, "pull", "-q", "--no-edit", str(theirs), "main")
    merged = marks_of(read_run(project.results / shared.id))
    assert merged.tags == ("ours", "theirs")
    assert {note.text for note in merged.notes} == {"by ours", "by theirs"}
    assert {run.name for run in list_runs(project) if run.kept} == {"shared", "ours", "theirs"}


def test_what_is_said_about_a_kept_run_stands_in_both_copies_once(make_run, project):
    run = find_run(make_run().id, project)
    note_run(run, "before")
    keep_run(run, project)
    run = find_run(run.id, project)
    note_run(run, "after")
    tag_run(run, ["good"])
    assert [note.text for note in marks_of(run).notes] == ["before", "after"]
    shutil.rmtree(run.path)
    alone = find_run(run.id, project)
    assert [note.text for note in marks_of(alone).notes] == ["before", "after"]
    assert marks_of(alone).tags == ("good",)


def test_keeping_again_does_not_lose_what_a_partner_said(make_run, project):
    run = find_run(make_run().id, project)
    kept = keep_run(run, project)
    note_run(read_run(kept), "from the partner, by git")
    keep_run(run, project)
    assert [note.text for note in marks_of(read_run(kept)).notes] == ["from the partner, by git"]


def test_many_at_once_lose_nothing(run):
    threads = [threading.Thread(target=tag_run, args=(run, [f"t{number}"])) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(marks_of(run).tags) == 12


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"add": 3, "text": 5, "archived": "yes"}', b"\xff"])
def test_a_damaged_note_hides_no_other(run, content):
    tag_run(run, ["good"])
    (run.path / "notes" / "20990101-000000-000000-ffffff.json").write_bytes(content)
    (run.path / "notes" / "notes.txt").write_text("x", encoding="utf-8")
    assert marks_of(run).tags == ("good",)
    assert not marks_of(run).archived


def test_what_a_newer_version_says_besides_is_passed_over(run):
    document = {"schema": 9, "time": "2030-01-01T00:00:00+00:00", "add": ["new"], "stars": 5}
    (run.path / "notes").mkdir()
    (run.path / "notes" / "20300101-000000-000000-ffffff.json").write_text(json.dumps(document), encoding="utf-8")
    assert marks_of(run).tags == ("new",)


def test_a_folder_that_cannot_be_written_says_what_to_do(run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(notes, "atomic_write", full)
    with pytest.raises(WorkError, match=r"No space left.*free some space"):
        tag_run(run, ["good"])
    assert marks_of(run).tags == ()
