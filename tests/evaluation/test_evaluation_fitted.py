"""Threshold and temperature come from the validation predictions of the same weights, and asking for those is no look."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from projectkit import metrics
from projectkit.errors import UserError
from projectkit.evaluation import Options, evaluate
from projectkit.runs import Run, RunWriter, read_run
from projectkit.runs.ledger import looks
from projectkit.training import train

QUICK = Options(attribute=0, cost=False)


def test_temperature_of_test_and_val_is_the_same_one_fitted_on_val(run: Run, ledger: Path) -> None:
    test = evaluate(run, "test", options=QUICK)
    assert len(looks(ledger)) == 1
    assert looks(ledger)[0].subset == "test"
    assert not (run.path / "predictions" / "val.npz").exists()  # computed in silence
    val = evaluate(run, "val", options=QUICK)
    temperature = val.document["calibration"]["temperature"]
    assert test.document["calibration"]["temperature"] == temperature
    predictions = val.run.predictions("val")
    assert temperature == pytest.approx(metrics.fit_temperature(predictions.target, predictions.score), rel=1e-6)
    assert (val.document["calibration"]["same_samples"], test.document["calibration"]["same_samples"]) == (True, False)
    assert len(looks(ledger)) == 1


def test_an_interrupted_run_is_measured_by_its_checkpoint(run: Run) -> None:
    RunWriter.open(run.path).update(status="interrupted", reason="signal")
    assert evaluate(read_run(run.path), options=QUICK).document["checkpoint"]["name"] == "best"


def test_a_network_that_gives_nan_is_one_line(config: Path, team_file) -> None:
    team_file("broken", BROKEN)
    run = train(config, ["model={class_path: team.broken.Net}", "trainer.max_epochs=1", "monitor=null"])
    (Path("src") / "team" / "armed").touch()
    with pytest.raises(UserError, match=r"the score of sample 0 is NaN or infinite \(200 of 200 samples\)") as caught:
        evaluate(run, options=QUICK)
    assert "\n" not in str(caught.value)


BROKEN = """
from pathlib import Path

from torch import nn


class Net(nn.Linear):
    def __init__(self, num_features: int, num_classes: int):
        super().__init__(num_features, num_classes)

    def forward(self, x):
        logits = super().forward(x)
        return logits * float("nan") if (Path("src") / "team" / "armed").exists() else logits
"""


def test_options_are_looked_at_before_anything_is_computed_or_written(run: Run, ledger: Path) -> None:
    with pytest.raises(UserError, match="a prevalence of 2 is no share"):
        evaluate(run, "test", options=Options(prevalence=2.0))
    assert not ledger.exists()
    assert not (run.path / "evaluation").exists()


def test_cost_is_measured_unless_it_is_not_wanted(run: Run) -> None:
    assert "cost" not in evaluate(run, options=QUICK).document
    cost = evaluate(run, options=Options(attribute=0)).document["cost"]
    assert cost["parameters"] > 0
    assert np.isfinite(cost["latency_ms"]["1"]["median"])
