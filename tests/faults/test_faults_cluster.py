"""The template's batch script on a real Slurm: whatever stops a job, it ends with the weights of one that was never stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from smallcluster import TRIED, NotStartedError, SmallCluster, missing, version
from table import fault

import projectkit as pk
from projectkit.project import Project, require_project
from projectkit.runs import Run, list_runs
from projectkit.runs.files import read_json
from projectkit.scaffold import create_project

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
_ENDS = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL")
# A network that waits: from its fourth batch on each takes a while, as long as the file `hold` is there.
_MODEL = """
import time
from pathlib import Path

import torch

HOLD = Path(__file__).parents[2] / "hold"


class Held(torch.nn.Module):
    def __init__(self, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(num_features, 16), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(16, num_classes)
        )
        self.batches = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batches += self.training
        if self.batches > 3 and HOLD.exists():
            time.sleep(0.3)
        return self.layers(x)
"""
_CONFIG = """
name: held
seed: 5
data: {name: synthetic_tabular, batch_size: 50}
model: {class_path: watch.held.Held}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.01}}
scheduler: {class_path: torch.optim.lr_scheduler.StepLR, init_args: {step_size: 1, gamma: 0.7}}
trainer: {max_epochs: 3, accelerator: cpu, log_every_n_steps: 1}
monitor: {metric: val/f1_macro, mode: max}
checkpoint: {every_n_steps: 4}
speed: {tune: "off"}
tracking: {wandb: disabled}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[SmallCluster]:
    reason = missing()
    if reason is not None:
        pytest.skip(f"no Slurm here: {reason}")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    try:
        with SmallCluster(folder) as small:
            yield small
    except NotStartedError:
        if version().startswith(TRIED):
            raise
        pytest.skip(f"Slurm {version()} does not start with a configuration for {TRIED}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for PATH whose `projectkit` is the one that is tested."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "projectkit"
    command.write_text(
        f'#!/bin/sh\nexec env PYTHONPATH="{REPOSITORY}" "{sys.executable}" -m projectkit "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    return folder


@pytest.fixture
def job_environment(programs: Path, own_home: Path) -> dict[str, str]:
    """What `sbatch` hands to a job, besides this process's environment."""
    return {"PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "HOME": str(own_home)}


@pytest.fixture
def team(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A team's repository for a cluster, as `projectkit new` makes it, with a training that waits."""
    answers = {
        "project_title": "Watch",
        "project_slug": "watch",
        "package_name": "watch",
        "team_name": "Team 7",
        "team_members": "Ada Lovelace <ada@example.org>",
        "course": "Deep Learning",
        "task": "tabular-classification",
        "compute": "slurm",
        "wandb": "disabled",
        "license": "MIT",
        "projectkit_source": "git+https://example.org/projectkit.git@v1",
    }
    root = create_project(answers, tmp_path)
    (root / "src" / "watch" / "held.py").write_text(_MODEL, encoding="utf-8")
    (root / "configs" / "train.yaml").write_text(_CONFIG, encoding="utf-8")
    monkeypatch.chdir(root)
    return require_project(root)


@pytest.fixture
def submit(cluster: SmallCluster, team: Project, job_environment: dict[str, str]) -> Callable[..., str]:
    def sbatch(*options: str) -> str:
        return cluster.call("sbatch", "--parsable", *options, "slurm/train.sh", cwd=team.root, **job_environment)

    return sbatch


def undisturbed(team: Project, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same training, in this process, into another folder."""
    with monkeypatch.context() as patch:
        patch.setenv("PROJECTKIT_RUNS", str(team.root / "undisturbed"))
        return pk.train(team.root / "configs" / "train.yaml")


def weights(run: Run) -> dict[str, Any]:
    import torch

    state = torch.load(run.checkpoint("last"), weights_only=True)
    return {name: tensor.numpy().tobytes() for name, tensor in state["state_dict"].items()}


def steps(run: Run) -> list[int]:
    return [line["step"] for line in run.metrics() if "train/loss" in line]


def wait_until_mid_epoch(cluster: SmallCluster, team: Project, jobs: list[str]) -> None:
    """Until each job's run has a few steps of its first epoch behind it."""

    def they_are() -> bool:
        states = {cluster.job(job)["JobState"] for job in jobs}
        assert not states & set(_ENDS), cluster.logs()
        return sum(len(steps(run)) >= 5 for run in list_runs(team)) == len(jobs)

    cluster.wait(they_are)


def wait_until_completed(cluster: SmallCluster, jobs: list[str]) -> None:
    cluster.wait(lambda: all(cluster.job(job)["JobState"] in _ENDS for job in jobs))
    assert {cluster.job(job)["JobState"] for job in jobs} == {"COMPLETED"}, cluster.logs()


def assert_like(run: Run, reference: Run) -> None:
    assert run.status == "finished"
    assert weights(run) == weights(reference)
    assert steps(run) == steps(reference)


def job_of(run: Run) -> str:
    """The one job that wrote a run."""
    (number,) = {read_json(path)["job"]["SLURM_JOB_ID"] for path in run.path.glob("sessions/*/process.json")}
    return str(number)


@fault(
    "a checkpoint that Lightning made for a cluster lies about: `hpc_ckpt_1.ckpt`",
    happens="it is not taken, neither by a new run nor by one that goes on",
    kept="the run's own last checkpoint, from which it goes on",
)
def test_a_stale_cluster_checkpoint_is_not_taken(config: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ["speed.tune=off"]
    stale = pk.train(config, [*settings, "seed=9"]).checkpoint("last")
    reference = pk.train(config, settings)
    job = {"JOB_ID": "7", "JOB_NAME": "train", "NTASKS": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
    for name, value in job.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    for place in (project, project / "runs"):
        shutil.copyfile(stale, place / "hpc_ckpt_1.ckpt")
    assert weights(pk.train(config, settings)) == weights(reference)
    # a run that goes on: one of two epochs, to be trained for a third
    short = pk.train(config, [*settings, "trainer.max_epochs=2"])
    shutil.copyfile(stale, short.path / "hpc_ckpt_1.ckpt")
    longer = pk.train(config, settings, resume=short.id, force=True)
    assert weights(longer) == weights(reference)


@fault(
    "a job is preempted on a Slurm cluster, or told by SIGUSR1 that its time ends, beside another of the same config",
    happens="each is queued again, by Slurm or by the batch script, and goes on with its own run, also on another node",
    kept="everything: both end with the weights of a run that was never stopped",
    deadline_s=400,
)
def test_jobs_of_one_config_that_are_preempted_go_on_each_with_its_own_run_to_the_same_weights(
    cluster: SmallCluster, team: Project, submit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = team.root / "hold"
    hold.touch()
    jobs = [submit(), submit()]
    wait_until_mid_epoch(cluster, team, jobs)
    nodes = [cluster.job(job)["NodeList"] for job in jobs]
    assert sorted(nodes) == ["alpha", "beta"]
    for place in (team.root, team.runs, *(run.path for run in list_runs(team))):
        shutil.copyfile(team.root / "README.md", place / "hpc_ckpt_1.ckpt")  # Lightning would take it for a checkpoint
    # a more urgent job takes the node of one; the other is told by the signal that clusters send ahead of the time limit
    urgent = cluster.call(
        "sbatch",
        "--parsable",
        "--partition=urgent",
        f"--nodelist={nodes[0]}",
        "--exclusive",
        "--output=/dev/null",
        "--wrap=sleep 600",
        cwd=team.root,
    )
    cluster.call("scancel", "--signal=USR1", jobs[1])
    cluster.wait(lambda: all(cluster.job(job)["Restarts"] == "1" for job in jobs))
    hold.unlink()
    reference = undisturbed(team, monkeypatch)
    wait_until_completed(cluster, jobs)
    cluster.call("scancel", urgent)
    runs = list_runs(team)
    assert len(runs) == 2
    for run in runs:
        assert_like(run, reference)
        assert "resumed" in [event["event"] for event in run.events()]
    assert {job_of(run) for run in runs} == set(jobs)


@fault(
    "a job comes to its time limit, or its node loses its power",
    happens="it is queued again and goes on, where the node failed on another one",
    kept="up to the signal of the time limit everything, up to the power cut the last checkpoint; the weights at the end are the same",
    deadline_s=400,
)
def test_a_job_at_its_time_limit_and_one_whose_node_failed_end_with_the_same_weights(
    cluster: SmallCluster, team: Project, submit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def may_run_elsewhere(job: str) -> bool:
        with contextlib.suppress(subprocess.SubprocessError):  # until it is out of the node that failed
            cluster.call("scontrol", "update", f"JobId={job}", "ReqNodeList=")
            return True
        return False

    hold = team.root / "hold"
    hold.touch()
    failing = submit("--nodelist=alpha", "--array=5")  # the seed that the config has too
    limited = submit("--nodelist=beta", "--time=10", "--signal=TERM@50")
    wait_until_mid_epoch(cluster, team, [failing, limited])
    cluster.call("scontrol", "update", f"JobId={limited}", "TimeLimit=1")  # so that 50 s are left within the next 10
    cluster.wait(lambda: all((run.path / "checkpoints" / "last.ckpt").is_file() for run in list_runs(team)))
    cluster.fail("alpha")
    cluster.wait(lambda: cluster.job(failing)["Restarts"] == "1" and may_run_elsewhere(failing))
    cluster.wait(lambda: int(cluster.job(limited)["Restarts"]) >= 1)  # Slurm looks at time limits every 30 s
    cluster.call("scontrol", "update", f"JobId={limited}", "TimeLimit=10")
    hold.unlink()
    reference = undisturbed(team, monkeypatch)
    wait_until_completed(cluster, [limited, failing])
    assert cluster.job(failing)["NodeList"] == "beta"
    runs = list_runs(team)
    assert {job_of(run) for run in runs} == {limited, failing}
    for run in runs:
        assert_like(run, reference)
    assert "resumed" in [event["event"] for run in runs for event in run.events()]
