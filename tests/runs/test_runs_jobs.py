"""A run whose job waits in the queue is nobody else's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from projectkit.runs import RunWriter, read_run
from projectkit.runs.jobs import free_for_this_job

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Slurm is Unix, and its stand-in here a shell script")


@pytest.fixture
def of_job(make_run: Callable[..., RunWriter], monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], str]:
    """Make a run whose job has this number."""

    def make(number: str | None) -> str:
        monkeypatch.delenv("SLURM_JOB_ID", raising=False)
        if number is not None:
            monkeypatch.setenv("SLURM_JOB_ID", number)
        writer = make_run(status="running")
        monkeypatch.delenv("SLURM_JOB_ID", raising=False)
        return str(writer.path)

    return make


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script in the place of `squeue`."""

    def put(script: str) -> None:
        (tmp_path / "bin").mkdir(exist_ok=True)
        command = tmp_path / "bin" / "squeue"
        command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")

    return put


def free(*paths: str) -> list[str]:
    return [str(run.path) for run in free_for_this_job(read_run(Path(path)) for path in paths)]


def test_a_jobs_own_run_comes_first_and_one_of_a_queued_job_not_at_all(
    of_job: Callable[[str | None], str], squeue: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    queued, ended, mine, by_hand = of_job("11"), of_job("12"), of_job("13"), of_job(None)
    squeue('case "$*" in *--jobs=11*) echo 11;; esac')
    monkeypatch.setenv("SLURM_JOB_ID", "13")
    assert free(queued, ended, mine, by_hand) == [mine, ended, by_hand]


def test_a_job_that_the_controller_has_forgotten_has_ended(
    of_job: Callable[[str | None], str], squeue: Callable[[str], None]
) -> None:
    run = of_job("11")
    squeue("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert free(run) == [run]


def test_where_the_controller_does_not_answer_the_run_is_left_to_its_job(
    of_job: Callable[[str | None], str], squeue: Callable[[str], None]
) -> None:
    run = of_job("11")
    squeue("echo 'Unable to contact slurm controller' >&2; exit 1")
    assert free(run) == []


def test_where_there_is_no_slurm_a_jobs_run_is_free(
    of_job: Callable[[str | None], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = of_job("11")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert free(run) == [run]
