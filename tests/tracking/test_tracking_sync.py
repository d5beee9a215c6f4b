"""`projectkit sync`: a run arrives whole, once, whatever comes between."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stub_server import StubServer
from trackedruns import STEPS, evaluate, log_steps

from projectkit.runs import RunWriter, read_run
from projectkit.runs.sync import Target, Uploaded, Uploading, pending, read_marker

TARGET = Target("course")

pytestmark = pytest.mark.slow  # each upload starts wandb


def upload(writer: RunWriter, target: Target = TARGET, deadline_s: float = 30.0) -> Uploaded:
    return Uploading(writer.path, target, deadline_s=deadline_s).wait()


def rows(server: StubServer) -> list[int]:
    """The training's steps that the server has, in their order."""
    return [row["trainer/global_step"] for row in server.run.history if "train/loss" in row]


def test_a_run_arrives_whole_where_it_is_looked_for(server: StubServer, recorded: Callable[..., RunWriter]) -> None:
    writer = recorded()
    evaluate(writer)
    target = Target("course", entity="team", group="baselines", tags=("first", "lr"))
    assert upload(writer, target).problem is None
    assert server.key_of(writer.id) == ("team", "course")
    run = server.run
    assert (run.tags, run.group, run.display_name, run.exit_code) == (["first", "lr"], "baselines", writer.id, 0)
    assert rows(server) == STEPS
    assert [row["_step"] for row in run.history if "train/loss" in row] == STEPS
    assert [row["train/loss"] for row in run.history if "train/loss" in row] == [1 / step for step in STEPS]
    assert [row["val/f1_macro"] for row in run.history if "val/f1_macro" in row] == [0.25, 0.5]
    config = {name: entry["value"] for name, entry in run.config.items()}
    assert config["optimizer"]["init_args"]["lr"] == 0.01
    about = config["run"]
    assert about["resolved"]["precision"] == "32-true"
    assert about["data"]["split_digest"] == "d" * 64
    assert about["git"].keys() >= {"commit"}
    assert (run.summary["best/val/f1_macro"], run.summary["best/step"]) == (0.5, 100)
    assert (run.summary["evaluation/val/f1_macro"], run.summary["evaluation/val/f1_macro_low"]) == (0.5, 0.4)
    table = json.loads(next(data for name, data in run.files.items() if "confusion_table" in name))
    assert table["data"] == [["ham", "ham", 1], ["ham", "spam", 1], ["spam", "ham", 0], ["spam", "spam", 2]]
    assert any(name.endswith(".html") and b"<svg" in data for name, data in run.files.items())
    (model,) = [artifact for artifact in server.artifacts.values() if artifact.type == "model"]
    assert ("best" in model.aliases, model.committed) == (True, True)
    assert model.files["best.ckpt"] == b"weights" * 1000
    assert model.metadata["val/f1_macro"] == 0.5
    # nothing about the machine or its folders that the documentation does not name
    assert not {"requirements.txt", "wandb-metadata.json"} & run.files.keys()
    assert str(writer.path) not in json.dumps(run.config)


def test_what_has_arrived_is_not_sent_again_and_a_later_evaluation_is(
    server: StubServer, recorded: Callable[..., RunWriter]
) -> None:
    writer = recorded()
    assert upload(writer).problem is None
    assert not pending(read_run(writer.path), read_marker(writer.path), checkpoint_mib=100)
    evaluate(writer)
    assert pending(read_run(writer.path), read_marker(writer.path), checkpoint_mib=100).evaluations == ("val",)
    artifacts = len([each for each in server.artifacts.values() if each.type == "model"])
    assert upload(writer).problem is None
    assert rows(server) == STEPS
    assert server.run.summary["evaluation/val/f1_macro"] == 0.5
    assert len([each for each in server.artifacts.values() if each.type == "model"]) == artifacts


def test_a_run_that_goes_on_after_an_upload_and_an_evaluation_has_each_step_once(
    server: StubServer, recorded: Callable[..., RunWriter]
) -> None:
    writer = recorded(end="interrupted")
    evaluate(writer)
    assert upload(writer).problem is None
    assert server.run.exit_code == 1
    # killed at step 100, it goes on from the checkpoint at step 50 and logs every step from there
    writer = RunWriter.resume(writer.path, command=["projectkit", "train"])
    writer.rewind(50)
    again = [60, 70, 80, 90, 100, 101, 102, 110, 120]
    log_steps(writer, again)
    writer.finish("finished")
    assert upload(writer).problem is None
    assert rows(server) == [*STEPS, 101, 102, 110, 120]
    assert server.run.steps == sorted(set(server.run.steps))
    assert server.run.exit_code == 0


def test_a_running_run_is_uploaded_up_to_now(server: StubServer, recorded: Callable[..., RunWriter]) -> None:
    writer = recorded(end="running")
    assert upload(writer).problem is None
    # the newest step may get further values, so it waits
    assert rows(server) == STEPS[:-1]
    assert server.run.exit_code is None
    writer.finish("finished")
    assert upload(writer).problem is None
    assert rows(server) == STEPS
    assert server.run.exit_code == 0


