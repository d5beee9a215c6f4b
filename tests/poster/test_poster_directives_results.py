"""Rows of results, means over seeds, and numbers by any name."""

from __future__ import annotations

import json

import pytest

from projectkit.errors import UserError
from projectkit.metrics import mean_of_seeds
from projectkit.poster.directives.cells import label, printed
from projectkit.poster.directives.drawings import Drawn
from projectkit.runs import find_run

DATA = {"name": "sms", "target": "label", "split": "stratified", "split_digest": "a" * 64}
F1 = (0.80, 0.84, 0.85)


@pytest.fixture
def seeds(make_run) -> list[str]:
    """Three runs of the same settings."""
    return [make_run("ours", f1=f1, seed=seed, data=DATA) for seed, f1 in enumerate(F1)]


def evaluated(team, run: str, **changes) -> None:
    """Change an evaluation."""
    file = team.runs / run / "evaluation" / "val.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**document, **changes}), encoding="utf-8")


def test_runs_that_differ_in_the_seed_alone_are_one_row_with_the_interval_of_their_mean(directive, seeds):
    node = directive("results", f"runs: {seeds}\nmetrics: [f1_macro]")
    (row,) = node["rows"]
    expected = mean_of_seeds(F1)
    assert row["label"] == "ours (3 seeds)"
    assert row["cells"][0]["value"] == f"{expected.value:.3f}"
    assert row["cells"][0]["interval"] == f"{expected.low:.3f}–{expected.high:.3f}"
    assert "of several seeds the mean and its interval" in node["source"]["words"]
    assert node["source"]["runs"] == seeds


def test_a_mean_remembers_every_run_that_it_is_of(directive, seeds):
    drawn = Drawn()
    directive("results", f"runs: {seeds}\nmetrics: [f1_macro]", drawn)
    (shown,) = drawn.shown
    assert (shown.where, shown.subset, shown.what, shown.text) == ("s.md:4", "val", "f1_macro", "0.830")
    assert shown.value == pytest.approx(sum(F1) / 3)
    assert (shown.run, shown.mean_of) == (seeds[0], tuple(seeds))


def test_one_run_stands_for_all_seeds_of_its_settings_where_that_is_asked_for(directive, seeds, make_run):
    make_run("ours", f1=0.1, seed=7, data=DATA, settings="trainer: {max_epochs: 9}")
    make_run("ours", f1=0.1, seed=8, data={**DATA, "name": "dga"})
    alone = directive("results", f"runs: {{Ours: {seeds[1]}}}\nmetrics: [f1_macro]")
    assert (alone["rows"][0]["label"], alone["rows"][0]["cells"][0]["value"]) == ("Ours", "0.840")
    node = directive("results", f"runs: {{Ours: {seeds[1]}}}\nmetrics: [f1_macro]\nseeds: all")
    assert (node["rows"][0]["label"], node["rows"][0]["cells"][0]["value"]) == ("Ours (3 seeds)", "0.830")


def test_large_numbers_are_the_mean_over_seeds_too(directive, seeds):
    node = directive("numbers", f"run: {seeds[0]}\nmetrics: [f1_macro]\nseeds: all\ncaption: Three trainings.")
    assert [item["value"] for item in node["items"]] == ["0.830"]
    assert node["caption"] == [{"kind": "text", "text": "Three trainings."}]


def test_large_numbers_of_two_results_are_refused(directive, make_run):
    with pytest.raises(UserError, match="use `results`"):
        directive("numbers", f"run: [{make_run('a')}, {make_run('b')}]")


def test_a_label_for_runs_that_differ_in_more_than_the_seed_is_refused(directive, seeds, make_run):
    other = make_run("ours", seed=9, data=DATA, settings="trainer: {max_epochs: 9}")
    with pytest.raises(UserError, match=r"s\.md:4.*'Ours' differ in more than the seed") as error:
        directive("results", f"runs: {{Ours: [{seeds[0]}, {other}]}}")
    assert f"projectkit runs compare {seeds[0]} {other}" in str(error.value)


def test_folds_are_one_row_with_a_standard_deviation_and_no_interval(directive, make_run):
    folds = [
        make_run("cv", f1=f1, seed=0, data={**DATA, "folds": 2, "fold": fold}) for fold, f1 in enumerate((0.8, 0.9))
    ]
    node = directive("results", f"runs: {folds}\nmetrics: [f1_macro]")
    (row,) = node["rows"]
    assert row["label"] == "cv (2 folds)"
    assert (row["cells"][0]["value"], row["cells"][0]["interval"]) == ("0.850", "SD 0.071")


def test_equal_values_are_not_called_the_best(directive, make_run):
    same = [make_run("a", f1=0.8), make_run("b", f1=0.8)]
    node = directive("results", f"runs: {same}\nmetrics: [f1_macro]")
    assert [row["cells"][0]["best"] for row in node["rows"]] == [False, False]


def test_a_metric_that_only_some_runs_have_is_a_dash_in_the_others(directive, make_run, team):
    more, fewer = make_run("a", f1=0.8), make_run("b", f1=0.7)
    evaluated(team, fewer, metrics={"f1_macro": {"value": 0.7}})
    drawn = Drawn()
    node = directive("results", f"runs: [{more}, {fewer}]\nmetrics: [loss]", drawn)
    assert [row["cells"][0]["value"] for row in node["rows"]] == ["0.600", "–"]
    assert [row["cells"][0]["best"] for row in node["rows"]] == [False, False]
    assert [shown.run for shown in drawn.shown] == [more]


