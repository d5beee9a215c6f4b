"""Runs that older versions of this library recorded still open.

`recorded/<commit>/` is what the library of that commit left of two small trainings, one that finished and one that was killed, without
checkpoints, figures and what a living process keeps beside its run; the names of the machine and of its processor are replaced.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from projectkit.runs import RunWriter, describe_time, find_run, keep_run, list_runs, read_run, summary
from projectkit.runs.compare import compare
from projectkit.runs.schema import SCHEMA

RECORDED = Path(__file__).parent / "recorded"
COMMITS = sorted(path.name for path in RECORDED.iterdir())


@pytest.fixture(params=COMMITS)
def older(request, project):
    """A project whose runs an older version recorded: the finished one and the killed one."""
    shutil.copytree(RECORDED / request.param, project.runs)
    runs = list_runs(project)
    return project, next(run for run in runs if run.status == "finished"), next(run for run in runs if run.reason)


def test_there_are_runs_of_every_schema():
    schemas = {json.loads(path.read_text(encoding="utf-8"))["schema"] for path in RECORDED.glob("*/*/run.json")}
    assert schemas == set(range(1, SCHEMA + 1))
    assert len(COMMITS) >= 4


def test_a_finished_run_of_an_older_version_reads_whole(older):
    project, run, _ = older
    assert run.record["schema"] == SCHEMA
    assert find_run("latest", project).id == find_run("best", project).id == run.id
    assert (run.name, run.kind, run.record["seed"], run.damage) == ("small é", "train", 3, None)
    row = summary(run)
    assert (row["data"], row["target"], row["monitor"]) == ("synthetic_tabular", "activity", "val/f1_macro")
    assert row["value"] == run.best["val/f1_macro"] == max(run.history("val/f1_macro")[1])
    assert run.config()["optimizer"]["init_args"] == {"lr": 0.01}
    assert [event["event"] for event in run.events()][-1] == "finished"
    assert sum(run.seconds.values()) == pytest.approx(run.part("durations")["total_s"], abs=0.05)
    assert "%" in describe_time(run.seconds)
    evaluation = run.evaluation("val")
    assert evaluation is not None
    predictions = run.predictions("val")
    assert np.mean(predictions.score.argmax(1) == predictions.target) == pytest.approx(
        evaluation["metrics"]["accuracy"]["value"]
    )


def test_what_belongs_to_one_step_is_one_row_also_in_a_run_of_an_older_version(older):
    _, run, _ = older
    rows = run.metrics()
    assert [row["step"] for row in rows] == [7, 14, 21, 28]
    assert {"train/loss", "val/f1_macro"} <= rows[1].keys()


def test_a_run_of_an_older_version_that_was_killed_says_so_and_how_far_it_came(older):
    _, _, run = older
    assert (run.status, run.reason, run.alive) == ("interrupted", "killed", False)
    assert (run.last["step"], run.best["step"]) == (14, 14)


def test_runs_of_an_older_version_are_kept_and_compared_with_those_of_today(older, make_run):
    project, finished, killed = older
    kept = keep_run(finished, project)
    assert read_run(kept).record == finished.record
    today = read_run(make_run("today").path)
    assert compare([finished, killed, today]).runs == (finished, killed, today)


def test_a_run_of_an_older_version_can_be_gone_on_with(older):
    _, finished, killed = older
    writer = RunWriter.resume(killed.path, command=["projectkit"])
    writer.rewind(14)
    writer.log(21, 1, {"train/loss": 0.5})
    writer.finish("finished")
    after = read_run(killed.path)
    assert (after.status, after.created) == ("finished", killed.created)
    assert [row["step"] for row in after.metrics()] == [7, 14, 21]
    times = [row["time"] for row in after.metrics()]
    assert times == sorted(times)
    assert RunWriter.open(finished.path).write_evaluation("test", {"n": 1}).is_file()