@pytest.mark.parametrize("requests", [pytest.param(4, marks=pytest.mark.nightly), 9])
def test_an_upload_whose_server_dies_midway_is_completed_by_the_next_one(
    server: StubServer, recorded: Callable[..., RunWriter], requests: int
) -> None:
    writer = recorded()
    server.die_after = requests
    ended = upload(writer, deadline_s=4.0)
    assert ended.problem is not None
    assert "projectkit sync" in ended.problem
    server.die_after = None
    server.start()
    assert upload(writer).problem is None
    assert rows(server) == STEPS
    assert any(artifact.committed and artifact.type == "model" for artifact in server.artifacts.values())


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_an_upload_that_is_killed_midway_is_completed_by_the_next_one(
    server: StubServer, recorded: Callable[..., RunWriter]
) -> None:
    writer = recorded()
    uploading = Uploading(writer.path, TARGET, deadline_s=30.0)
    while not any(line["state"] == "sending" for line in uploading.said):
        time.sleep(0.02)
    os.killpg(uploading._process.pid, signal.SIGKILL)
    ended = uploading.wait()
    assert ended.problem is not None
    assert upload(writer).problem is None
    assert rows(server) == STEPS


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (401, "key", "does not take the key; type `wandb login --relogin`"),
        (500, "busy", "answers with status 500"),
        (429, "busy", "answers with status 429"),
        ("hang", "unreachable", "does not answer"),
        ("refuse", "unreachable", "cannot be reached; type `projectkit sync` when it can"),
    ],
)
def test_each_way_in_which_a_server_fails_is_one_line(
    server: StubServer, recorded: Callable[..., RunWriter], fault: str | int, kind: str, words: str
) -> None:
    writer = recorded()
    server.fault = fault
    if fault == "refuse":
        server.stop()
    ended = upload(writer, deadline_s=12.0)
    assert (ended.kind, ended.problem is not None and words in ended.problem) == (kind, True), ended
    assert "\n" not in str(ended.problem)
    assert read_marker(writer.path).step == -1


def test_a_server_that_answers_a_byte_at_a_time_is_waited_for_until_the_deadline(
    server: StubServer, recorded: Callable[..., RunWriter]
) -> None:
    writer = recorded()
    server.fault = "slow"
    ended = upload(writer, deadline_s=3.0)
    assert (ended.kind, ended.problem) == ("deadline", "not done within 3 s; type `projectkit sync`")
    server.fault = None
    assert upload(writer).problem is None
    assert rows(server) == STEPS


@pytest.mark.nightly
def test_files_that_the_server_refuses_are_sent_by_the_next_sync(
    server: StubServer, recorded: Callable[..., RunWriter]
) -> None:
    import re

    writer = recorded()
    server.fault, server.fails_for = 403, re.compile("^/artifact")
    ended = upload(writer, deadline_s=20.0)
    assert ended.problem is not None
    server.fault = None
    assert upload(writer).problem is None
    assert rows(server) == STEPS
    assert any(artifact.committed and artifact.type == "model" for artifact in server.artifacts.values())


def test_an_entity_that_the_key_cannot_write_to_costs_a_note_and_not_the_run(
    server: StubServer, recorded: Callable[..., RunWriter]
) -> None:
    writer = recorded()
    ended = upload(writer, Target("course", entity="somebody-else"))
    assert ended.problem is None
    assert ended.notes == ("the key cannot write to 'somebody-else': permission denied; the run goes to 'me'",)
    assert server.key_of(writer.id) == ("me", "course")


def test_a_checkpoint_above_the_limit_stays_here(server: StubServer, recorded: Callable[..., RunWriter]) -> None:
    writer = recorded()
    assert upload(writer, Target("course", checkpoint_mib=0.001)).problem is None
    assert not server.artifacts
    assert not pending(read_run(writer.path), read_marker(writer.path), checkpoint_mib=0.001)


def test_two_uploads_of_one_run_do_not_meet(server: StubServer, recorded: Callable[..., RunWriter]) -> None:
    from filelock import FileLock

    writer = recorded()
    (writer.path / "wandb").mkdir()
    with FileLock(writer.path / "wandb" / "upload.lock"):
        ended = upload(writer)
    assert (ended.kind, ended.problem) == ("taken", "another process is uploading this run; wait for it")
    assert not server.runs


def test_a_damaged_marker_counts_as_none(recorded: Callable[..., RunWriter]) -> None:
    writer = recorded()
    path: Path = writer.path / "wandb" / "uploaded.json"
    path.parent.mkdir()
    for text in ("", "{", "[]", '{"step": 3, "unknown": 1}'):
        path.write_text(text, encoding="utf-8")
        assert read_marker(writer.path).evaluations == {}
