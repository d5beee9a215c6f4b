"""Many processes on one folder of runs: nobody's run is lost, torn or written by two."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from table import fault

import projectkit as pk
from projectkit.project import require_project
from projectkit.runs import Run, RunWriter, list_runs, read_run, reader

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes of these tests are forked")

PROCESSES = 8
_SETTINGS = ["checkpoint.every_n_steps=4", "trainer.log_every_n_steps=1", "speed.tune=off"]


@fault(
    "two hundred runs are started at once, by several processes on one folder",
    happens="each gets a folder and an id of its own, also within one second; a list that is read meanwhile is right",
    kept="two hundred whole records",
)
def test_two_hundred_runs_of_eight_processes_have_two_hundred_ids_and_whole_records(project: Path) -> None:
    ready = multiprocessing.get_context("fork").Barrier(PROCESSES)

    def create() -> None:
        ready.wait(30)
        for number in range(200 // PROCESSES):
            writer = RunWriter.create(project / "runs", "same", config_yaml="name: same", command=[], seed=number)
            writer.log(number, 0, {"train/loss": 1.0})
            writer.finish("finished")

    children = {forked(create) for _ in range(PROCESSES)}
    while children:
        # a folder whose record comes in this moment has none yet; one that has a record is read whole
        seen = {run.status for run in list_runs(require_project()) if run.record}
        assert seen <= {"running", "finished"}
        for child in sorted(children):
            ended, status = os.waitpid(child, os.WNOHANG)
            assert status == 0
            children -= {ended}
        time.sleep(0.05)
    runs = list_runs(require_project())
    assert len(runs) == 200
    assert {(run.status, run.damage, len(run.metrics())) for run in runs} == {("finished", None, 1)}
    assert sorted(run.record["seed"] for run in runs) == sorted(list(range(25)) * PROCESSES)


@pytest.mark.slow
@fault(
    "several processes type `--resume auto` at once, where one run can be gone on with",
    happens="one goes on with it; each of the others says so in a line and starts a run of its own",
    kept="everything: all of them end with the same weights, and no step of the run is done twice",
    deadline_s=120,
)
def test_of_eight_trainings_that_go_on_with_one_dead_run_one_gets_it(
    config: Path, tmp_path: Path, beside: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = die_at_step(10, config, beside)
    assert (dead.status, dead.reason) == ("interrupted", "killed")

    all_have_found_it = multiprocessing.get_context("fork").Barrier(PROCESSES)
    resume = RunWriter.resume

    def at_once(*arguments: Any, **named: Any) -> RunWriter:
        all_have_found_it.wait(60)
        return resume(*arguments, **named)

    monkeypatch.setattr(RunWriter, "resume", at_once)
    children = [forked(partial(train_to, tmp_path / f"{number}.json", config)) for number in range(PROCESSES)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * PROCESSES
    told = [json.loads((tmp_path / f"{number}.json").read_text(encoding="utf-8")) for number in range(PROCESSES)]
    assert sum(each["id"] == dead.id for each in told) == 1
    assert len({each["id"] for each in told}) == PROCESSES
    assert all(("was taken up by another process" in each["screen"]) == (each["id"] != dead.id) for each in told)
    runs = list_runs(require_project())
    assert [run.status for run in runs] == ["finished"] * PROCESSES
    assert len({weights(run) for run in runs}) == 1
    steps = [line["step"] for line in read_run(dead.path).metrics() if "train/loss" in line]
    assert len(steps) == len(set(steps))


@pytest.mark.slow
@fault(
    "another process goes on with a run and finishes it, while this one still reads its data to do the same",
    happens="a line says so, and a run of its own is started",
    kept="the other's finished run, as it was left",
    deadline_s=120,
)
def test_a_run_that_was_finished_in_the_meantime_is_not_written_again(
    config: Path, beside: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = die_at_step(10, config, beside)
    resume = RunWriter.resume

    def after_another(path: Path, **named: Any) -> RunWriter:
        monkeypatch.setattr(RunWriter, "resume", resume)
        assert pk.train(config, _SETTINGS, resume=dead.id).status == "finished"
        return resume(path, **named)

    monkeypatch.setattr(RunWriter, "resume", after_another)
    own = pk.train(config, _SETTINGS, resume="auto")
    assert own.id != dead.id
    others = read_run(dead.path)
    assert (others.status, weights(others)) == ("finished", weights(own))
    assert [event["event"] for event in others.events()].count("resumed") == 1


def test_a_run_that_ends_while_it_is_read_is_not_called_interrupted(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RunWriter.create(project / "runs", "quick", config_yaml="name: quick", command=["train"])
    asked = reader._is_alive

    def ends_now(*arguments: Any) -> bool:
        if writer.path.joinpath("sessions", "0001", "heartbeat").exists():
            writer.finish("finished")
        return asked(*arguments)

    monkeypatch.setattr(reader, "_is_alive", ends_now)
    assert read_run(writer.path).status == "finished"


def die_at_step(step: int, config: Path, beside: Callable[[object], None]) -> Run:
    """A run whose process was gone in the middle of an epoch."""
    from pytorch_lightning import Callback

    class Dies(Callback):
        armed = True

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if self.armed and trainer.global_step == step:
                os._exit(9)

    beside(Dies())
    child = forked(lambda: pk.train(config, _SETTINGS))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    Dies.armed = False
    (run,) = list_runs(require_project())
    return run


def forked(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)  # whatever happened, this is not pytest
    return child


def train_to(file: Path, config: Path) -> None:
    """Train with `--resume auto`, and write down which run it was and what was said."""
    import io

    from rich.console import Console

    screen = io.StringIO()
    run = pk.train(config, _SETTINGS, resume="auto", console=Console(file=screen, width=300))
    file.write_text(json.dumps({"id": run.id, "screen": screen.getvalue()}), encoding="utf-8")


def weights(run: Run) -> bytes:
    import torch

    state = torch.load(run.checkpoint("last"), weights_only=True)["state_dict"]
    return b"".join(tensor.numpy().tobytes() for tensor in state.values())
