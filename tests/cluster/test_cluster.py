"""The template's batch script on a real Slurm: whatever stops a job, it ends with the weights of one that was never stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from smallcluster import SmallCluster

import projectkit as pk
from projectkit.project import Project, require_project
from projectkit.runs import Run, list_runs
from projectkit.runs.files import read_json
from projectkit.scaffold import create_project

pytestmark = pytest.mark.slow

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


def test_a_job_at_its_time_limit_and_one_whose_node_failed_end_with_the_same_weights(
    cluster: SmallCluster, team: Project, submit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = team.root / "hold"
    hold.touch()
    failing = submit("--nodelist=alpha", "--array=5")  # the seed that the config has too
    limited = submit("--nodelist=beta", "--time=10", "--signal=TERM@50")
    wait_until_mid_epoch(cluster, team, [failing, limited])
    cluster.call("scontrol", "update", f"JobId={limited}", "TimeLimit=1")  # so that 50 s are left within the next 10
    cluster.wait(lambda: all((run.path / "checkpoints" / "last.ckpt").is_file() for run in list_runs(team)))
    cluster.fail("alpha")
    cluster.wait(lambda: cluster.job(failing)["JobState"] == "PENDING")
    cluster.call("scontrol", "update", f"JobId={failing}", "ReqNodeList=")
    cluster.wait(lambda: cluster.job(limited)["Restarts"] == "1")  # Slurm looks at time limits every 30 s
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