def test_a_metric_that_the_evaluation_refused_says_why(directive, make_run, team):
    run = make_run()
    evaluated(team, run, refused={"tpr_at_fpr_1e-3": "1,678 negatives cannot show it"})
    with pytest.raises(UserError, match=r"s\.md:5.*could not be measured: 1,678 negatives cannot show it"):
        directive("results", f"runs: [{run}]\nmetrics: [tpr_at_fpr_1e-3]")


@pytest.mark.parametrize(
    "damage",
    [
        {"metrics": [1]},
        {"metrics": {"f1_macro": 3}},
        {"metrics": {"f1_macro": {"value": "NaN"}}},
        {"metrics": None, "per_class": [{"recall": 1}, 3]},
        {"metrics": {}, "per_class": "spam", "refused": [1]},
    ],
)
def test_an_evaluation_that_was_edited_by_hand_has_no_such_number(directive, make_run, team, damage):
    run = make_run()
    evaluated(team, run, **damage)
    with pytest.raises(UserError, match=r"^s\.md:5.*has no 'f1_macro'"):
        directive("results", f"runs: [{run}]\nmetrics: [f1_macro]")


def test_a_single_class_is_measured_by_its_name(directive, make_run, team):
    run = make_run()
    evaluated(
        team, run, per_class=[{"name": "spam", "recall": {"value": 0.667, "low": 0.51, "high": 0.8}, "auroc": 0.99}]
    )
    node = directive("results", f"runs: [{run}]\nmetrics: [recall/spam, auroc/spam]")
    assert node["header"] == ["", "Recall, spam", "AUROC, spam"]
    assert [cell["value"] for cell in node["rows"][0]["cells"]] == ["0.667", "0.990"]
    assert node["rows"][0]["cells"][0]["interval"] == "0.510–0.800"


def test_metrics_take_labels_and_a_table_takes_a_caption(directive, make_run):
    node = directive("results", f'runs: [{make_run()}]\nmetrics: {{f1_macro: "F1, all classes alike"}}\ncaption: Ours.')
    assert node["header"] == ["", "F1, all classes alike"]
    assert node["caption"] == [{"kind": "text", "text": "Ours."}]


def test_runs_on_different_splits_are_named_as_not_to_be_compared(directive, make_run):
    one, other = make_run("a", data=DATA), make_run("b", data={**DATA, "split": "random", "split_digest": "b" * 64})
    drawn = Drawn()
    directive("results", f"runs: [{one}, {other}]\nmetrics: [f1_macro]", drawn)
    (warning,) = drawn.warnings
    assert warning.startswith("s.md:4: the runs of this table cannot be compared: another split (")


def test_of_numbers_that_were_measured_on_other_samples_none_is_the_best(directive, make_run):
    other = {**DATA, "name": "dga", "split_digest": "b" * 64}
    one, two = make_run("a", f1=0.9, data=DATA), make_run("b", f1=0.7, data=other)
    node = directive("results", f"runs: [{one}, {two}]\nmetrics: [f1_macro]")
    assert [row["cells"][0]["best"] for row in node["rows"]] == [False, False]
    assert directive("results", f"runs: [{one}, {make_run('c', data=DATA)}]\nmetrics: [f1_macro]")["rows"][0]["cells"][
        0
    ]["best"]


def test_an_interval_over_seeds_stays_where_the_metric_can_be(directive, make_run):
    wide = [make_run("ours", f1=f1, seed=seed, data=DATA) for seed, f1 in enumerate((0.2, 0.9))]
    (row,) = directive("results", f"runs: {wide}\nmetrics: [f1_macro]")["rows"]
    assert row["cells"][0]["interval"] == "0.000–1.000"


def test_a_run_that_repeats_a_seed_is_not_counted_again_and_named(directive, seeds, make_run):
    again = make_run("ours", f1=0.80, seed=0, data=DATA)
    drawn = Drawn()
    node = directive("results", f"runs: {[*seeds, again]}\nmetrics: [f1_macro]", drawn)
    (warning,) = drawn.warnings
    assert node["rows"][0]["cells"][0]["value"] == "0.830"
    assert warning == f"s.md:4: {seeds[0]} repeats the seed of another run of 'ours', and is not counted again"


def test_a_damaged_evaluation_is_named_with_file_and_line(directive, make_run, team):
    run = make_run()
    (team.runs / run / "evaluation" / "val.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"^s\.md:4.*damaged evaluation.*`projectkit evaluate"):
        directive("results", f"runs: [{run}]\nmetrics: [f1_macro]")


def test_runs_on_the_same_split_may_stand_side_by_side(directive, make_run):
    drawn = Drawn()
    directive("results", f"runs: [{make_run('a', data=DATA)}, {make_run('b', data=DATA)}]\nmetrics: [f1_macro]", drawn)
    assert drawn.warnings == []


def test_many_runs_are_named_by_the_ends_of_their_ids_which_still_find_them(directive, make_run, team):
    runs = [make_run(f"m{index}") for index in range(5)]
    node = directive("results", f"runs: {runs}\nmetrics: [f1_macro]")
    assert node["source"]["runs"] == [run[16:] for run in runs]
    assert [find_run(short, team).id for short in node["source"]["runs"]] == runs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8344, "0.834"),
        (0.0, "0.000"),
        (-0.25, "−0.250"),
        (0.00021, "0.00021"),
        (0.0002888, "0.00029"),
        (-0.0004999, "−0.0005"),
        (12.3456, "12.35"),
        (123.456, "123.5"),
        (98765.4, "98\u00a0765"),
    ],
)
def test_a_number_is_printed_with_as_many_digits_as_say_something(value, text):
    assert printed(value) == text


def test_a_metric_without_a_known_label_is_its_own_words():
    assert (label("time_to_detect"), label("f1_macro"), label("precision/ham")) == (
        "time to detect",
        "Macro F1",
        "Precision, ham",
    )
