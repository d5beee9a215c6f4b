"""`projectkit baseline`, as it is typed."""

from __future__ import annotations

import json
import re
from pathlib import Path

from clityped import Typed


def test_a_table_says_what_each_baseline_reaches_and_how(typed: Typed, config: Path) -> None:
    done = typed("baseline --only majority --only linear")
    assert done.status == 0, done.err
    head, first, second, _, majority, linear, note = done.out.splitlines()
    assert head.split()[:3] == ["baseline", "f1_macro", "accuracy"]
    assert [first.split()[0], second.split()[0]] == ["majority", "linear"]
    assert re.fullmatch(r"majority +the labels alone; \S+-majority-\w{6}", majority)
    assert "encoded values" in linear
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert "no finished training on this split yet; `projectkit train` makes one" in note
    listed = typed("runs list --kind baseline --json")
    assert {run["name"] for run in json.loads(listed.out)} == {"majority", "linear"}


def test_json_has_the_numbers_of_every_subset_that_was_asked_for(typed: Typed, config: Path) -> None:
    done = typed("baseline data.name=digits --only majority --subset test --json")
    assert done.status == 0, done.err
    document = json.loads(done.out)
    assert (document["metric"], document["trained"]) == ("f1_macro", None)
    (found,) = document["baselines"]
    assert found["name"] == "majority"
    assert set(found["evaluations"]) == {"val", "test"}
    assert found["evaluations"]["test"]["accuracy"]["low"] < 0.11


def test_mistakes_are_one_line_that_says_what_to_type(typed: Typed, config: Path, nowhere: Path) -> None:
    for line, says in (
        (f"baseline {config} --only forrest", "did you mean 'forest'"),
        (f"baseline {config} --subset tset", "did you mean 'test'"),
        (f"baseline {config} data.name=dgits", "did you mean 'digits'"),
        ("baseline", "not in a project"),
    ):
        done = typed(line)
        assert done.status == 2
        assert says in done.err
        assert len(done.err.strip().splitlines()) == 1, done.err
