"""`projectkit evaluate` says what its numbers mean, in a terminal of 80 columns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from clityped import Typed

from projectkit.cli.evaluate import in_words
from projectkit.runs import RunWriter

INTERVAL = {"value": 0.5, "low": 0.4, "high": 0.6, "method": "wilson"}
OPERATING = {
    "positive": "spam",
    "threshold": 0.4123,
    "chosen_by": "largest F1",
    "fitted_on": "val",
    "same_samples": False,
    "precision": INTERVAL,
    "recall": INTERVAL,
    "fpr": {"value": 0.01, "low": 0.005, "high": 0.02, "method": "clopper-pearson"},
    "own_prevalence": 0.25,
    "prevalence": None,
    "per_day": 10_000.0,
    "alarms": None,
}
CALIBRATION = {
    **{"temperature": 1.5, "same_samples": False},
    **{"ece_before": 0.1, "ece_after": 0.05, "loss_before": 0.4, "loss_after": 0.3},
}


def test_every_line_fits_into_a_terminal_of_80_columns(
    typed: Typed, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    done = typed(f"evaluate {run_id} --prevalence 0.01")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == f"{run_id} on val, n = 200"
    assert max(len(line) for line in lines) <= 80
    shown = {line.split()[0] for line in lines if line.strip()}
    assert {"metric", "accuracy", "loss", "calibration", "careful", "cost", "refused", "page"} <= shown
    assert (Path("runs") / run_id / "errors" / "val" / "index.html").is_file()


def test_a_look_at_test_is_told_where_it_is_recorded(typed: Typed, run_id: str) -> None:
    done = typed(f"evaluate {run_id} --subset test --no-cost --attribute 0")
    assert done.status == 0, done.err
    (look,) = Path("ledger").glob("*.json")
    assert look.name in done.err


def test_json_is_the_document_and_nothing_else(typed: Typed, run_id: str) -> None:
    done = typed(f"evaluate {run_id} --json --no-cost --attribute 0")
    document = json.loads(done.out)
    assert document == json.loads((Path("runs") / run_id / "evaluation" / "val.json").read_text(encoding="utf-8"))
    assert "cost" not in document


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--prevalence 0", "a prevalence of 0 is no share of the samples; give a number between 0 and 1"),
        ("--per-day 0", "0 samples a day; give a number above 0"),
        ("--attribute -1", "-1 attributions; give how many, or 0 for none"),
    ],
)
def test_an_option_that_cannot_be_meant_is_one_line(typed: Typed, run_id: str, option: str, said: str) -> None:
    done = typed(f"evaluate {run_id} {option}")
    assert (done.status, said in done.line) == (2, True)


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (
            "interrupted",
            "signal",
            "was not trained to its end, it was interrupted (signal): its checkpoint is measured",
        ),
        ("failed", "nan", "was not trained to its end, it failed (nan): its checkpoint is measured"),
    ],
)
def test_a_run_that_did_not_finish_is_measured_and_it_is_said(
    typed: Typed, run_id: str, status: str, reason: str, said: str
) -> None:
    RunWriter.open(Path("runs") / run_id).update(status=status, reason=reason)
    done = typed(f"evaluate {run_id} --no-cost --attribute 0")
    assert done.status == 0
    assert said in done.err
    assert "accuracy" in done.out


def test_a_detector_is_told_by_its_threshold_and_where_it_is_to_work() -> None:
    facts = in_words({"operating": OPERATING})
    assert facts["threshold"] == (
        "0.4123 for 'spam' (largest F1 on val): precision 0.500 (0.400 to 0.600), recall 0.500 (0.400 to 0.600), "
        "false positive rate 0.010 (0.005 to 0.020)"
    )
    assert facts["prevalence"] == (
        "0.25 of these samples are 'spam'; where they are rarer, --prevalence 0.001 says how many alarms are false"
    )
    many = {"value": 99.9, "low": 49.9, "high": 199.8, "method": "clopper-pearson"}
    few = {"value": 5.0, "low": 4.0, "high": 6.0, "method": "wilson"}
    alarms = {"precision": INTERVAL, "false_alarms_per_day": many, "missed_per_day": few}
    stated = in_words({"operating": {**OPERATING, "prevalence": 0.001, "alarms": alarms}})
    assert stated["a day"] == (
        "at a prevalence of 0.001, 10,000 samples: precision 0.500 (0.400 to 0.600), "
        "100 (50 to 200) false alarms, 5.0 (4.0 to 6.0) missed"
    )


def test_what_was_fitted_on_the_samples_themselves_is_said() -> None:
    same: dict[str, Any] = {"same_samples": True}
    both = in_words({"operating": {**OPERATING, **same}, "calibration": {**CALIBRATION, **same}})
    assert both["careful"].startswith("threshold and temperature were fitted on these very samples")
    assert "careful" not in in_words({"operating": OPERATING, "calibration": CALIBRATION})


def test_a_temperature_that_makes_it_worse_is_told_as_such() -> None:
    assert "worse" not in in_words({"calibration": CALIBRATION})["calibration"]
    assert (
        "(worse: these samples are unlike val)"
        in in_words({"calibration": {**CALIBRATION, "loss_after": 0.5}})["calibration"]
    )


def test_what_a_prediction_costs_is_one_line() -> None:
    latency = {"1": {"median": 0.51234, "p95": 0.6}, "256": {"median": 12.3456, "p95": None}}
    memory = {"weights": 0.0851, "activations": {"1": 0.009, "256": 30.04}, "process_peak": 500.0}
    cost = {"device": "cpu", "threads": 2, "parameters": 22_275, "latency_ms": latency, "memory_mib": memory}
    assert in_words({"cost": cost})["cost"] == (
        "22,275 parameters, 87 KiB; 0.512 ms for 1, 12.3 ms for 256 (cpu, 2 threads); "
        "activations 9.2 KiB for 1, 30 MiB for 256"
    )


def test_the_worst_slice_is_named_and_the_others_counted() -> None:
    row = {"column": "length", "label": "3 to 7", "n": 1_200, "value": 0.6, "low": 0.5, "high": 0.7, "rest": 0.9}
    document = {"slices": [{**row, "worse": True}, {**row, "worse": True}, {**row, "worse": False}]}
    assert in_words(document)["worse on"] == (
        "length: 3 to 7 (n = 1,200): accuracy 0.600 (0.500 to 0.700), elsewhere 0.900; 1 more slice on the page"
    )
    assert "worse on" not in in_words({"slices": [{**row, "worse": False}]})


def test_refusals_of_one_reason_share_a_line() -> None:
    refused = {"auroc": "one class", "average_precision": "one class", "r2": "constant"}
    assert in_words({"refused": refused})["refused"] == {"auroc, average_precision": "one class", "r2": "constant"}


def test_an_evaluation_of_a_former_version_has_nothing_to_add() -> None:
    assert in_words({"n": 10, "metrics": {"accuracy": INTERVAL}, "confusion": [[5, 5], [0, 0]]}) == {}
