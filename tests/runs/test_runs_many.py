"""Runs that begin in one second, write at once, and see their clocks jump; two hundred at once are in tests/faults/."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from projectkit.project import Project
from projectkit.runs import RunWriter, find_run, ids, list_runs, read_run, record
from projectkit.runs.files import read_lines

DEADLINE_S = 60.0


def test_two_runs_of_one_name_in_one_second_are_two(project, monkeypatch):
    class Stopped(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime(2026, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(ids, "datetime", Stopped)
    drawn = iter(["000001", "000001", "000001", "000002"])  # also where chance draws the same
    monkeypatch.setattr(ids.secrets, "token_hex", lambda _: next(drawn))
    names = [ids.make_folder(project.runs, "same").name for _ in range(2)]
    assert names == ["20260101-000000-same-000001", "20260101-000000-same-000002"]


@pytest.mark.parametrize("jump", [timedelta(days=-3650), timedelta(days=3650)], ids=["back", "forward"])
def test_a_clock_that_is_set_while_a_run_goes_on_harms_nothing(make_run, project, monkeypatch, jump):
    class Jumped(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(zone) + jump

    writer = make_run("first", status="running")
    monkeypatch.setattr(record, "datetime", Jumped)
    monkeypatch.setattr(ids, "datetime", Jumped)
    writer.log(30, 1, {"train/loss": 0.25})
    assert read_run(writer.path).alive
    writer.finish("interrupted", "signal")
    again = RunWriter.resume(writer.path)
    again.log(40, 1, {"train/loss": 0.125})
    again.finish("finished")
    run = read_run(writer.path)
    times = [row["time"] for row in run.metrics()]
    assert times == sorted(times)
    assert [event["event"] for event in run.events()] == ["started", "interrupted", "resumed", "finished"]
    assert 0 <= run.part("durations")["total_s"] < DEADLINE_S
    assert run.ended >= run.created
    other = make_run("second")
    assert {run.id for run in list_runs(project)} == {writer.id, other.id}
    assert find_run("second", project).id == other.id


def test_events_of_several_processes_come_whole(make_run):
    path = make_run(status="finished").path
    writers = [RunWriter.open(path) for _ in range(4)]

    def say(writer: RunWriter) -> None:
        for number in range(100):
            writer.event("warned", message="x" * number)

    threads = [threading.Thread(target=say, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for line in read_lines(path / "events.jsonl") if line["event"] == "warned"]
    assert sorted(len(line["message"]) for line in lines) == sorted(list(range(100)) * 4)


def test_a_project_may_be_reached_by_two_names(make_run, project, tmp_path):
    writer = make_run(status="running")
    other = tmp_path / "another name"
    other.symlink_to(project.root, target_is_directory=True)
    (run,) = list_runs(Project(root=other))
    assert (run.id, run.alive) == (writer.id, True)
