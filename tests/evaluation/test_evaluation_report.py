"""A report from plain arrays: what is fitted on val is judged elsewhere, and what cannot be known is refused with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from projectkit import metrics
from projectkit.errors import UserError
from projectkit.evaluation import Measured, Options, report
from projectkit.evaluation.predict import Predicted
from projectkit.evaluation.report import Kind, checked_options
from projectkit.runs import RunWriter, read_run


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    """Of a run that has nothing but a config."""
    return RunWriter.create(tmp_path / "runs", "arrays", config_yaml="name: arrays\n", source=tmp_path)


def two_classes(n: int, seed: int, *, share: float = 0.3, sharp: float = 1.0) -> Predicted:
    """Probabilities that are right on average, made `sharp` times too sure."""
    rng = np.random.default_rng(seed)
    target = (rng.random(n) < share).astype(np.int64)
    logit = rng.normal(2.0 * target - 1.0, 1.0) * 2.0 + np.log(share / (1 - share))
    positive = 1 / (1 + np.exp(-sharp * logit))
    return predicted(target, np.stack([1 - positive, positive], axis=1))


def predicted(target: Any, score: Any) -> Predicted:
    return Predicted(np.arange(len(target)).astype(str), np.asarray(target), np.asarray(score, dtype=np.float32))


def measured(shown: Predicted, kind: Kind = "classification", **more: Any) -> Measured:
    names = {"classification": ("ham", "spam"), "anomaly": ("normal", "attack"), "regression": ()}
    return Measured(**{"kind": kind, "predicted": shown, "class_names": names[kind], **more})


def test_threshold_and_temperature_are_those_of_val_and_judged_on_the_subset(writer: RunWriter) -> None:
    val, test = two_classes(800, 0, sharp=3.0), two_classes(600, 1, sharp=3.0)
    document, _ = report(writer, "test", measured(test, fitted=val))
    threshold = metrics.best_threshold(val.target, val.score[:, 1])
    assert document["operating"]["threshold"] == threshold
    alarm = test.score[:, 1] >= threshold
    assert document["operating"]["recall"]["value"] == pytest.approx(alarm[test.target == 1].mean())
    assert document["operating"]["fpr"]["value"] == pytest.approx(alarm[test.target == 0].mean())
    assert document["operating"]["precision"]["value"] == pytest.approx(test.target[alarm].mean())
    temperature = document["calibration"]["temperature"]
    assert temperature == pytest.approx(metrics.fit_temperature(val.target, val.score))
    assert temperature == pytest.approx(3.0, abs=0.6)
    assert document["calibration"]["ece_after"] < document["calibration"]["ece_before"]
    assert document["calibration"]["loss_after"] < document["calibration"]["loss_before"]
    assert not document["operating"]["same_samples"]
    assert not document["calibration"]["same_samples"]


def test_on_val_itself_the_document_says_that_the_same_samples_were_fitted_on(writer: RunWriter) -> None:
    val = two_classes(400, 0)
    document, _ = report(writer, "val", measured(val, fitted=val))
    assert document["operating"]["same_samples"]
    assert document["calibration"]["same_samples"]


def test_without_val_nothing_is_fitted_and_the_reason_is_given(writer: RunWriter) -> None:
    document, _ = report(writer, "test", measured(two_classes(300, 0)))
    assert "calibration" not in document
    assert "operating" not in document
    assert document["refused"]["temperature"] == "there is no val subset to fit it on"
    assert document["refused"]["operating"] == "there is no val subset to choose a threshold by"


def test_a_low_false_positive_rate_is_reported_from_as_many_negatives_as_it_takes(writer: RunWriter) -> None:
    val = two_classes(4_000, 0)
    few, _ = report(writer, "test", measured(two_classes(2_000, 1), fitted=val))
    assert "tpr_at_fpr_1e-2" in few["metrics"]
    assert "tpr_at_fpr_1e-3" not in few["metrics"]
    assert "it takes 2,995 or more" in few["refused"]["tpr_at_fpr_1e-3"]
    many, _ = report(writer, "test", measured(two_classes(9_000, 2, share=0.2), fitted=val))
    assert many["metrics"]["tpr_at_fpr_1e-3"]["low"] < many["metrics"]["tpr_at_fpr_1e-2"]["value"]
    assert "tpr_at_fpr_1e-3" not in many["refused"]


def test_a_stated_prevalence_gives_precision_and_alarms_a_day(writer: RunWriter) -> None:
    """Bayes' theorem, worked by hand: of 100,000 a day, 100 positives."""
    val = two_classes(2_000, 0)
    options = Options(prevalence=0.001, per_day=100_000)
    operating = report(writer, "test", measured(two_classes(2_000, 1), fitted=val, options=options))[0]["operating"]
    recall, fpr = operating["recall"]["value"], operating["fpr"]["value"]
    found, false = 100 * recall, 99_900 * fpr
    assert operating["alarms"]["precision"]["value"] == pytest.approx(found / (found + false))
    assert operating["alarms"]["false_alarms_per_day"]["value"] == pytest.approx(false)
    assert operating["alarms"]["missed_per_day"]["value"] == pytest.approx(100 - found)
    assert operating["own_prevalence"] == pytest.approx(0.3, abs=0.03)


