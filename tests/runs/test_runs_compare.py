from __future__ import annotations

import json

import pytest

from projectkit.errors import UserError
from projectkit.runs import find_run, load_run
from projectkit.runs.compare import compare

DATA = {"name": "dga", "target": "family", "split": "stratified", "split_digest": "d" * 64, "card_digest": "c" * 64}

CONFIG = """
name: {name}
seed: {seed}
model:
  class_path: team.Net
  init_args:
    hidden: {hidden}
tracking:
  wandb: offline
"""


@pytest.fixture
def made(make_run, project):
    """A function that gives a recorded run; what is not named is the same in all of them."""

    def make(name, *, hidden=64, seed=0, value=0.5, evaluations=(), record=None, **fields):
        writer = make_run(name, value=value, **fields)
        for subset, document in evaluations:
            writer.write_evaluation(subset, document)
        (writer.path / "config.yaml").write_text(CONFIG.format(name=name, seed=seed, hidden=hidden), encoding="utf-8")
        path = writer.path / "run.json"
        known = json.loads(path.read_text(encoding="utf-8")) | {"code_digest": "0" * 64} | (record or {})
        path.write_text(json.dumps(known), encoding="utf-8")
        return find_run(writer.id, project)

    return make


def evaluation(value, low, high, n=100):
    return (
        "val",
        {"n": n, "metrics": {"accuracy": {"value": value, "low": low, "high": high}, "loss": {"value": 1 - value}}},
    )


def test_settings_that_differ_stand_beside_one_another_and_names_and_tracking_do_not_count(made):
    result = compare([made("a", hidden=64), made("b", hidden=128), made("c", hidden=64, seed=1)])
    assert {line.key: line.values for line in result.settings} == {
        "model.init_args.hidden": (64, 128, 64),
        "seed": (0, 0, 1),
    }
    assert result.unfair == ()
    assert result.alike > 3


def test_a_setting_that_only_one_run_has_is_none_in_the_other(made):
    one, other = made("a"), made("b")
    with (other.path / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("scheduler:\n  class_path: torch.X\n")
    assert {line.key: line.values for line in compare([one, other]).settings} == {
        "scheduler.class_path": (None, "torch.X")
    }


def test_numbers_of_one_subset_come_with_their_intervals_and_the_best(made):
    low = made("low", evaluations=[evaluation(0.5, 0.4, 0.6)])
    high = made("high", evaluations=[evaluation(0.9, 0.8, 0.95)])
    lines = {line.key: line for line in compare([low, high]).evaluated}
    assert lines["val/accuracy"].values == (0.5, 0.9)
    assert (lines["val/accuracy"].low, lines["val/accuracy"].high) == ((0.4, 0.8), (0.6, 0.95))
    assert (lines["val/accuracy"].best, lines["val/loss"].best) == (1, 1)  # less is better of a loss
    assert lines["val/accuracy"].apart
    assert not lines["val/loss"].apart


def test_intervals_that_touch_are_not_called_apart(made):
    result = compare(
        [
            made(name, evaluations=[evaluation(*ends)])
            for name, ends in (("a", (0.5, 0.4, 0.6)), ("b", (0.65, 0.55, 0.75)))
        ]
    )
    assert not next(line for line in result.evaluated if line.key == "val/accuracy").apart


@pytest.mark.parametrize("other", [{"n": 99}, {"split": "e" * 64}], ids=["another size", "another split"])
def test_evaluations_on_other_samples_are_not_put_side_by_side(made, other):
    data = DATA | ({"split_digest": other["split"]} if "split" in other else {})
    first = made("a", evaluations=[evaluation(0.5, 0.4, 0.6)])
    second = made("b", evaluations=[evaluation(0.9, 0.8, 0.95, n=other.get("n", 100))], data=data)
    assert compare([first, second]).evaluated == ()


def test_equal_numbers_have_no_best(made):
    result = compare([made("a", value=0.5), made("b", value=0.5), made("c", value=float("nan"))])
    (line,) = result.logged
    assert line.key == "val/f1_macro"
    assert line.best is None


def test_what_a_run_logged_at_its_best_is_compared_by_the_direction_of_its_monitor(made):
    monitor = {"metric": "val/f1_macro", "mode": "min"}
    result = compare(
        [made("a", value=0.2, monitor=monitor), made("b", value=0.7, monitor=monitor), made("c", value=None)]
    )
    (line,) = result.logged
    assert (line.values, line.best) == ((0.2, 0.7, None), 0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"data": {"name": "sms_spam", "target": "family"}}, r"other data \(.*name: dga, sms_spam"),
        ({"data": {"name": "dga", "target": "binary"}}, r"other samples of the same data set \(target: family, binary"),
        (
            {"data": {"name": "dga", "target": "family", "card_digest": "e" * 64}},
            r"other samples .*card_digest: c{12}, e{12}",
        ),
        (
            {"data": {"name": "dga", "target": "family", "split_digest": "e" * 64}},
            r"another split \(split_digest: d{12}, e{12}",
        ),
        (
            {"data": {"name": "dga", "target": "family", "split": "random"}},
            r"another split \(split: stratified, random",
        ),
        ({"record": {"code_digest": "1" * 64}}, "other code of the team"),
        ({"record": {"versions": {"torch": "1.0"}}}, r"other versions \(torch: .*, 1.0"),
        ({"status": "interrupted"}, "not all of them finished .*is interrupted"),
    ],
)
def test_what_makes_a_comparison_unfair_is_named(made, fields, reason):
    import re

    result = compare([made("a"), made("b", **fields)])
    assert len(result.unfair) == 1, result.unfair
    assert re.search(reason, result.unfair[0]), result.unfair


