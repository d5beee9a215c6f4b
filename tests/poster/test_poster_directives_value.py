"""Numbers inside a sentence."""

from __future__ import annotations

import json

import pytest

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.value import draw_values


@pytest.fixture
def value(team):
    """A function that draws a sentence with one number, on line 7 of a section; gives the number's node."""

    def build(body: str, drawn: Drawn | None = None, name: str = "value") -> dict:
        role = {"kind": "role", "name": name, "body": body}
        sentence = {"kind": "paragraph", "line": 7, "children": [{"kind": "strong", "children": [role]}]}
        return draw_values(sentence, "s.md", team, drawn or Drawn())["children"][0]["children"][0]

    return build


def test_a_number_is_that_of_the_evaluation_and_remembers_its_run(value, make_run):
    run = make_run(f1=0.834)
    drawn = Drawn()
    assert value(f"{run} f1_macro", drawn) == {"kind": "number", "text": "0.834", "run": run}
    (shown,) = drawn.shown
    assert (shown.where, shown.run, shown.subset, shown.what) == ("s.md:7", run, "val", "f1_macro")
    assert (shown.value, shown.text) == (0.834, "0.834")


def test_a_number_can_be_in_per_cent(value, make_run):
    assert value(f"{make_run(f1=0.834)} f1_macro %")["text"] == "83.4%"


def test_a_number_of_another_subset_is_asked_for_by_its_name(value, make_run, team):
    run = make_run(f1=0.834)
    val = json.loads((team.runs / run / "evaluation" / "val.json").read_text(encoding="utf-8"))
    test = {**val, "subset": "test", "metrics": {"f1_macro": {"value": 0.7}}}
    (team.runs / run / "evaluation" / "test.json").write_text(json.dumps(test), encoding="utf-8")
    drawn = Drawn()
    assert value(f"{run} f1_macro test", drawn)["text"] == "0.700"
    assert value(f"{run} test/f1_macro", drawn)["text"] == "0.700"
    assert [shown.subset for shown in drawn.shown] == ["test", "test"]


def test_whatever_a_run_recorded_can_stand_in_a_sentence(value, make_run):
    run = make_run(
        data={"name": "sms", "samples": {"train": 3996}},
        settings="model:\n  init_args:\n    hidden: 64\n    dropout: 0.25",
    )
    assert value(f"{run} data.samples.train")["text"] == "3\u00a0996"
    assert value(f"{run} data")["text"] == "sms"
    assert value(f"{run} model.init_args.hidden")["text"] == "64"
    assert value(f"{run} model.init_args.dropout")["text"] == "0.25"


def test_before_the_first_run_there_is_a_placeholder_and_a_warning(value):
    drawn = Drawn()
    assert value("latest f1_macro", drawn) == {"kind": "number", "text": "…", "run": ""}
    assert drawn.warnings[0].startswith("s.md:7: no finished run yet")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("f1_macro", "write {value}`RUN METRIC`"),
        ("a b c d", "write {value}`RUN METRIC`"),
        ("nosuchrun f1_macro", "no run 'nosuchrun'"),
        ("../other f1_macro", "is a path"),
        ("latest f1_makro", "did you mean 'f1_macro'?"),
        ("latest f1_makro val", "did you mean 'f1_macro'?"),
        ("latest f1_macro test", "projectkit evaluate"),
        ("latest data.samples", "write one of them, as data.samples.train"),
        ("latest name %", "is no number"),
        ("latest last.val/loss", "is inf; take another run"),
    ],
)
def test_a_wrong_number_says_where_and_what_to_type(value, make_run, team, body, words):
    run = make_run(data={"samples": {"train": 1}})
    file = team.runs / run / "run.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**record, "last": {"step": 90, "val/loss": "Infinity"}}), encoding="utf-8")
    with pytest.raises(UserError) as error:
        value(body)
    assert str(error.value).startswith("s.md:7")
    assert words in str(error.value)


def test_an_unknown_role_is_named(value):
    with pytest.raises(UserError, match=r"s\.md:7.*no role 'valeu'.*did you mean 'value'"):
        value("latest f1_macro", name="valeu")
