"""Data card, audit badge and ledger count."""

from __future__ import annotations

import json

import pytest

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.markup.nodes import plain_text
from projectkit.poster.render import rendered
from projectkit.runs.audit import PITFALLS, SETTLED, WORDS

CARD = {
    "title": "SMS Phishing Dataset",
    "licence": "CC BY 4.0",
    "citation": "Mishra & Soni, 2022",
    "class_names": ["ham", "smishing", "spam"],
    "split": "one message of each template",
    "traps": ["Templates repeat.", "Most messages are ham."],
}
DATA = {
    "name": "sms",
    "target": "label",
    "split": "stratified",
    "split_seed": 0,
    "split_digest": "a" * 64,
    "samples": {"train": 3996, "val": 571, "test": 1141},
}


def texts(row) -> list[str]:
    return [node["text"] for node in row["children"] if node["kind"] == "text"]


def look(team, run: str, *, subset: str = "test", digest: str = "a" * 64, day: int = 1) -> None:
    team.ledger.mkdir(exist_ok=True)
    entry = {"time": f"2026-11-{day:02}T10:00:00+00:00", "run": run, "subset": subset, "checkpoint_sha256": "c" * 64}
    entry["data"] = {"name": "sms", "target": "label", "split_digest": digest}
    file = team.ledger / f"{len(list(team.ledger.iterdir()))}.json"
    file.write_text(json.dumps({"schema": 1, **entry}), encoding="utf-8")


def write_audit(team, run: str, **statuses: str) -> None:
    findings = [{"id": name, "status": status, "message": f"seen in {name}"} for name, status in statuses.items()]
    document = {"schema": 1, "findings": findings}
    (team.runs / run / "audit.json").write_text(json.dumps(document), encoding="utf-8")


def test_a_data_card_says_what_the_run_recorded(directive, make_run):
    run = make_run(data={**DATA, "card": CARD})
    drawn = Drawn()
    node = directive("data-card", f"run: {run}", drawn)
    assert (node["kind"], node["title"], node["source"]["runs"]) == ("card", "SMS Phishing Dataset", [run])
    assert {row["label"]: texts(row) for row in node["rows"]} == {
        "Samples": ["3\u00a0996\u00a0training, 571\u00a0validation, 1\u00a0141\u00a0test"],
        "Classes": ["ham, smishing, spam"],
        "Split": ["stratified, seed 0: one message of each template"],
        "Licence": ["CC BY 4.0"],
        "Citation": ["Mishra & Soni, 2022"],
        "Known traps": ["• Templates repeat.", "• Most messages are ham."],
    }
    assert [(shown.run, shown.subset, shown.value) for shown in drawn.shown] == [
        (run, "train", 3996.0),
        (run, "val", 571.0),
        (run, "test", 1141.0),
    ]


def test_an_older_run_shows_what_it_recorded_and_its_evaluation_knows_the_classes(directive, make_run):
    node = directive("data-card", f"run: {make_run(data=DATA)}")
    assert node["title"] == "sms"
    assert [row["label"] for row in node["rows"]] == ["Samples", "Classes", "Split"]
    assert texts(node["rows"][1]) == ["ham, spam, smishing"]


def test_a_data_card_shows_the_rows_that_are_asked_for_in_their_order(directive, make_run):
    run = make_run(data={**DATA, "card": CARD})
    node = directive("data-card", f"run: {run}\nshow: [licence, samples]\ntitle: Our messages")
    assert (node["title"], [row["label"] for row in node["rows"]]) == ("Our messages", ["Licence", "Samples"])


def test_a_row_that_no_data_card_has_is_named_with_the_nearest(directive, make_run):
    with pytest.raises(UserError, match=r"s\.md:5.*did you mean 'licence'"):
        directive("data-card", f"run: {make_run(data=DATA)}\nshow: [license]")


def test_a_run_that_recorded_nothing_of_its_data_is_refused(directive, make_run):
    with pytest.raises(UserError, match=r"s\.md:4.*recorded nothing of its data"):
        directive("data-card", f"run: {make_run(evaluated=False)}")


def test_a_run_that_was_not_audited_says_so(directive, make_run):
    node = directive("audit", f"run: {make_run()}")
    assert (node["verdict"], node["sign"], node["rows"]) == ("Not audited", "unaudited", [])


def test_an_audit_that_found_nothing_is_clean(directive, make_run, team):
    run = make_run()
    write_audit(team, run, **dict.fromkeys(PITFALLS, "not present"))
    node = directive("audit", f"run: {run}")
    assert (node["verdict"], node["sign"], node["text"]) == ("Audit: none of 10 pitfalls", "clean", "10 not present")
    assert node["rows"] == []


def test_a_badge_lists_what_is_open_the_worst_first(directive, make_run, team):
    run = make_run()
    write_audit(team, run, P1="not_present", P2="unclear", P3="present", P4="does not apply", P5="strange")
    drawn = Drawn()
    node = directive("audit", f"run: {run}", drawn)
    assert (node["verdict"], node["sign"]) == ("Audit: 3 of 5 pitfalls open", "open")
    assert node["text"] == "1 strange, 1 present, 1 unclear, 1 does not apply, 1 not present"
    assert node["rows"] == [
        {"label": "P5 Biased parameter selection", "text": "strange: seen in P5"},
        {"label": "P3 Data snooping", "text": "present: seen in P3"},
        {"label": "P2 Label inaccuracy", "text": "unclear: seen in P2"},
    ]
    assert [(shown.run, shown.what, shown.value) for shown in drawn.shown] == [(run, "audit", 3.0)]