def test_a_run_that_was_forced_to_go_on_with_other_code_is_named_and_a_forced_repeat_is_not(made):
    mixed, repeated = made("mixed"), made("repeated")
    changed = {
        "event": "changed",
        "changes": [{"what": "code", "line": "the Python files have changed", "forced": True}],
    }
    for run, events in ((mixed, [{"event": "resumed"}, changed, changed]), (repeated, [changed])):
        with (run.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(event)}\n" for event in events)
    assert compare([mixed, repeated]).unfair == (f"{mixed.id} was changed on its way (the Python files have changed)",)


def test_what_an_older_run_did_not_record_makes_nothing_unfair(made):
    newer = made("b", data=DATA | {"samples_digest": "f" * 64})
    assert compare([made("a"), newer]).unfair == ()


def test_code_is_told_by_commit_and_change_where_no_digest_was_recorded(made):
    git = {"commit": "a" * 40, "diff_sha256": None}
    one, same = (made(name, record={"code_digest": None, "git": git}) for name in "ab")
    other = made("c", record={"code_digest": None, "git": git | {"diff_sha256": "d" * 64}})
    unknown = made("d", record={"code_digest": None, "git": {"commit": None}})
    assert compare([one, same]).unfair == ()
    assert compare([one, other]).unfair == ("another commit, or other uncommitted changes",)
    assert compare([one, unknown]).unfair == ("the code of a run is not known",)


def test_a_comparison_needs_two_different_runs(made):
    run = made("a")
    for runs in ([], [run], [run, load_run(str(run.path))]):
        with pytest.raises(UserError, match="two runs are needed"):
            compare(runs)


def test_a_damaged_config_or_evaluation_of_one_run_hides_nothing_else(made):
    one, other = made("a", evaluations=[evaluation(0.5, 0.4, 0.6)]), made("b", evaluations=[evaluation(0.6, 0.5, 0.7)])
    (other.path / "config.yaml").unlink()
    (other.path / "evaluation" / "val.json").write_bytes(b"{")
    result = compare([one, other])
    assert result.evaluated == ()
    assert [line.key for line in result.logged] == ["val/f1_macro"]


def test_a_comparison_for_programs_is_plain_json(made):
    result = compare(
        [made("a", evaluations=[evaluation(0.5, 0.4, 0.6)]), made("b", evaluations=[evaluation(0.9, 0.8, 1.0)])]
    )
    document = result.as_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["evaluated"]["val/accuracy"] == {
        "values": [0.5, 0.9],
        "low": [0.4, 0.8],
        "high": [0.6, 1.0],
        "apart": True,
        "best": 1,
    }
