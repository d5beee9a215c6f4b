"""Runs that differ in the seed alone, or are folds of one split, are one result."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from projectkit.project import Project
from projectkit.runs import Run, RunWriter, read_run
from projectkit.runs.replicates import results_of

DATA = {"name": "dga", "target": "family", "split": "stratified", "split_digest": "d" * 64, "card_digest": "c" * 64}
CONFIG = "name: {name}\nseed: {seed}\nmodel:\n  class_path: team.Net\n  init_args:\n    hidden: {hidden}\ndata:\n  fold: {fold}\n"

Made = Callable[..., Run]


@pytest.fixture
def made(make_run: Callable[..., RunWriter], project: Project) -> Made:
    def make(
        name: str = "lstm", *, seed: int | None = 0, hidden: int = 64, fold: int | None = None, **fields: Any
    ) -> Run:
        code = fields.pop("code_digest", "0" * 64)
        if fold is not None:
            fields["data"] = DATA | {"folds": 5, "fold": fold, "split_digest": str(fold) * 64}
        writer = make_run(name, **fields)
        text = CONFIG.format(name=name, seed="null" if seed is None else seed, hidden=hidden, fold=fold or 0)
        (writer.path / "config.yaml").write_text(text, encoding="utf-8")
        record = json.loads((writer.path / "run.json").read_text(encoding="utf-8")) | {"code_digest": code}
        (writer.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
        return read_run(writer.path)

    return make


def test_runs_that_differ_in_the_seed_alone_are_one_result_in_the_order_of_their_seeds(made: Made) -> None:
    runs = [made(seed=2), made(seed=0), made("renamed", seed=1)]
    (result,) = results_of(runs)
    assert (result.kind, result.seeds, result.folds) == ("seeds", (0, 1, 2), ())
    assert [run.id for run in result.runs] == [runs[1].id, runs[2].id, runs[0].id]
    assert result.described == "lstm (3 seeds)"


@pytest.mark.parametrize(
    "other",
    [
        {"hidden": 128},
        {"code_digest": "1" * 64},
        {"data": DATA | {"split_digest": "e" * 64}},
        {"data": DATA | {"card_digest": "e" * 64}},
        {"kind": "smoke"},
        {"status": "interrupted"},
        {"resolved": {"precision": "bf16-mixed"}},
    ],
    ids=["setting", "code", "split", "card", "kind", "unfinished", "precision"],
)
def test_another_setting_code_split_or_kind_is_another_result(made: Made, other: dict[str, Any]) -> None:
    results = results_of([made(seed=0), made(seed=1, **other)])
    assert [result.kind for result in results] == ["run", "run"]


def test_what_the_machine_resolved_does_not_make_another_result(made: Made) -> None:
    (result,) = results_of([made(seed=0, resolved={"threads": 1}), made(seed=1, resolved={"threads": 4})])
    assert result.seeds == (0, 1)


def test_a_repetition_of_a_seed_is_not_counted_again(made: Made) -> None:
    first, again, other = made(seed=0), made(seed=0), made(seed=1)
    (result,) = results_of([first, again, other, other])
    assert [run.id for run in result.runs] == [again.id, other.id]
    assert result.repeats == (first,)
    writer = RunWriter.open(first.path)
    writer.write_evaluation("val", {"n": 1, "metrics": {}})
    assert results_of([first, again, other])[0].repeats == (again,)  # what was evaluated says more


def test_folds_of_one_split_are_one_result_also_with_several_seeds_each(made: Made) -> None:
    (result,) = results_of([made(seed=seed, fold=fold) for seed in (0, 1) for fold in (2, 0, 1)])
    assert (result.kind, result.folds, result.seeds, len(result.runs)) == ("folds", (0, 1, 2), (0, 1), 6)
    assert result.described == "lstm (3 folds, 2 seeds)"
    assert [run.part("data")["fold"] for run in result.runs] == [0, 0, 1, 1, 2, 2]


def test_one_fold_alone_is_a_run_and_seeds_on_it_are_seeds(made: Made) -> None:
    assert results_of([made(fold=1)])[0].kind == "run"
    (result,) = results_of([made(fold=1, seed=0), made(fold=1, seed=1)])
    assert (result.kind, result.described) == ("seeds", "lstm (2 seeds)")


def test_runs_without_a_seed_or_a_config_stand_for_themselves(made: Made) -> None:
    lost = [made(), made()]
    for run in lost:
        (run.path / "config.yaml").unlink()
    assert len(results_of([made(seed=None), made(seed=None), *lost])) == 4


def test_results_of_one_name_are_told_apart_by_what_differs(made: Made) -> None:
    small, large = made(hidden=32), made(hidden=64)
    assert [result.label for result in results_of([small, large, made("gru", hidden=8)])] == [
        "lstm hidden=32",
        "lstm hidden=64",
        "gru",
    ]
    old, new = made("cnn", code_digest="1" * 64), made("cnn", code_digest="2" * 64)
    assert [result.label for result in results_of([old, new])] == [f"cnn-{run.id[-6:]}" for run in (old, new)]


def test_a_result_for_programs_is_plain_json(made: Made) -> None:
    (result,) = results_of([made(seed=0), made(seed=1)])
    document = result.as_dict()
    assert json.loads(json.dumps(document)) == document
    assert (document["seeds"], document["kind"]) == ([0, 1], "seeds")
