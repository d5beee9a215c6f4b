"""Which runs a batch job may go on with: two jobs of one config are two runs, also while one of them waits in the queue.

A job that was stopped is started again by the cluster, under its own number. Until then nobody writes its run, and yet it is taken.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator

from projectkit.runs.files import read_json
from projectkit.runs.reader import Run
from projectkit.runs.sessions import newest_session

_PATIENCE_S = 20.0  # a controller that is busy answers within a few


def free_for_this_job(runs: Iterable[Run]) -> Iterator[Run]:
    """The runs that are this job's own, and after them those that no job waits for any more; each in the order given."""
    mine = os.environ.get("SLURM_JOB_ID")
    others = []
    for run in runs:
        job = job_of(run)
        if job is not None and job == mine:
            yield run
        else:
            others.append((run, job))
    yield from (run for run, job in others if job is None or not _is_queued(job))


def job_of(run: Run) -> str | None:
    """The number of the Slurm job that wrote a run last; None where it was no job's."""
    try:
        process = read_json(run.path / "sessions" / f"{newest_session(run.path):04d}" / "process.json")
    except (OSError, ValueError):
        return None
    job = process.get("job")
    return str(job["SLURM_JOB_ID"]) if isinstance(job, dict) and "SLURM_JOB_ID" in job else None


def _is_queued(job: str) -> bool:
    """Whether a job waits, runs or is being ended; no where there is no Slurm, yes where it does not answer."""
    command = ["squeue", "--noheader", "--format=%A", f"--jobs={job}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
    if done.returncode != 0:
        return "Invalid job id" not in done.stderr  # a job that the controller has forgotten
    return bool(done.stdout.strip())
