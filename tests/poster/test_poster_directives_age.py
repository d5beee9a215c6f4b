"""What a poster shows and what is older than its run."""

from __future__ import annotations

import json

import pytest

from projectkit.poster.directives.drawings import Drawn
from projectkit.runs import find_run, keep_run


@pytest.fixture
def kept(make_run, team) -> str:
    """A run with its copy in results/."""
    run = make_run(f1=0.8)
    keep_run(find_run(run, team), team)
    return run


def warnings(directive, name: str, body: str) -> list[str]:
    drawn = Drawn()
    directive(name, body, drawn)
    return drawn.warnings


def test_a_run_and_a_kept_copy_of_the_same_numbers_say_nothing(directive, kept):
    assert warnings(directive, "numbers", f"run: {kept}\nmetrics: [f1_macro]") == []


def test_a_kept_copy_with_other_numbers_is_named_with_file_line_and_command(directive, kept, team):
    file = team.runs / kept / "evaluation" / "val.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["metrics"]["f1_macro"]["value"] = 0.9
    file.write_text(json.dumps(document), encoding="utf-8")
    (warning,) = warnings(directive, "results", f"runs: [{kept}]\nmetrics: [f1_macro]")
    assert warning.startswith(f"s.md:3: results/{kept} is older than the run")
    assert warning.endswith(f"`projectkit runs keep {kept}`")


def test_a_kept_copy_without_the_audit_is_named_where_the_audit_is_shown(directive, kept, team):
    (team.runs / kept / "audit.json").write_text('{"findings": [{"id": "P3", "status": "present"}]}', encoding="utf-8")
    assert warnings(directive, "numbers", f"run: {kept}\nmetrics: [f1_macro]") == []
    assert "is older than the run" in warnings(directive, "audit", f"run: {kept}")[0]


def test_a_run_that_was_kept_before_it_went_on_is_named(directive, kept, team):
    file = team.results / kept / "run.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    record["last"] = {**record.get("last", {}), "step": 1}
    file.write_text(json.dumps(record), encoding="utf-8")
    assert "is older than the run" in warnings(directive, "numbers", f"run: {kept}\nmetrics: [f1_macro]")[0]


def test_what_was_said_of_a_run_is_not_said_again_further_down(directive, kept, team):
    (team.results / kept / "evaluation" / "val.json").unlink()
    drawn = Drawn()
    directive("numbers", f"run: {kept}\nmetrics: [f1_macro]", drawn)
    directive("results", f"runs: [{kept}]\nmetrics: [f1_macro]", drawn)
    assert len(drawn.warnings) == 1


def test_a_run_that_only_its_kept_copy_has_is_no_older_than_itself(directive, kept, team):
    (team.runs / kept).rename(team.runs / ".elsewhere")
    assert warnings(directive, "numbers", f"run: {kept}\nmetrics: [f1_macro]") == []


def test_a_run_that_is_still_going_on_is_named(directive, team, make_run):
    from projectkit.runs import RunWriter

    running = RunWriter.create(
        team.runs, "now", kind="train", config_yaml="name: now\n", command=["projectkit", "train"]
    )
    running.write_evaluation("val", {"n": 10, "metrics": {"f1_macro": {"value": 0.5}}})
    (warning,) = warnings(directive, "numbers", f"run: {running.id}\nmetrics: [f1_macro]")
    running.finish("finished")
    assert "is still going on" in warning