@pytest.mark.parametrize("word", [word for word in WORDS if word not in SETTLED])
def test_what_is_not_settled_is_open(directive, make_run, team, word):
    run = make_run()
    write_audit(team, run, P3=word)
    assert directive("audit", f"run: {run}")["sign"] == "open"


@pytest.mark.parametrize("content", ["[]", "{", '{"findings": [3]}', '{"findings": [{"id": "P3"}]}'])
def test_a_damaged_audit_is_named_with_file_and_line(directive, make_run, team, content):
    run = make_run()
    (team.runs / run / "audit.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"^s\.md:4.*audit\.json"):
        directive("audit", f"run: {run}")


def test_an_audit_of_weights_that_were_replaced_since_is_refused(directive, make_run, team):
    run = make_run()
    document = {"findings": [{"id": "P3", "status": "present"}], "checkpoint": {"name": "best", "sha256": "a" * 64}}
    (team.runs / run / "audit.json").write_text(json.dumps(document), encoding="utf-8")
    with (team.runs / run / "events.jsonl").open("a", encoding="utf-8") as events:
        events.write(json.dumps({"event": "checkpointed", "name": "best", "sha256": "b" * 64}) + "\n")
    with pytest.raises(UserError, match="trained further after its audit"):
        directive("audit", f"run: {run}")


def test_looks_at_the_labels_of_the_runs_split_are_counted(directive, make_run, team):
    run, other = make_run(data=DATA), make_run(data=DATA)
    look(team, run, day=2)
    look(team, run, day=3)
    look(team, other, day=5)
    look(team, run, digest="b" * 64)
    look(team, run, subset="test_21")
    drawn = Drawn()
    node = directive("ledger", f"run: {run}", drawn)
    assert (node["value"], node["label"]) == ("3", "looks at the labels of the test set")
    assert node["text"] == "with 2 runs, 2 November 2026 to 5 November 2026"
    assert [(shown.run, shown.subset, shown.what, shown.value) for shown in drawn.shown] == [
        (run, "test", "looks", 3.0)
    ]
    assert directive("ledger", f"run: {run}\nsubset: test_21")["value"] == "1"


def test_a_test_set_that_nobody_looked_at_counts_nothing(directive, make_run):
    node = directive("ledger", f"run: {make_run(data=DATA)}")
    assert (node["value"], node["text"]) == ("0", "nothing was chosen by it")


def test_looks_at_the_validation_set_are_not_counted(directive, make_run):
    with pytest.raises(UserError, match=r"s\.md:5.*are not counted"):
        directive("ledger", f"run: {make_run(data=DATA)}\nsubset: val")


@pytest.mark.parametrize("name", ["data-card", "audit", "ledger"])
def test_before_the_first_run_a_box_keeps_its_place(directive, name):
    drawn = Drawn()
    node = directive(name, "run: latest", drawn)
    assert (node["kind"], len(drawn.warnings)) == ("missing", 1)


def test_a_record_that_was_edited_by_hand_shows_what_can_be_read(directive, make_run):
    samples = {"train": "many", "val": 571, "test": None}
    node = directive("data-card", f"run: {make_run(data={'name': 3, 'samples': samples, 'card': ['x']})}")
    assert node["title"] == "3"
    assert texts(node["rows"][0]) == ["571\u00a0validation"]


def test_what_was_drawn_from_runs_can_be_searched_for(directive, make_run, team):
    run = make_run(data={**DATA, "card": CARD})
    write_audit(team, run, P3="present")
    words = {name: plain_text(directive(name, f"run: {run}")) for name in ("data-card", "audit", "ledger")}
    assert words["data-card"].startswith("SMS Phishing Dataset Samples 3\u00a0996\u00a0training")
    assert words["audit"] == "Audit: 1 of 1 pitfalls open 1 present P3 Data snooping present: seen in P3"
    assert words["ledger"] == "0 looks at the labels of the test set nothing was chosen by it"
    caption = "metrics: [f1_macro]\ncaption: Ours."
    assert plain_text(directive("results", f"runs: [{run}]\n{caption}")) == "Macro F1 charcnn 0.834 Ours."
    assert plain_text(directive("numbers", f"run: {run}\n{caption}")) == "Macro F1 0.834 Ours."


def test_every_box_is_drawn(make_run, team, write_poster):
    run = make_run(data={**DATA, "card": CARD})
    write_audit(team, run, P3="present", P8="not present")
    look(team, run)
    names = ("data-card", "audit", "ledger")
    body = "\n\n".join(f":::{{{name}}}\nrun: {run}\n:::" for name in names)
    folder = write_poster(f"# What we found\n\n{body}\n\n:::{{qr}}\nurl: https://example.org/\n:::\n")
    with rendered(folder, team) as found:
        assert found.layout is not None
        kinds = [block["kind"] for block in found.composed.sections[0].blocks]
    assert kinds == ["heading", "card", "badge", "count", "qr"]


def test_a_card_of_data_without_a_name_is_called_as_its_run(directive, make_run):
    assert directive("data-card", f"run: {make_run('charcnn')}")["title"] == "charcnn"


def test_a_file_of_the_ledger_that_cannot_be_read_is_named(directive, make_run, team):
    team.ledger.mkdir(exist_ok=True)
    (team.ledger / "20261121-test.json").write_text('{"time": "2026', encoding="utf-8")
    drawn = Drawn()
    directive("ledger", f"run: {make_run(data=DATA)}", drawn)
    assert drawn.warnings == [
        "s.md:4: ledger/20261121-test.json cannot be read and is not counted; get it back from git"
    ]
