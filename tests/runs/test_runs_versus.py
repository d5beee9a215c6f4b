"""Differences between results: what they rest on, how sure they are, and what is said where a better test cannot be made."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparedruns import Lab, of

from projectkit import metrics
from projectkit.project import Project
from projectkit.runs import Run, RunWriter, keep_run, read_run
from projectkit.runs.compare import compare
from projectkit.runs.verdict import _needed, number, p_value


@pytest.fixture
def lab(project: Project) -> Lab:
    return Lab(project)


def rewritten(run: Run, subset: str = "val", **changed: Any) -> Run:
    """The run with other predictions."""
    known = run.predictions(subset)
    arrays = {"id": known.id, "target": known.target, "score": known.score} | changed
    RunWriter.open(run.path).write_predictions(subset, **arrays)
    return run


def aligned(one: Run, other: Run) -> tuple[Any, Any, Any]:
    first, second = one.predictions("val"), other.predictions("val")
    a, b = np.argsort(first.id), np.argsort(second.id)
    return first.target[a], first.score[a], second.score[b]


def test_two_runs_are_compared_sample_by_sample_whatever_the_order_of_their_files(lab: Lab) -> None:
    one, other = lab.run("gru", 2.4), lab.run("cnn", 1.6)
    assert list(one.predictions("val").id) != list(other.predictions("val").id)
    pair = of(compare([one, other]), "val/accuracy")
    target, first, second = aligned(one, other)
    assert (pair.rests_on, pair.counts) == ("samples", (400, 400))
    assert pair.as_dict(compare([one, other]).results)["samples_needed"] is None
    right = [float((score.argmax(axis=1) == target).mean()) for score in (first, second)]
    assert pair.difference.value == pytest.approx(right[0] - right[1])
    assert pair.difference.p == pytest.approx(metrics.paired_difference(target, first, second, "accuracy").p, rel=0.1)
    assert pair.better == 0


def test_the_monitored_metric_is_shown_first_and_decides_the_sentence(lab: Lab) -> None:
    monitor = {"metric": "val/mcc", "mode": "max"}
    result = compare([lab.run("gru", 2.4, monitor=monitor), lab.run("cnn", 1.6, monitor=monitor)])
    assert result.differences[0].key == "val/mcc"
    assert "MCC on val" in result.sentences[0]
    assert {"val/accuracy", "val/f1_macro", "val/auroc", "val/loss"} <= {pair.key for pair in result.differences}


def test_less_is_better_of_a_loss_and_where_the_monitor_says_so(lab: Lab) -> None:
    pair = of(compare([lab.run("bad", 1.2), lab.run("good", 2.6)]), "val/loss")
    assert (pair.difference.value > 0, pair.better) == (True, 1)
    monitor = {"metric": "val/f1_macro", "mode": "min"}
    result = compare([lab.run("bad", 1.2, monitor=monitor), lab.run("good", 2.6, monitor=monitor)])
    assert of(result).better == 0
    assert "bad is better than good" in result.sentences[0]
    assert "less macro F1 being better" in result.sentences[0]


def test_runs_that_cannot_be_told_apart_say_how_many_samples_would_be_needed(lab: Lab) -> None:
    result = compare([lab.run("gru", 1.62), lab.run("cnn", 1.6)])
    pair = of(result)
    assert pair.better is None
    assert pair.difference.low < 0 < pair.difference.high
    assert "gru and cnn cannot be told apart by macro F1 on val" in result.sentences[0]
    assert pair.samples_needed is not None
    needed = float(f"{pair.samples_needed:.2g}")
    assert f"about {needed:,.0f} samples would be needed to tell; there are 400" in result.sentences[0]


def test_a_difference_that_takes_millions_to_tell_is_told_as_such(lab: Lab) -> None:
    result = compare([lab.run("gru", 1.62), lab.run("cnn", 1.6)])
    close = replace(of(result), samples_needed=13_465_612)
    assert _needed(close).startswith("If it is what it seems, over a million samples would be needed to tell")


def test_a_kept_run_has_no_predictions_so_the_two_intervals_are_compared_and_the_line_to_type_is_said(
    lab: Lab, project: Project
) -> None:
    one, other = lab.run("gru", 2.6), lab.run("cnn", 1.4)
    kept = read_run(keep_run(one, project))
    shutil.rmtree(one.path)
    result = compare([kept, other])
    pair = of(result)
    assert (pair.rests_on, pair.difference.method, pair.difference.p) == ("intervals", "mover", None)
    (note,) = [note for note in result.notes if "no paired test" in note]
    assert f"projectkit evaluate {one.id} --subset val" in note
    assert pair.better == 0
    paired = of(compare([lab.run("gru", 2.6), other])).difference
    assert pair.difference.high - pair.difference.low > 0.9 * (paired.high - paired.low)


def test_the_interval_of_two_intervals_is_that_of_independent_samples() -> None:
    from projectkit.runs.difference import of_intervals

    found = of_intervals({"value": 0.8, "low": 0.77, "high": 0.83}, {"value": 0.7, "low": 0.66, "high": 0.74})
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.05, 0.15))
    assert of_intervals({"value": 0.8}, {"value": 0.7, "low": 0.66, "high": 0.74}) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"id": [f"other-{index}" for index in range(400)]},
            r"predictions of other samples on val \(400 and 400, 0 in both\)",
        ),
        ({"id": ["same"] * 400}, "predictions of other samples"),
        ({"target": np.zeros(400, dtype=int)}, "other labels for the same ids of val"),
        ({"score": np.full((400, 4), 0.25)}, "other classes"),
    ],
    ids=["ids", "one id", "labels", "classes"],
)
def test_predictions_that_do_not_match_are_one_line_and_the_intervals_are_compared(
    lab: Lab, change: dict[str, Any], said: str
) -> None:
    import re

    one, other = lab.run("gru", 2.4), rewritten(lab.run("cnn", 1.6), **change)
    result = compare([one, other])
    (note,) = [note for note in result.notes if "no paired test" in note]
    assert re.search(said, note), note
    assert "\n" not in note
    assert of(result).rests_on == "intervals"


def test_ids_that_stand_for_several_samples_are_refused(lab: Lab) -> None:
    runs = [rewritten(lab.run(name, 2.0), id=["same"] * 400) for name in ("gru", "cnn")]
    assert "stand for several samples each" in " ".join(compare(runs).notes)


def test_predictions_that_are_not_numbers_are_one_line(lab: Lab) -> None:
    result = compare([lab.run("gru", 2.4), rewritten(lab.run("cnn", 1.6), score=np.full((400, 3), np.nan))])
    assert [note for note in result.notes if "NaN" in note or "not numbers" in note]
    assert of(result).rests_on == "intervals"


def test_an_outdated_evaluation_is_left_out_and_the_line_to_type_is_said(lab: Lab) -> None:
    one, other = lab.run("gru", 2.4), lab.run("cnn", 1.6)
    document = dict(one.evaluation("val") or {}) | {"checkpoint": {"name": "best", "sha256": "0" * 64}}
    writer = RunWriter.open(one.path)
    writer.write_evaluation("val", document)
    writer.event("checkpointed", name="best", sha256="1" * 64)
    result = compare([one, other])
    assert f"{one.id} went on after its evaluation on val" in result.notes[0]
    assert f"projectkit evaluate {one.id} --subset val" in result.notes[0]
    assert not [pair for pair in result.differences if pair.rests_on == "samples"]


def test_a_run_that_was_not_evaluated_is_named_with_what_to_type(lab: Lab) -> None:
    one, other = lab.run("gru", 2.4, subsets=()), lab.run("cnn", 1.6)
    result = compare([one, other])
    assert result.differences == ()
    assert any(f"`projectkit evaluate {one.id}`" in note for note in result.notes)


def test_of_more_than_two_results_each_pair_is_tested_and_corrected(lab: Lab) -> None:
    result = compare([lab.run("gru", 2.6), lab.run("cnn", 2.5), lab.run("mlp", 1.0)])
    assert [(pair.first, pair.second) for pair in result.differences] == [(0, 1), (0, 2), (1, 2)]
    assert {pair.key for pair in result.differences} == {"val/f1_macro"}
    raw = [pair.difference.p for pair in result.differences]
    assert [pair.p_holm for pair in result.differences] == pytest.approx(
        metrics.holm([p for p in raw if p is not None])
    )
    (sentence,) = result.sentences
    assert "is better than mlp" in sentence
    assert "corrected for 3 pairs (Holm)" in sentence


def test_of_many_results_each_is_compared_with_the_best_and_corrected_for_all_pairs(lab: Lab) -> None:
    runs = [lab.run(f"net{index}", 0.2 * index, predictions=False) for index in range(11)]
    result = compare(runs)
    best = int(np.argmax([run.best["val/f1_macro"] for run in runs]))
    assert [(pair.first, pair.second) for pair in result.differences] == [
        (best, index) for index in range(11) if index != best
    ]
    assert f"By macro F1 on val, {result.results[best].label} is better than" in result.sentences[0]
    assert "corrected for 55 pairs" in result.sentences[0]


def test_samples_that_belong_together_are_drawn_together(lab: Lab) -> None:
    runs = [lab.run("gru", 2.0), lab.run("cnn", 1.6)]
    pair = of(compare(runs), "val/loss")
    assert not pair.difference.method.endswith("by group")
    for run in runs:
        known = run.predictions("val")
        number_of = {name: index // 20 for index, name in enumerate(sorted(known.id))}
        rewritten(run, group=[number_of[name] for name in known.id])
    together = of(compare(runs), "val/loss")
    assert together.difference.method.endswith("by group")
    assert together.difference.value == pytest.approx(pair.difference.value)


def test_predictions_that_do_not_say_what_belongs_together_are_not_tested_as_if_nothing_did(lab: Lab) -> None:
    runs = [lab.run("gru", 2.0), lab.run("cnn", 1.6)]
    for run in runs:
        document = json.loads((run.path / "evaluation" / "val.json").read_text(encoding="utf-8"))
        document["metrics"]["f1_macro"]["method"] = "bca by group"
        RunWriter.open(run.path).write_evaluation("val", document)
    result = compare(runs)
    assert of(result).rests_on == "intervals"
    assert any(
        "do not say which samples belong together" in note and "projectkit evaluate" in note for note in result.notes
    )


def test_anomaly_scores_are_compared_by_their_order(lab: Lab) -> None:
    runs = []
    for name, shift in (("good", 2.0), ("poor", 0.5)):
        rng = np.random.default_rng(len(name))
        target = np.arange(400) % 2
        score = rng.normal(size=400) * 10 + 10 * shift * target
        run = rewritten(lab.run(name, 1.0), id=np.arange(400).astype(str), target=target, score=score)
        entries = {metric: {"value": 0.9 * shift / 2, "low": 0.1, "high": 1.0} for metric in ("auroc", "f1")}
        writer = RunWriter.open(run.path)
        writer.write_evaluation("val", {"kind": "anomaly", "n": 400, "class_names": ["0", "1"], "metrics": entries})
        runs.append(read_run(run.path))
    result = compare(runs)
    assert (of(result, "val/auroc").test, of(result, "val/auroc").better) == ("DeLong", 0)
    assert of(result, "val/f1").rests_on == "intervals"


def test_regressions_are_compared_on_the_same_samples(lab: Lab) -> None:
    runs = []
    target = np.random.default_rng(1).normal(size=400)
    for name, noise in (("good", 0.3), ("poor", 1.0)):
        score = target + noise * np.random.default_rng(2).normal(size=400)
        run = rewritten(lab.run(name, 1.0), id=np.arange(400).astype(str), target=target, score=score)
        values = metrics.regression_metrics(target, score)
        entries = {metric: {"value": value, "low": value, "high": value} for metric, value in values.items()}
        RunWriter.open(run.path).write_evaluation("val", {"kind": "regression", "n": 400, "metrics": entries})
        runs.append(read_run(run.path))
    pair = of(compare(runs), "val/mae")
    assert (pair.rests_on, pair.better, pair.difference.p) == ("samples", 0, None)
    assert pair.difference.low < pair.difference.value < pair.difference.high < 0


def test_an_unfair_comparison_still_shows_its_difference_and_says_so(lab: Lab) -> None:
    one = lab.run("gru", 2.4)
    lab.git = {"commit": "b" * 40, "diff_sha256": None}
    result = compare([one, lab.run("cnn", 1.4)])
    assert of(result).better == 0
    assert result.sentences[0].startswith(
        "Not a fair comparison (another commit, or other uncommitted changes): gru is better"
    )


def test_a_test_subset_that_was_looked_at_often_is_said_with_the_count(lab: Lab, project: Project) -> None:
    runs = [lab.run(name, skill, subsets=("val", "test")) for name, skill in (("gru", 2.4), ("cnn", 1.6))]
    project.ledger.mkdir()

    def look(run: str, place: int, digest: str = "d" * 64) -> None:
        time = f"2026-11-0{place}T12:00:00+00:00"
        entry = {
            "time": time,
            "run": run,
            "subset": "test",
            "data": {"split_digest": digest},
            "checkpoint_sha256": "c" * 64,
        }
        (project.ledger / f"{place}.json").write_text(json.dumps(entry), encoding="utf-8")

    for place, run in enumerate(runs):
        look(run.id, place)
    (project.ledger / "notes.json").write_text("[]", encoding="utf-8")
    assert not [note for note in compare(runs, project.ledger).notes if "looked at" in note]
    for place in range(2, 9):
        look("another", place)
    look("another", 9, digest="e" * 64)  # of another split
    result = compare(runs, project.ledger)
    (note,) = [note for note in result.notes if "looked at" in note]
    assert note.startswith("test was looked at 9 times, with 3 runs")
    assert [sentence.count(" on test") > 0 for sentence in result.sentences] == [False, True]


def test_a_comparison_with_its_differences_is_plain_json(lab: Lab) -> None:
    runs = [lab.run(name, skill, seed=seed) for name, skill in (("gru", 2.4), ("cnn", 1.6)) for seed in range(2)]
    document = compare(runs).as_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["results"][0]["seeds"] == [0, 1]
    first = document["differences"][0]
    assert (first["metric"], first["first"], first["second"], first["rests_on"]) == (
        "val/f1_macro",
        "gru",
        "cnn",
        "seeds",
    )
    assert document["by_result"]["val/f1_macro"]["spread"][0] > 0


def test_numbers_are_written_as_papers_write_them() -> None:
    assert [number(value) for value in (0.0214, -0.0041, 1.25, 0.0)] == [".021", "-.004", "1.250", ".000"]
    assert [p_value(value) for value in (0.0123, 0.00001, 0.5512, 1.0, None)] == [
        "p = .012",
        "p < .001",
        "p = .55",
        "p = 1.00",
        "",
    ]


@pytest.mark.parametrize(
    "damage", ["none", {"f1_macro": 0.5}, {"f1_macro": {"value": None}}, {"f1_macro": {"value": "x"}}]
)
def test_an_evaluation_that_was_edited_by_hand_hides_nothing_else(lab: Lab, damage: Any) -> None:
    runs = [lab.run("gru", 2.4), lab.run("cnn", 1.6), lab.run("mlp", 1.0)]
    RunWriter.open(runs[0].path).write_evaluation("val", {"n": 400, "metrics": damage})
    result = compare(runs)
    assert [(pair.first, pair.second) for pair in result.differences if pair.rests_on == "samples"][-1] == (1, 2)


def test_damaged_predictions_are_one_line(lab: Lab) -> None:
    runs = [lab.run("gru", 2.4), lab.run("cnn", 1.6)]
    (runs[1].path / "predictions" / "val.npz").write_bytes(b"PK damaged")
    result = compare(runs)
    (note,) = result.notes
    assert "damaged predictions" in note
    assert f"projectkit evaluate {runs[1].id} --subset val" in note
    assert of(result).rests_on == "intervals"


def test_the_files_of_a_run_are_not_written_by_a_comparison(lab: Lab) -> None:
    runs = [lab.run("gru", 2.4), lab.run("cnn", 1.6)]

    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for run in runs for path in run.path.rglob("*") if path.is_file()}

    before = state()
    compare(runs)
    assert state() == before