def test_nothing_is_said_of_a_day_unless_a_prevalence_is_stated(writer: RunWriter) -> None:
    val = two_classes(300, 0)
    assert report(writer, "test", measured(val, fitted=val))[0]["operating"]["alarms"] is None


def test_samples_of_few_groups_have_wider_intervals(writer: RunWriter) -> None:
    val = two_classes(1_000, 0)
    copies = np.repeat(np.arange(50), 20)
    alike = predicted(val.target[:50][copies], val.score[:50][copies])
    alone, _ = report(writer, "test", measured(alike, fitted=val))
    together, _ = report(writer, "test", measured(alike, fitted=val, groups=copies.astype(str)))
    for name in ("accuracy", "f1_macro", "auroc", "ece"):
        widths = [each["metrics"][name]["high"] - each["metrics"][name]["low"] for each in (alone, together)]
        assert widths[1] > 1.5 * widths[0], name
    for name in ("recall", "precision", "fpr", "f1"):
        widths = [each["operating"][name]["high"] - each["operating"][name]["low"] for each in (alone, together)]
        assert widths[1] > 1.5 * widths[0], name
        assert together["operating"][name]["value"] == alone["operating"][name]["value"]
    assert "by group" in together["operating"]["recall"]["method"]
    for name in ("precision", "recall", "f1"):
        rows = [each["per_class"][1][name] for each in (alone, together)]
        assert rows[1]["high"] - rows[1]["low"] > 1.5 * (rows[0]["high"] - rows[0]["low"]), name
        assert rows[1]["value"] == rows[0]["value"]


def test_of_few_groups_the_intervals_are_a_hint(writer: RunWriter) -> None:
    val = two_classes(400, 0)
    few, _ = report(writer, "test", measured(val, fitted=val, groups=np.arange(400) % 12))
    assert few["notes"] == ["the samples come in 12 groups: take the intervals for a hint"]
    one, _ = report(writer, "test", measured(val, fitted=val, groups=np.zeros(400)))
    assert "in 1 group, too few to draw by" in one["notes"][0]
    assert one["metrics"] == report(writer, "test", measured(val, fitted=val))[0]["metrics"]
    assert "notes" not in report(writer, "test", measured(val, fitted=val, groups=np.arange(400) % 200))[0]


def test_groups_of_one_sample_each_change_nothing(writer: RunWriter) -> None:
    val = two_classes(300, 0)
    with_groups, _ = report(writer, "test", measured(val, fitted=val, groups=val.id))
    assert with_groups["metrics"] == report(writer, "test", measured(val, fitted=val))[0]["metrics"]


@pytest.mark.parametrize("only", [0, 1])
def test_a_subset_of_one_class_is_measured_as_far_as_it_goes(writer: RunWriter, only: int) -> None:
    val, test = two_classes(300, 0), two_classes(300, 1)
    test = predicted(test.target[test.target == only], test.score[test.target == only])
    document, files = report(writer, "test", measured(test, fitted=val, options=Options(prevalence=0.01)))
    name = ("ham", "spam")[only]
    assert document["refused"]["auroc"] == f"all {len(test.target)} samples are '{name}', so there is nothing to rank"
    assert "accuracy" in document["metrics"]
    assert document["operating"]["alarms"] is None
    assert "it takes samples of both classes" in document["refused"]["alarms"]
    assert all(file.stat().st_size for file in files)


def test_predictions_that_are_nan_are_one_line_and_leave_nothing(writer: RunWriter) -> None:
    broken = two_classes(100, 0)
    broken.score[7] = np.nan
    with pytest.raises(UserError, match=r"the score of sample 7 is NaN or infinite \(1 of 100 samples\)") as caught:
        report(writer, "test", measured(broken, fitted=two_classes(100, 1)))
    assert "\n" not in str(caught.value)
    assert not (writer.path / "evaluation").exists()
    assert not (writer.path / "predictions").exists()


@pytest.mark.parametrize("kind", ["anomaly", "regression"])
def test_scores_that_are_nan_are_one_line_of_every_kind(writer: RunWriter, kind: Kind) -> None:
    broken = predicted(np.arange(20) % 2, np.full(20, np.nan))
    with pytest.raises(UserError, match="NaN or infinite") as caught:
        report(writer, "test", measured(broken, kind))
    assert "\n" not in str(caught.value)


