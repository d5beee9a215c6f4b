"""A run that was evaluated and then went on has other weights than the evaluation: its figures are not taken for the run's."""

from __future__ import annotations

import pytest

from projectkit.runs import find_run, keep_run
from projectkit.runs.advice import next_step
from projectkit.runs.compare import compare
from projectkit.runs.page.content import Content
from projectkit.runs.values import Row


@pytest.fixture
def evaluated(make_run, project):
    """A function that gives a run, evaluated with some weights, of which `later` ones may have been kept afterwards."""

    def make(name, *later):
        writer = make_run(name, status="running")
        writer.event("checkpointed", name="best", step=10, sha256="a" * 64)
        document = {"n": 9, "checkpoint": {"name": "best", "sha256": "a" * 64}, "metrics": {"f1": {"value": 0.5}}}
        writer.write_evaluation("val", document)
        for digest in later:
            writer.event("checkpointed", name="best", step=20, sha256=digest)
        writer.event("checkpointed", name="last", step=30, sha256="c" * 64)
        writer.finish("finished")
        return find_run(writer.id, project)

    return make


def test_an_evaluation_is_outdated_when_its_weights_were_replaced(evaluated, project):
    whole, older = evaluated("whole"), evaluated("older", "b" * 64)
    assert not whole.outdated(whole.evaluation("val"))
    assert older.outdated(older.evaluation("val"))
    keep_run(older, project)
    assert older.outdated(find_run(project.results / older.id, project).evaluation("val"))


def test_an_evaluation_that_does_not_say_of_which_weights_it_is_counts(evaluated):
    assert not evaluated("older", "b" * 64).outdated({"n": 9, "metrics": {}})


def test_its_figures_are_neither_listed_nor_compared(evaluated):
    runs = evaluated("one"), evaluated("two"), evaluated("older", "b" * 64)
    assert [Row(run).value("val/f1") for run in runs[1:]] == [0.5, None]
    assert any(line.key == "val/f1" for line in compare(runs[:2]).evaluated)
    assert compare(runs[1:]).evaluated == ()


def test_what_to_do_next_is_to_evaluate_it_again(evaluated):
    assert "runs keep" in next_step(evaluated("whole"))
    assert "evaluate" in next_step(evaluated("older", "b" * 64))


def test_its_page_says_so(evaluated):
    def problems(run):
        return Content([run]).document(live=False)["runs"][0]["problems"]

    assert problems(evaluated("whole")) == []
    assert "weights that were replaced" in problems(evaluated("older", "b" * 64))[0]
