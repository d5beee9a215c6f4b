"""A record whose `run.json` is damaged is told from the run's other files."""

from __future__ import annotations

import pytest

from projectkit.errors import UserError
from projectkit.runs import RunWriter, find_run, keep_run, list_runs, read_run, summary

damages = pytest.mark.parametrize(
    "content",
    [b"", b'{"schema": 2, "id', b"[]", b'{"schema": "x"}', b"<<<<<<< HEAD\n{}\n", b"\0" * 4096, b"\xff\xfe", None],
    ids=["empty", "torn", "list", "odd", "merge conflict", "zeros", "bytes", "none"],
)


def damage(path, content):
    if content is None:
        (path / "run.json").unlink()
    else:
        (path / "run.json").write_bytes(content)


@damages
def test_a_finished_run_with_a_damaged_record_reads_as_it_was(make_run, project, content):
    writer = make_run("lstm é")
    before = read_run(writer.path)
    damage(writer.path, content)
    (after,) = list_runs(project)
    assert after.record == before.record
    assert (after.status, after.best, after.metrics()) == ("finished", before.best, before.metrics())
    assert after.damage is not None
    assert "run.json cannot be read" in after.damage
    assert before.damage is None
    assert summary(after) == summary(before)
    assert keep_run(find_run(writer.id, project), project).is_dir()


def test_a_killed_run_with_a_damaged_record_says_how_far_it_came(make_run):
    writer = make_run(status="running", value=None)
    writer.event("checkpointed", name="best", step=20)
    damage(writer.path, b"")
    assert read_run(writer.path).status == "running"
    path = writer.path
    del writer
    run = read_run(path)
    assert (run.status, run.reason) == ("interrupted", "killed")
    assert run.last == {"step": 20, "epoch": 0, "train/loss": 0.5, "val/f1_macro": 0.4}
    assert run.best == {"step": 20, "epoch": 0, "val/f1_macro": 0.4}


def test_a_run_that_was_gone_on_with_and_killed_is_not_told_by_its_former_end(make_run):
    path = make_run(status="failed").path
    writer = RunWriter.resume(path)
    writer.log(30, 1, {"train/loss": 0.25})
    damage(path, b"")
    assert (read_run(path).status, read_run(path).reason, read_run(path).ended) == ("running", None, None)
    del writer
    run = read_run(path)
    assert (run.status, run.reason, run.last["step"]) == ("interrupted", "killed", 30)
    assert run.best == {"step": 20, "epoch": 0, "val/f1_macro": 0.5}


def test_who_goes_on_with_such_a_run_mends_its_record(make_run):
    path = make_run(status="failed").path
    before = read_run(path)
    damage(path, b"{")
    writer = RunWriter.resume(path, command=["projectkit"])
    writer.finish("finished")
    after = read_run(path)
    assert after.damage is None
    assert (after.created, after.best, after.record["git"]) == (before.created, before.best, before.record["git"])
    assert [event["event"] for event in after.events()] == ["started", "failed", "resumed", "finished"]


def test_without_a_line_of_its_start_a_damaged_record_stays_unreadable(make_run):
    path = make_run().path
    damage(path, b"{")
    (path / "events.jsonl").write_bytes(b'{"event": "started"}\n')
    with pytest.raises(UserError, match=r"restore run\.json"):
        read_run(path)
    assert (path / "config.yaml").is_file()


def test_a_record_of_a_newer_version_is_not_told_from_other_files(make_run):
    path = make_run().path
    (path / "run.json").write_bytes(b'{"schema": 99}')
    with pytest.raises(UserError, match="upgrade"):
        read_run(path)
