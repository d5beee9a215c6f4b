"""Numbers typed by hand against the runs on the poster."""

from __future__ import annotations

import pytest

from projectkit.poster.lint.numbers import results_in
from projectkit.runs import find_run, keep_run

NUMBERS = "\n\n:::{numbers}\nrun: latest\nmetrics: [f1_macro]\n:::\n"


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("We reach an F1 of 0.83 today.", ["0.83"]),
        ("Accuracy rises from 81.5% to 90 %.", ["81.5%", "90 %"]),
        ("Die Genauigkeit ist 0,834.", ["0,834"]),
        ("The AUROC (.912) is high.", [".912"]),
        ("Dropout of 0.25 and a rate of 0.003 help accuracy.", []),
        ("Accuracy with its 95% interval, and the TPR at 1% FPR.", []),
        ("85% of the messages are ham, so accuracy flatters.", []),
        ("85 % der Nachrichten: die Genauigkeit täuscht.", []),
        ("Con 85% de exactitud.", ["85%"]),
        ("Half of them, 0.52, have a number.", []),
        ("It takes 0.85 s. Accuracy is high.", []),
        ("Accuracy over 12 epochs, version 2.6.1, p < 0.05, F1 of 1.00.", []),
    ],
)
def test_a_number_beside_a_metric_is_a_result(text, typed):
    assert [found.text for found in results_in(text)] == typed


def test_a_number_that_no_run_has_is_named_with_its_line(checked, write_poster, make_run):
    make_run(f1=0.834)
    folder = write_poster(f"# A claim\n\nThe macro F1 is 0.91.{NUMBERS}")
    (found,) = checked("numbers", folder)
    assert (found.status, found.where) == ("warning", "poster/sections/10-found.md:3")
    assert "closest is f1_macro" in found.message


def test_a_number_of_another_metric_is_no_excuse(checked, write_poster, make_run):
    make_run(f1=0.834)
    statuses = {
        words: [found.status for found in checked("numbers", write_poster(f"# A claim\n\n{words} is 0.83.{NUMBERS}"))]
        for words in ("The accuracy", "The F1", "The specificity")
    }
    assert statuses == {"The accuracy": ["warning"], "The F1": ["note"], "The specificity": ["note"]}


def test_a_table_typed_by_hand_is_read_with_the_heads_of_its_columns(checked, write_poster, make_run):
    make_run(f1=0.834)
    table = "| model | seconds | macro F1 |\n|---|---|---|\n| ours | 0.34 | 0.83 |\n| theirs | 0.12 | 0.95 |\n"
    found = checked("numbers", write_poster(f"# A claim\n\n{table}{NUMBERS}"))
    assert [(one.status, one.message.split()[0]) for one in found] == [("note", "0.83"), ("warning", "0.95")]


def test_a_number_from_a_cited_source_is_left_alone(checked, write_poster, make_run):
    make_run()
    folder = write_poster(f"# A claim\n\nOthers reach an accuracy of 0.99 [@lovelace].{NUMBERS}")
    (folder / "references.bib").write_text(
        "@article{lovelace, author={Lovelace, Ada}, title={Notes}, year={1843}}", encoding="utf-8"
    )
    assert [found.status for found in checked("numbers", folder)] == ["ok"]


def test_a_number_that_the_run_has_should_be_drawn_from_it(checked, write_poster, make_run):
    run = make_run(f1=0.834)
    (found,) = checked("numbers", write_poster(f"# A claim\n\nThe macro F1 is 83.4%.{NUMBERS}"))
    assert found.status == "note"
    assert found.evidence["run"] == run
    assert (found.evidence["metric"], found.evidence["subset"]) == ("f1_macro", "val")
    assert f"{{value}}`{run} f1_macro val`" in found.advice


def test_a_number_goes_stale_when_the_run_does(checked, write_poster, make_run):
    make_run(f1=0.834)
    folder = write_poster(f"# A claim\n\nThe macro F1 is 0.834.{NUMBERS}")
    assert [found.status for found in checked("numbers", folder)] == ["note"]
    make_run("better", f1=0.87)
    assert [found.status for found in checked("numbers", folder)] == ["warning"]


def test_numbers_drawn_from_runs_and_in_code_are_left_alone(checked, write_poster, make_run):
    make_run()
    assert checked("numbers", write_poster(f"# Accuracy is high\n\nSee `accuracy > 0.77`.{NUMBERS}")) == []


def test_a_result_in_the_title_is_looked_at(checked, write_poster, make_run):
    make_run()
    (found,) = checked(
        "numbers", write_poster(f"# A claim\n\nIt works.{NUMBERS}", yaml="title: An accuracy of 0.99 on new senders")
    )
    assert found.where.startswith("poster/poster.yaml:")


def test_a_long_text_takes_no_longer_than_its_length():
    assert list(results_in("accuracy " + "1" * 50_000 + " " + "0." * 20_000)) == []


def test_a_run_that_no_clone_has_is_named_once_for_all_that_it_gives(checked, write_poster, make_run, team):
    run = make_run()
    folder = write_poster(f"# A claim\n\nIt works.{NUMBERS}{NUMBERS}")
    (found,) = checked("kept", folder)
    assert (found.status, found.where) == ("warning", "poster/sections/10-found.md:6")
    assert f"projectkit runs keep {run}" in found.advice
    keep_run(find_run(run, team), team)
    assert checked("kept", folder) == []
