"""An evaluation leaves the files of the contract, and its numbers are those of its predictions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference

from projectkit import datasets
from projectkit.errors import UserError, WorkError
from projectkit.evaluation import Options, evaluate
from projectkit.project import require_project
from projectkit.runs import Run, RunWriter, keep_run, read_run
from projectkit.training import train

QUICK = Options(attribute=0, cost=False)
FIGURES = ("confusion", "roc", "precision_recall", "det", "reliability", "per_class", "slices", "attributions")


def test_an_evaluation_leaves_predictions_numbers_and_pictures(run: Run) -> None:
    evaluated = evaluate(run)
    written = {path.relative_to(run.path).as_posix() for path in evaluated.files}
    assert written == {
        "predictions/val.npz",
        "evaluation/val.json",
        "errors/val/index.html",
        *(f"evaluation/figures/{name}-val.svg" for name in FIGURES),
    }
    assert all(path.stat().st_size for path in evaluated.files)
    document = json.loads((run.path / "evaluation" / "val.json").read_text(encoding="utf-8"))
    assert document == evaluated.document
    assert (document["schema"], document["run"], document["subset"]) == (1, run.id, "val")
    assert document["checkpoint"]["name"] == "best"
    assert {"accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc", "average_precision", "ece", "loss"} == set(
        document["metrics"]
    )
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "auroc"):
        entry = document["metrics"][name]
        assert entry["low"] <= entry["value"] <= entry["high"]
        assert entry["method"]


def test_predictions_are_probabilities_of_the_subsets_samples_in_its_order(run: Run) -> None:
    predictions = evaluate(run, options=QUICK).run.predictions("val")
    samples, split = datasets.load("synthetic_tabular"), datasets.split("synthetic_tabular")
    rows = split.subsets["val"]
    assert predictions.id.tolist() == samples.id[rows].tolist()
    assert predictions.target.tolist() == samples.y["activity"][rows].tolist()
    assert predictions.score.dtype == np.float32
    assert predictions.score.shape == (len(rows), 3)
    np.testing.assert_allclose(predictions.score.sum(axis=1), 1.0, atol=1e-5)


def test_the_numbers_are_what_scikit_learn_makes_of_the_predictions(run: Run) -> None:
    evaluated = evaluate(run, options=QUICK)
    predictions = evaluated.run.predictions("val")
    target, score, guess = predictions.target, predictions.score, predictions.score.argmax(axis=1)
    expected = {
        "accuracy": reference.accuracy_score(target, guess),
        "balanced_accuracy": reference.balanced_accuracy_score(target, guess),
        "f1_macro": reference.f1_score(target, guess, average="macro"),
        "mcc": reference.matthews_corrcoef(target, guess),
        "auroc": reference.roc_auc_score(target, score / score.sum(axis=1, keepdims=True), multi_class="ovr"),
        "loss": reference.log_loss(target, score.astype(np.float64) / score.sum(axis=1, keepdims=True, dtype=float)),
    }
    for name, value in expected.items():
        assert evaluated.document["metrics"][name]["value"] == pytest.approx(value, abs=1e-6), name
    assert evaluated.document["confusion"] == reference.confusion_matrix(target, guess).tolist()
    assert evaluated.document["n"] == len(target)


def test_the_best_checkpoint_has_on_val_what_the_training_recorded_as_its_best(run: Run) -> None:
    measured = evaluate(run, options=QUICK).document["metrics"]
    recorded = {name.removeprefix("val/"): value for name, value in run.best.items() if name.startswith("val/")}
    assert recorded.keys() == measured.keys()
    for name, value in recorded.items():
        assert measured[name]["value"] == pytest.approx(value, abs=1e-6), name


def test_evaluating_twice_gives_the_same_files(run: Run) -> None:
    options = Options(cost=False)  # a time is never the same twice
    first = {path: path.read_bytes() for path in evaluate(run, options=options).files if path.suffix != ".npz"}
    scores = run.predictions("val").score
    second = evaluate(run, options=options)
    assert {path: path.read_bytes() for path in second.files if path.suffix != ".npz"} == first
    assert np.array_equal(second.run.predictions("val").score, scores)


def test_an_evaluation_changes_nothing_that_the_training_wrote(run: Run) -> None:
    names = ("run.json", "config.yaml", "metrics.jsonl", "checkpoints/best.ckpt", "checkpoints/last.ckpt")
    before = {name: (run.path / name).read_bytes() for name in names}
    evaluate(run, "test", options=QUICK)
    assert {name: (run.path / name).read_bytes() for name in names} == before


@pytest.mark.parametrize("subset", ["tset", "validation", "", "../val"])
def test_a_subset_that_is_not_there_leaves_no_trace(run: Run, ledger: Path, subset: str) -> None:
    with pytest.raises(UserError, match="no subset"):
        evaluate(run, subset, options=QUICK)
    assert not ledger.exists()
    assert not (run.path / "evaluation").exists()


def test_a_misspelt_subset_is_answered_with_the_nearest(run: Run) -> None:
    with pytest.raises(UserError, match=r"did you mean 'test'\?"):
        evaluate(run, "tets", options=QUICK)


def test_a_model_whose_code_has_changed_is_one_line(config: Path, team_file) -> None:
    team_file("net", NET.format(width=4))
    run = train(config, ["model={class_path: team.net.Net}", "trainer.max_epochs=1"])
    del sys.modules["team.net"]
    team_file("net", NET.format(width=5000))  # the file's size changes, so that no cached bytecode is taken for it
    with pytest.raises(
        UserError, match=r"weights do not fit the model.*check out the commit in its run\.json"
    ) as caught:
        evaluate(run, options=QUICK)
    assert "\n" not in str(caught.value)


NET = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self, num_features: int, num_classes: int):
        super().__init__(nn.Linear(num_features, {width}), nn.ReLU(), nn.Linear({width}, num_classes))
"""


