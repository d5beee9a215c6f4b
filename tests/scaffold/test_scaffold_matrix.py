"""The render matrix: each combination of choices gives a repository whose own lint and tests are green, offline."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from projectkit.project import require_project
from projectkit.runs import list_runs
from projectkit.scaffold import create_project
from projectkit.scaffold.answers import CHOICES

ALL = list(itertools.product(*CHOICES.values()))


def pairwise(choices: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Few combinations that hold every pair of choices at least once: always the one with the most pairs that are new."""
    combinations = list(itertools.product(*choices))
    missing = {pair for combination in combinations for pair in pairs_of(combination)}
    chosen = []
    while missing:
        best = max(combinations, key=lambda combination: len(missing & pairs_of(combination)))
        chosen.append(best)
        missing -= pairs_of(best)
    return chosen


def pairs_of(combination: Sequence[str]) -> set[tuple[tuple[int, str], tuple[int, str]]]:
    return set(itertools.combinations(enumerate(combination), 2))


def run_in(project: Path, *command: str) -> None:
    # a proxy that nobody listens on: what reaches for the network fails
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROJECTKIT_")}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environment["PROJECTKIT_STORE"] = str(project.parent / "store")
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def check_combination(combination: Sequence[str], answers: dict[str, str], output: Path) -> None:
    # the longest names that are allowed: generated lines must still be short enough
    names = {"project_slug": "s" * 60, "package_name": "p" * 40}
    project = create_project({**answers, **names, **dict(zip(CHOICES, combination, strict=True))}, output)
    run_in(project, "ruff", "check", "--no-cache", ".")
    run_in(project, "ruff", "format", "--no-cache", "--check", ".")
    run_in(project, "pytest", "-p", "no:cacheprovider")


def test_pairwise_covers_every_pair_with_few_combinations() -> None:
    chosen = pairwise(list(CHOICES.values()))
    covered = set().union(*map(pairs_of, chosen))
    assert covered == set().union(*map(pairs_of, ALL))
    assert len(chosen) <= 12


@pytest.mark.slow
@pytest.mark.parametrize("combination", pairwise(list(CHOICES.values())), ids="-".join)
def test_every_pair_of_choices_gives_a_green_repository(
    combination: tuple[str, ...], answers: dict[str, str], tmp_path: Path
) -> None:
    check_combination(combination, answers, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("combination", ALL, ids="-".join)
def test_every_combination_gives_a_green_repository(
    combination: tuple[str, ...], answers: dict[str, str], tmp_path: Path
) -> None:
    check_combination(combination, answers, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("task", CHOICES["task"])
def test_each_task_trains_a_short_epoch_before_it_is_installed(
    task: str, answers: dict[str, str], tmp_path: Path
) -> None:
    project = create_project({**answers, "task": task}, tmp_path)
    run_in(project, "projectkit", "train", "configs/smoke.yaml")
    (run,) = list_runs(require_project(project))
    assert (run.kind, run.status) == ("smoke", "finished")
    # the synthetic sets can be learnt: an epoch is far above guessing
    assert run.last["val/f1_macro"] > 0.5
