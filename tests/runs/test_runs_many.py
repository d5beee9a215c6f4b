"""Many runs at once in one folder, from many processes, with clocks that jump."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from projectkit.project import Project
from projectkit.runs import RunWriter, find_run, ids, list_runs, read_run, record
from projectkit.runs.files import read_lines
from projectkit.runs.schema import SCHEMA

PROCESSES, EACH = 8, 25
DEADLINE_S = 60.0

MANY = f"""
import sys, pathlib
from projectkit.runs import RunWriter
root, source = map(pathlib.Path, sys.argv[1:])
print("ready", flush=True)
input()
for number in range({EACH}):
    writer = RunWriter.create(root, "same", config_yaml="seed: 0\\n", command=[], source=source)
    writer.log(1, 0, {{"train/loss": number}})
    writer.update(best={{"step": 1, "epoch": 0, "val/loss": number}})
    writer.finish("finished")
"""


def test_two_hundred_runs_at_once_have_two_hundred_ids_and_whole_records(project, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    command = [sys.executable, "-c", MANY, str(project.runs), str(project.root)]
    others = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    assert [other.stdout.readline() for other in others] == ["ready\n"] * PROCESSES
    for other in others:
        other.stdin.write("\n")
        other.stdin.flush()
    seen = []
    while any(other.poll() is None for other in others):  # read while they are written
        time.sleep(0.1)
        seen.append(
            [
                (run.status, run.problem)
                for run in list_runs(project)
                if run.problem and "not a run folder" not in run.problem
            ]
        )
    assert [other.wait(DEADLINE_S) for other in others] == [0] * PROCESSES
    assert not any(seen)
    runs = list_runs(project)
    assert len({run.id for run in runs}) == len(runs) == PROCESSES * EACH
    assert {(run.status, run.record["schema"], len(run.metrics()), run.damage) for run in runs} == {
        ("finished", SCHEMA, 1, None)
    }
    assert sorted(run.best["val/loss"] for run in runs) == sorted(list(range(EACH)) * PROCESSES)


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
    assert (path / "events.jsonl").read_bytes().count(b"\n") == 402


def test_a_project_may_be_reached_by_two_names(make_run, project, tmp_path):
    writer = make_run(status="running")
    other = tmp_path / "another name"
    other.symlink_to(project.root, target_is_directory=True)
    (run,) = list_runs(Project(root=other))
    assert (run.id, run.alive) == (writer.id, True)