def anomalies(n: int, seed: int, *, share: float = 0.1) -> Predicted:
    """Errors of a reconstruction: squares, four times as large in a stretch of the samples."""
    rng = np.random.default_rng(seed)
    target = np.zeros(n, dtype=np.int64)
    target[n // 2 : n // 2 + int(share * n)] = 1
    return predicted(target, rng.chisquare(4, n) * (1 + 3 * target))


def test_anomaly_scores_are_ranked_and_judged_at_the_threshold_of_val(writer: RunWriter) -> None:
    val, test = anomalies(800, 0), anomalies(1_000, 1)
    time = np.arange(1_000.0)
    document, files = report(writer, "test", measured(test, "anomaly", fitted=val, time=time))
    assert document["notes"] == [
        "samples that follow one another are taken for independent: the intervals are too narrow"
    ]
    assert {"auroc", "average_precision", "precision", "recall", "f1", "time_to_detect"} <= document["metrics"].keys()
    threshold = metrics.best_threshold(val.target, val.score)
    first = np.flatnonzero((test.score >= threshold) & (test.target == 1))[0]
    assert document["metrics"]["time_to_detect"]["value"] == first - 500
    alarms = int((test.score >= threshold).sum())
    assert [row[1] for row in document["confusion"]] == [
        alarms - int((test.score[test.target == 1] >= threshold).sum()),
        int((test.score[test.target == 1] >= threshold).sum()),
    ]
    drawn = {path.stem for path in files if path.suffix == ".svg"}
    assert drawn == {f"{name}-test" for name in ("confusion", "roc", "precision_recall", "det", "scores", "timeline")}


def test_where_val_is_normal_alone_one_sample_in_a_hundred_raises_an_alarm(writer: RunWriter) -> None:
    val = predicted(np.zeros(1_000, dtype=np.int64), np.random.default_rng(0).random(1_000))
    document, _ = report(writer, "test", measured(anomalies(500, 1), "anomaly", fitted=val))
    assert document["operating"]["chosen_by"] == "1% false alarms"
    assert int((val.score >= document["operating"]["threshold"]).sum()) == 10
    assert "val has samples of one class only" in document["refused"]["tpr_at_fpr_1e-2"]


def test_a_regression_has_errors_with_intervals(writer: RunWriter) -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(20, 5, 500)
    document, files = report(writer, "test", measured(predicted(target, target + rng.normal(0, 2, 500)), "regression"))
    assert document["kind"] == "regression"
    assert document["metrics"]["rmse"]["value"] == pytest.approx(2, abs=0.2)
    assert all(each["low"] <= each["value"] <= each["high"] for each in document["metrics"].values())
    assert {"confusion", "operating", "calibration"}.isdisjoint(document)
    assert [path.suffix for path in files] == [".npz", ".json"]


def test_a_regression_on_targets_that_are_all_the_same_says_what_it_cannot_say(writer: RunWriter) -> None:
    document, _ = report(writer, "test", measured(predicted(np.full(50, 3.0), np.random.rand(50)), "regression"))
    assert document["refused"] == dict.fromkeys(("r2", "spearman"), "all targets are the same")
    assert document["metrics"].keys() == {"mae", "rmse"}


def test_each_class_has_its_row_and_its_curves(writer: RunWriter) -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 4, 3_000)
    score = rng.dirichlet(np.ones(5), 3_000)
    score[np.arange(3_000), target] += 0.3
    names = ("a", "b", "c", "d", "none of these")
    shown = predicted(target, score / score.sum(axis=1, keepdims=True))
    options = Options(prevalence=0.1)
    document, _ = report(writer, "test", measured(shown, class_names=names, fitted=shown, options=options))
    assert [row["name"] for row in document["per_class"]] == list(names)
    assert document["per_class"][4]["support"] == 0
    assert document["refused"]["alarms"] == "a prevalence is for two classes, and there are 5"
    for kind in ("roc", "precision_recall", "det"):
        assert document["curves"][kind].keys() == set("abcd")
        assert all(len(each["x"]) == len(each["y"]) <= 200 for each in document["curves"][kind].values())
    for row in document["per_class"][:4]:
        points = document["curves"]["roc"][row["name"]]
        assert np.trapezoid(points["y"], points["x"]) == pytest.approx(row["auroc"], abs=2e-3)
    assert sum(document["curves"]["reliability"]["before"]["count"]) == 3_000


def test_the_document_reads_back_as_it_was_given(writer: RunWriter) -> None:
    val = two_classes(500, 0)
    document, _ = report(writer, "val", measured(val, fitted=val, options=Options(prevalence=0.01)))
    read = read_run(writer.path).evaluation("val")
    assert read is not None
    assert json.loads(json.dumps(document)) == {key: read[key] for key in document}
    assert (read["schema"], read["run"], read["subset"]) == (1, writer.id, "val")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(prevalence=0.0), "a prevalence of 0 is no share"),
        (Options(prevalence=1.5), "a prevalence of 1.5 is no share"),
        (Options(prevalence=float("nan")), "a prevalence of nan is no share"),
        (Options(per_day=0.0), "0 samples a day"),
        (Options(per_day=float("inf")), "inf samples a day"),
        (Options(attribute=-1), "-1 attributions"),
    ],
)
def test_an_option_out_of_its_range_is_one_line(options: Options, said: str) -> None:
    with pytest.raises(UserError, match=said):
        checked_options(options)
