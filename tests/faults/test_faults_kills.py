"""Trainings that are killed with no chance to say a word, and end as if nobody had disturbed them.

A fixed few in `make test`, two hundred at random in `make nightly`; `benchmarks/kill_resume.py` counts more of them. What is compared is
all that a run has: weights, buffers, averages, optimiser, scheduler, generators, every line of metrics, the best checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from kills import CASES, Death, Trainings, Whole, killed_training
from table import fault

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a killed training costs too much where processes do not fork"),
]

NIGHTLY_KILLS = 200


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainings]:
    with Trainings(tmp_path_factory.mktemp("kills")) as running:
        yield running


@pytest.fixture(scope="module")
def whole(trainings: Trainings) -> Callable[[str], Whole]:
    """The undisturbed training of a case, trained once."""
    known: dict[str, Whole] = {}

    def of(case: str) -> Whole:
        if case not in known:
            known[case] = trainings.undisturbed(case)
        return known[case]

    return of


@pytest.fixture
def killed(trainings: Trainings, whole: Callable[[str], Whole]) -> Callable[..., None]:
    """Kill a training of a case once a session, and hold that it ends as if nobody had."""

    def check(case: str, *deaths: Death) -> None:
        found = killed_training(trainings, whole(case), 0, deaths)
        assert not found.problems, found.line
        assert len(found.deaths) == len(deaths), found.line

    return check


@fault(
    "SIGKILL after any step, within an epoch, an accumulation or the steps between two checkpoints",
    happens="`--resume auto` goes on from the last checkpoint and ends with the same bits; no step is recorded twice",
    kept="everything up to the last checkpoint, by default at most ten minutes old",
)
@pytest.mark.parametrize(("case", "steps"), [("mlp", (17, 3)), ("cnn", (9,)), ("gru", (33,)), ("own", (23,))])
def test_a_training_that_is_killed_after_some_steps(killed: Callable[..., None], case: str, steps: tuple[int]) -> None:
    killed(case, *(Death("step", step) for step in steps))


@fault(
    "SIGKILL while a checkpoint is written",
    happens="the one before is taken, or the new one if it was whole; half a file is never read",
    kept="a whole checkpoint at every moment, also between the renames",
)
@pytest.mark.parametrize("number", [8, 10, 12, 13])
def test_a_training_that_is_killed_in_a_checkpoint(killed: Callable[..., None], number: int) -> None:
    killed("mlp", Death("write", number, path="checkpoints", torn=0.6))


@fault(
    "SIGKILL while metrics, events or run.json are written",
    happens="half a line is cut off, half a file was never in place",
    kept="run.json and all whole lines; `runs show` says killed",
)
@pytest.mark.parametrize(("path", "number"), [("metrics.jsonl", 9), ("events.jsonl", 6), ("run.json", 5)])
def test_a_training_that_is_killed_while_it_records(killed: Callable[..., None], path: str, number: int) -> None:
    # before the change that follows, with half of this one on the disk
    killed("gru", Death("write", number, path=path, torn=0.5), Death("write", 3, path=path, torn=0.5))


@fault(
    "SIGKILL at the end of an epoch or of the training",
    happens="an epoch is neither repeated nor left out; what was at its end is not trained on",
    kept="the epoch's metrics, and its checkpoint",
)
@pytest.mark.parametrize("before_the_end", [2, 5, 12])
def test_a_training_that_is_killed_at_its_end(
    killed: Callable[..., None], whole: Callable[[str], Whole], before_the_end: int
) -> None:
    killed("mlp", Death("write", len(whole("mlp").session.changes) - before_the_end, torn=0.3))


@fault(
    "SIGKILL during a validation",
    happens="the validation is made again, with the averaged weights where there is an EMA",
    kept="the best checkpoint so far",
)
def test_a_training_that_is_killed_while_it_validates(killed: Callable[..., None]) -> None:
    killed("gru", Death("validation", 3, delay_s=0.001))


@fault(
    "SIGKILL while loader processes start",
    happens="no loader process is left behind; `--resume auto` begins again",
    kept="the run with its config",
)
def test_a_training_that_is_killed_while_its_loader_processes_start(killed: Callable[..., None]) -> None:
    killed("cnn", Death("fork", 2, delay_s=0.01))


@fault(
    "SIGKILL while a run is being resumed",
    happens="the run is free at once for the next `--resume auto`",
    kept="what was there before",
)
@pytest.mark.parametrize("number", [3, 6, 9])
def test_a_training_that_is_killed_while_it_is_resumed(killed: Callable[..., None], number: int) -> None:
    killed("gru", Death("step", 20), Death("write", number, torn=0.5))


@pytest.mark.nightly
@fault(
    "SIGKILL two hundred times at random",
    happens="every training ends with the bits of one that was not disturbed",
    kept="one run, however often it died",
    deadline_s=3000,
)
def test_trainings_that_are_killed_two_hundred_times(trainings: Trainings, whole: Callable[[str], Whole]) -> None:
    kills, number, problems = 0, 0, []
    while kills < NIGHTLY_KILLS:
        number += 1
        for case in CASES:
            found = killed_training(trainings, whole(case), number, 1 + number % 3)
            kills += len(found.deaths)
            problems += [found.line] if found.problems else []
    assert not problems, "\n".join(problems)
