from __future__ import annotations

import json

import pytest

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn


def refusal(directive, name, body) -> str:
    with pytest.raises(UserError) as error:
        directive(name, body)
    return str(error.value)


def test_a_results_table_shows_value_interval_and_run(directive, make_run):
    run = make_run(f1=0.834)
    node = directive("results", f"runs: [{run}]\nmetrics: [f1_macro]")
    (row,) = node["rows"]
    assert row["label"] == "charcnn"
    assert (row["cells"][0]["value"], row["cells"][0]["interval"]) == ("0.834", "0.814–0.854")
    assert node["source"]["runs"] == [run]
    assert node["source"]["words"] == "Validation set, n = 1\u00a0194, 95% intervals. Run "


def test_the_best_value_is_marked_and_a_low_loss_is_the_best(directive, make_run):
    better, worse = make_run("a", f1=0.9), make_run("b", f1=0.8)
    node = directive("results", f"runs: {{A: {better}, B: {worse}}}\nmetrics: [f1_macro, loss]")
    assert [[cell["best"] for cell in row["cells"]] for row in node["rows"]] == [[True, True], [False, False]]


def test_a_single_run_is_not_called_the_best(directive, make_run):
    node = directive("results", f"runs: [{make_run()}]\nmetrics: [f1_macro]")
    assert node["rows"][0]["cells"][0]["best"] is False


def test_runs_of_one_name_are_told_apart_by_the_ends_of_their_ids(directive, make_run):
    first, second = make_run("same"), make_run("same")
    node = directive("results", f"runs: [{first}, {second}]\nmetrics: [f1_macro]")
    assert [row["label"] for row in node["rows"]] == [first[16:], second[16:]]


def test_numbers_are_those_of_the_evaluation(directive, make_run):
    node = directive("numbers", f"run: {make_run(f1=0.5)}\nmetrics: [f1_macro]")
    assert [(item["label"], item["value"]) for item in node["items"]] == [("Macro F1", "0.500")]


def test_numbers_of_weights_that_were_replaced_since_are_refused(directive, make_run, team):
    run = make_run(f1=0.5)
    file = team.runs / run / "evaluation" / "val.json"
    former = {**json.loads(file.read_text(encoding="utf-8")), "checkpoint": {"name": "best", "sha256": "a" * 64}}
    file.write_text(json.dumps(former), encoding="utf-8")
    later = {"event": "checkpointed", "name": "best", "sha256": "b" * 64}
    with (team.runs / run / "events.jsonl").open("a", encoding="utf-8") as events:
        events.write(json.dumps(later) + "\n")
    with pytest.raises(UserError, match=r"trained further .*`projectkit evaluate"):
        directive("numbers", f"run: {run}\nmetrics: [f1_macro]")


def test_curves_are_drawn_later_at_the_size_they_get(directive, make_run):
    drawn = Drawn()
    node = directive("curves", f"runs: [{make_run()}]", drawn)
    (drawing,) = drawn.drawings
    assert drawing.file == node["file"]
    assert drawing.size(200.0, 0.0)[1] < drawing.size(200.0, 1.0)[1]
    svg = drawing.svg((254.0, 127.0), 24.0)
    assert b'width="720pt" height="360pt"' in svg


def test_a_confusion_matrix_is_drawn_anew_from_its_counts(directive, make_run):
    drawn = Drawn()
    node = directive("figure", f"run: {make_run()}\nname: confusion", drawn)
    assert node["redrawn"]
    assert b"<svg" in drawn.drawings[0].svg((100.0, 90.0), 9.0)


def test_another_figure_is_the_one_that_the_evaluation_left(directive, make_run):
    node = directive("figure", f"run: {make_run()}\nname: roc")
    assert node["path"].name == "roc-val.svg"


@pytest.mark.parametrize("ref", ["latest", "best"])
@pytest.mark.parametrize("name", ["results", "numbers", "curves", "figure"])
def test_before_the_first_run_there_is_a_placeholder_and_a_warning(directive, name, ref):
    drawn = Drawn()
    key = f"run: {ref}" if name in ("numbers", "figure") else f"runs: [{ref}]"
    node = directive(name, key, drawn)
    assert node["kind"] == "missing"
    assert drawn.warnings[0].startswith("s.md:3: ")
    assert "projectkit train" in drawn.warnings[0]


def test_a_failed_run_is_no_first_run(directive, make_run):
    make_run(status="failed")
    assert directive("results", "runs: [latest]")["kind"] == "missing"


@pytest.mark.parametrize(
    ("name", "body", "place", "words"),
    [
        ("result", "runs: [latest]", "s.md:3", "did you mean 'results'?"),
        ("results", "runs: [latest]\nmetric: [f1_macro]", "s.md:5", "did you mean 'metrics'?"),
        ("results", "metrics: [f1_macro]", "s.md:4", "runs: [latest]"),
        ("results", "runs: [nosuchrun]", "s.md:4", "no run 'nosuchrun'"),
        ("results", "runs: [../elsewhere/run]", "s.md:4", "by its id"),
        ("results", "runs: [latest]\nmetrics: [f1_makro]", "s.md:5", "did you mean 'f1_macro'?"),
        ("results", "runs: [latest]\nsubset: test", "s.md:5", "projectkit evaluate"),
        ("curves", "runs: [latest]\nmetrics: [val/los]", "s.md:5", "did you mean 'val/loss'?"),
        ("figure", "run: latest\nname: rok", "s.md:5", "no figure 'rok'; did you mean 'roc'?"),
        ("numbers", "- a\n- b", "s.md:4", "key: value"),
        ("numbers", "run: [latest", "s.md", "not valid YAML"),
    ],
)
def test_a_wrong_directive_says_where_and_what_to_type(directive, make_run, name, body, place, words):
    make_run()
    message = refusal(directive, name, body)
    assert message.startswith(place)
    assert words in message


def test_a_run_that_was_not_evaluated_says_what_to_type(directive, make_run):
    run = make_run(evaluated=False)
    assert f"projectkit evaluate {run}" in refusal(directive, "results", f"runs: [{run}]")