def test_a_kept_run_without_its_checkpoints_says_where_they_are(run: Run) -> None:
    project = require_project()
    kept = read_run(keep_run(run, project))
    with pytest.raises(UserError, match=r"a kept run has no checkpoints; evaluate it on the machine that trained it"):
        evaluate(kept, options=QUICK)


def test_a_finished_run_whose_weights_were_taken_away_says_how_to_have_them_back(run: Run) -> None:
    for path in run.path.glob("checkpoints/*"):
        path.unlink()
    with pytest.raises(
        UserError, match=rf"`projectkit runs rm --undo {run.id}` .* `projectkit train --repeat {run.id}`"
    ):
        evaluate(run, options=QUICK)


def test_a_run_that_ended_before_its_first_checkpoint_says_so(run: Run) -> None:
    for path in run.path.glob("checkpoints/*"):
        path.unlink()
    RunWriter.open(run.path).update(status="interrupted")
    with pytest.raises(UserError, match=r"this interrupted run has no checkpoint; train it to the end of an epoch"):
        evaluate(read_run(run.path), options=QUICK)


def test_a_damaged_checkpoint_is_one_line_and_leaves_no_ledger_entry(run: Run, ledger: Path) -> None:
    path = run.checkpoint("best")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(WorkError, match="the checkpoint is damaged") as caught:
        evaluate(run, "test", options=QUICK)
    assert "\n" not in str(caught.value)
    assert not ledger.exists()


def test_a_run_that_still_goes_on_is_measured_by_its_best_checkpoint_so_far(run: Run) -> None:
    RunWriter.open(run.path).update(status="running", ended=None)
    assert evaluate(read_run(run.path), options=QUICK).document["checkpoint"]["name"] == "best"


def test_a_run_without_a_monitor_is_measured_by_its_last_checkpoint(config: Path) -> None:
    run = train(config, ["monitor=null", "trainer.max_epochs=1"])
    assert evaluate(run, options=QUICK).document["checkpoint"]["name"] == "last"


def test_what_was_trained_on_a_gpu_is_measured_on_a_machine_without_one(run: Run) -> None:
    record = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    record["resolved"] |= {"accelerator": "mps", "device": "mps"}
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert evaluate(read_run(run.path), options=QUICK).document["n"] > 0


def test_data_that_is_not_what_the_run_was_trained_on_is_refused(run: Run, ledger: Path) -> None:
    record = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    record["data"]["split_digest"] = "0" * 64
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(
        UserError, match=r"the split .* which the run was trained on; try `projectkit data verify synthetic_tabular`"
    ):
        evaluate(read_run(run.path), "test", options=QUICK)
    assert not ledger.exists()


def test_files_that_have_changed_under_the_same_rows_are_refused(run: Run) -> None:
    record = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    record["data"]["files_digest"] = "0" * 64
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(UserError, match=r"the files of 'synthetic_tabular' have the digest \w+, not 000000000000"):
        evaluate(read_run(run.path), options=QUICK)


def test_weights_that_no_longer_fit_because_the_data_has_changed_are_not_blamed_on_the_model(run: Run) -> None:
    record = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    record["data"]["split_digest"] = "0" * 64
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    config = run.path / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("- 16", "- 17"), encoding="utf-8")
    with pytest.raises(UserError, match="which the run was trained on"):
        evaluate(read_run(run.path), options=QUICK)


@pytest.mark.parametrize("name", ["synthetic_text", "synthetic_images"])
def test_every_modality_is_measured_with_the_encoder_of_its_checkpoint(config: Path, name: str) -> None:
    model = {"synthetic_text": "CharCNN, init_args: {channels: 8}", "synthetic_images": "CNN, init_args: {width: 4}"}
    run = train(
        config, [f"data.name={name}", f"model={{class_path: projectkit.models.{model[name]}}}", "trainer.max_epochs=1"]
    )
    measured = evaluate(run, options=QUICK).document["metrics"]["loss"]["value"]
    assert measured == pytest.approx(run.best["val/loss"], abs=1e-5)
