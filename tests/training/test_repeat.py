"""A run is trained again from its record, and comes out the same or it is said where not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from projectkit.cli import main
from projectkit.errors import UserError
from projectkit.runs import RunWriter, read_run
from projectkit.training import changes, load_checkpoint, train
from projectkit.training.checkpoint_files import weights_sha256
from projectkit.training.repeat import Parting, compare, repeat

SHORT = ["trainer.max_epochs=1", "trainer.log_every_n_steps=5"]


def test_a_repeated_run_is_the_same_bit_for_bit_and_says_which_one_it_repeats(config: Path) -> None:
    run = train(config, [*SHORT, "seed=11"])
    again, comparison = repeat(run)
    assert again.id != run.id
    assert again.record["repeats"] == run.id
    assert again.record["seed"] == 11
    assert comparison.identical
    assert comparison.line == "identical: every logged number and every weight is the same"


def test_the_digest_of_the_weights_at_the_end_is_recorded(config: Path) -> None:
    run = train(config, SHORT)
    assert run.record["weights_sha256"] == weights_sha256(load_checkpoint(run.checkpoint("last"))["state_dict"])
    other = train(config, [*SHORT, "seed=4"])
    assert other.record["weights_sha256"] != run.record["weights_sha256"]


def test_two_runs_are_compared_to_the_first_number_in_which_they_part(config: Path) -> None:
    run, other = train(config, SHORT), train(config, [*SHORT, "optimizer.init_args.lr=0.02"])
    found = compare(run, other)
    assert found.parting is not None
    assert found.parting.step == 5
    assert "they part at step 5" in found.line
    assert not found.identical
    assert not found.explained


def test_a_line_that_one_of_them_lacks_is_where_they_part(config: Path) -> None:
    run = train(config, SHORT)
    short = train(config, SHORT)
    lines = (short.path / "metrics.jsonl").read_text("utf-8").splitlines(keepends=True)
    (short.path / "metrics.jsonl").write_text("".join(lines[:-1]), encoding="utf-8")
    parting = compare(run, read_run(short.path)).parting
    assert isinstance(parting, Parting)
    assert parting.is_ is None


def test_weights_that_differ_under_the_same_numbers_are_seen(config: Path) -> None:
    run, again = train(config, SHORT), train(config, SHORT)
    RunWriter.open(again.path).update(weights_sha256="0" * 64)
    found = compare(run, read_run(again.path))
    assert not found.identical
    assert found.line == "the logged numbers are the same, the weights at the end are not"


def test_what_is_not_as_it_was_is_named_first_and_explains_a_difference(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(config, SHORT)
    monkeypatch.setattr(changes, "versions", lambda: {**run.part("versions"), "torch": "0.1"})
    with pytest.raises(UserError, match=r"torch was .* and is 0\.1; bring it back"):
        repeat(run)
    _, comparison = repeat(run, force=True)
    assert comparison.identical
    assert comparison.explained


def test_a_run_that_did_not_finish_is_not_repeated(config: Path) -> None:
    run = train(config, SHORT)
    RunWriter.open(run.path).update(status="interrupted")
    with pytest.raises(UserError, match="the run is interrupted"):
        repeat(read_run(run.path))


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments])
    return int(ended.value.code or 0)


def test_the_command_prints_one_line_and_ends_with_1_where_nothing_explains_a_difference(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(config, SHORT)
    assert command("--repeat", run.id, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["repeats"], told["identical"], told["parting"]) == (run.id, True, None)
    metrics = run.path / "metrics.jsonl"
    metrics.write_text(metrics.read_text("utf-8").replace('"train/loss": ', '"train/loss": 1', 1), encoding="utf-8")
    assert command("--repeat", run.id) == 1
    assert "they part at step 5: train/loss was 1" in capsys.readouterr().err


def test_the_command_takes_no_keys_beside_repeat(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--repeat", "latest", "seed=4") == 2
    assert "--repeat takes config and seed from the run" in capsys.readouterr().err
    assert command("--force") == 2
    assert "--force is for a run that is there" in capsys.readouterr().err
