"""The ledger counts every look at a test subset, and nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from projectkit import datasets
from projectkit.evaluation import Options, evaluate
from projectkit.evaluation.ledger import record_look
from projectkit.runs import Run
from projectkit.runs.ledger import looks

QUICK = Options(attribute=0, cost=False)


def test_looking_at_val_and_train_is_free(run: Run, ledger: Path) -> None:
    evaluate(run, "val", options=QUICK)
    evaluate(run, "train", options=QUICK)
    assert not ledger.exists()


def test_each_look_at_test_is_one_entry_with_run_subset_data_and_weights(run: Run, ledger: Path) -> None:
    evaluated = evaluate(run, "test", options=QUICK)
    (file,) = ledger.iterdir()
    assert file in evaluated.files
    entry = json.loads(file.read_text(encoding="utf-8"))
    assert (entry["schema"], entry["run"], entry["subset"]) == (1, run.id, "test")
    assert entry["data"] == {
        "name": "synthetic_tabular",
        "target": "activity",
        "split": "stratified",
        "split_digest": datasets.split("synthetic_tabular").digest,
    }
    assert entry["checkpoint_sha256"] == hashlib.sha256(run.checkpoint("best").read_bytes()).hexdigest()
    evaluate(run, "test", options=QUICK)
    assert len(looks(ledger)) == 2


def test_a_look_that_fails_after_the_labels_were_used_is_recorded_all_the_same(
    run: Run, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("projectkit.runs.RunWriter.write_predictions", full_disk)
    with pytest.raises(OSError, match="No space left"):
        evaluate(run, "test", options=QUICK)
    assert len(looks(ledger)) == 1


def test_looks_are_read_oldest_first_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for number in range(5):
        assert record_look(tmp_path, f"run-{number}", "test", {"name": "sms"}, "0" * 64)
    (tmp_path / "README.md").write_text("what this is\n", encoding="utf-8")
    (tmp_path / "broken.json").write_text('{"run": ', encoding="utf-8")
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    assert {look.run for look in looks(tmp_path)} == {f"run-{number}" for number in range(5)}
    times = [look.time for look in looks(tmp_path)]
    assert times == sorted(times)


def test_a_ledger_that_is_not_there_has_no_looks(tmp_path: Path) -> None:
    assert looks(tmp_path / "none") == []
