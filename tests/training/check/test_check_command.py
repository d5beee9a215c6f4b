"""`projectkit check` on a project: what it prints, what it writes, and what it leaves as it was."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path

import broken
import numpy as np
import pytest
import torch
from subjects import Rows, look, table, told

from projectkit import cli
from projectkit.data import DataModule
from projectkit.project import find_project
from projectkit.runs.find import list_runs
from projectkit.tasks import Classification
from projectkit.training import Assembly
from projectkit.training.check import check, examine
from projectkit.training.check.budget import Budget
from projectkit.training.check.rates import range_test
from projectkit.training.check.subject import Subject

BROKEN = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self, num_features: int, num_classes: int) -> None:
        super().__init__(nn.Linear(num_features, num_classes), nn.Softmax(dim=1))
"""


def typed(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    return int(ended.value.code or 0)


def test_a_correct_config_passes_and_leaves_nothing_but_a_picture(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("check", "--seconds", "120") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.split()[0] in ("ok", "note") for line in lines), lines
    root = config.parents[1]
    assert [file.name for file in (root / "runs").rglob("*") if file.is_file()] == ["learning-rate-small.svg"]


def test_the_picture_is_an_svg_that_no_list_of_runs_takes_for_a_run(config: Path) -> None:
    picture = check(config, seconds=120).picture
    assert picture is not None
    assert "<svg" in picture.read_text(encoding="utf-8")
    project = find_project(config.parent)
    assert project is not None
    assert list_runs(project) == []


def test_a_picture_that_cannot_be_written_is_a_note(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = config.parents[1] / "blocked"
    blocked.write_text("a file in the way", encoding="utf-8")
    monkeypatch.setenv("PROJECTKIT_RUNS", str(blocked))
    checked = check(config, seconds=120)
    assert checked.picture is None
    assert [each.status for each in checked.findings if each.id == "picture"] == ["note"]


def test_a_broken_config_ends_with_status_1_and_json_has_the_findings(
    config: Path, team_file: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    team_file("squashed", BROKEN)
    assert typed("check", "model.class_path=team.squashed.Net", "model.init_args={}", "--seconds", "120", "--json") == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    (error,) = [each for each in findings if each["status"] == "error"]
    assert error["id"] == "softmax"
    assert error["advice"]
    assert set(error) == {"id", "status", "where", "message", "advice", "evidence"}


def test_a_mistyped_key_is_one_line_and_status_2(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("check", "optimizer.init_args.learning_rate=0.1") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_task_data_and_generators_are_as_they_were() -> None:
    data, task = Rows(*table()), Classification(broken.mlp())
    before = copy.deepcopy(task.state_dict()), [each.clone() for each in data.tensors]
    state = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate(), torch.get_num_threads()
    examine(Assembly(data, task, []), budget=Budget(60.0))
    assert torch.equal(torch.get_rng_state(), state[0])
    assert np.random.get_state()[1].tolist() == state[1]
    assert random.getstate() == state[2]
    assert torch.get_num_threads() == state[3]
    assert all(torch.equal(value, before[0][name]) for name, value in task.state_dict().items())
    assert all(torch.equal(one, other) for one, other in zip(data.tensors, before[1], strict=True))
    assert all(parameter.grad is None for parameter in task.parameters())
    assert task.training
    assert data.trainer is None


def test_augmentations_and_trainer_of_the_data_are_put_back() -> None:
    data = DataModule("synthetic_tabular", batch_size=32)
    augment = data.augment = (object(),)  # type: ignore[assignment]
    examine(Assembly(data, Classification(broken.mlp(classes=3)), []), budget=Budget(60.0))
    assert data.augment is augment
    assert data.trainer is None


def test_two_looks_at_one_config_say_the_same() -> None:
    one, other = look(broken.mlp), look(broken.mlp)
    assert told(one) == told(other)


def test_what_does_not_fit_into_the_time_is_said() -> None:
    task = Classification(broken.mlp())
    subject = Subject(task, [table(64)], {"accelerator": "cpu", "devices": 1})
    curve, said = range_test(subject, seconds=1.0, step_s=10.0)
    assert curve is None
    assert [each.status for each in said] == ["note"]
    assert "left out" in said[0].message
    curve, said = range_test(subject, seconds=30.0, step_s=1.0)
    assert curve is not None
    assert "batches of 45 in place of 64" in said[0].message


def test_time_is_shared_out_of_what_is_left() -> None:
    now = [0.0]
    budget = Budget(10.0, clock=lambda: now[0])
    assert budget.share(0.5) == 5.0
    now[0] = 8.0
    assert budget.share(0.5) == pytest.approx(1.0)
    now[0] = 12.0
    assert budget.left == 0.0


def test_a_task_that_cannot_be_copied_is_told_as_that() -> None:
    task = Classification(broken.mlp())
    task.rows = (row for row in range(3))  # type: ignore[assignment]
    found = examine(Assembly(Rows(*table()), task, []), budget=Budget(60.0))
    assert [each.id for each in found.findings if each.status == "error"] == ["copy"]


def test_a_time_that_is_no_number_is_one_line_and_status_2(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("check", "--seconds", "nan") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_model_that_ends_the_process_is_no_success(
    config: Path, team_file: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    team_file("ending", BROKEN + "\n    def forward(self, x):\n        raise SystemExit\n")
    assert typed("check", "model.class_path=team.ending.Net", "model.init_args={}") == 1
    assert "sys.exit()" in capsys.readouterr().err
