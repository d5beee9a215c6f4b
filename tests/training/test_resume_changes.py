"""What is no longer as it was when a run was started is named, and takes --force; the record says what was overridden."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from deaths import Death, DiesAt, differences, newest, outcome, with_callbacks
from rich.console import Console

from projectkit.cli import main
from projectkit.errors import UserError
from projectkit.runs import Run, RunWriter, read_run
from projectkit.training import changes, train

UNTUNED = ["speed.tune=off"]  # two runs may measure differently; what goes on is as it was recorded


def died(config: Path, overrides: list[str] | None = None, step: int = 16) -> Run:
    with with_callbacks([DiesAt("on_train_batch_start", step)]), pytest.raises(Death):
        train(config, overrides or [])
    return newest()


def changed(run: Run) -> list[str]:
    return [change["line"] for event in run.events() if event["event"] == "changed" for change in event["changes"]]


def test_another_config_is_named_and_taken_with_force(config: Path) -> None:
    run = died(config)
    other = ["optimizer.init_args.lr=0.5"]
    with pytest.raises(
        UserError,
        match=r"optimizer\.init_args\.lr \(0\.01, now 0\.5\); .* goes on with the run.s own config, --force with",
    ):
        train(config, other, resume=run.id)
    resumed = train(config, other, resume=run.id, force=True)
    assert (resumed.id, resumed.status) == (run.id, "finished")
    assert changed(resumed) == ["optimizer.init_args.lr (0.01, now 0.5)"]
    assert resumed.config()["optimizer"]["init_args"]["lr"] == 0.5


def test_what_changes_no_result_may_change(config: Path) -> None:
    run = died(config)
    free = ["checkpoint.every_n_steps=3", "tracking.csv=true", "data.num_workers=1"]
    assert train(config, free, resume="auto").id == run.id
    assert not changed(newest())


def test_auto_starts_a_new_run_for_another_config_and_says_which_unfinished_one_there_is(config: Path) -> None:
    run = died(config)
    console = Console(record=True, width=400, force_terminal=False, file=io.StringIO())
    fresh = train(config, ["seed=4"], resume="auto", console=console)
    assert fresh.id != run.id
    assert f"the unfinished {run.id} has another config: seed (3, now 4)" in console.export_text()


def test_the_teams_code_is_named_where_it_changed(config: Path, team_file: Callable[[str, str], None]) -> None:
    team_file("parts", "WIDTH = 3\n")
    run = died(config)
    team_file("parts", "WIDTH = 4\n")
    with pytest.raises(UserError, match=r"the Python files of team have changed; .* add --force"):
        train(config, resume="auto")
    assert changed(train(config, resume="auto", force=True)) == ["the Python files of team have changed"]
    assert newest().id == run.id


def test_versions_are_refused_and_machines_are_noted(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = died(config)
    real = changes.versions()
    with monkeypatch.context() as patch:
        patch.setattr(changes, "versions", lambda: {**real, "torch": "0.1", "python": "2.7"})
        with pytest.raises(UserError, match=r"torch was .* and is 0\.1; .* add --force"):
            train(config, resume=run.id)
    monkeypatch.setattr(changes, "hardware", lambda: {"cpu": "Abacus"})
    resumed = train(config, resume=run.id)
    assert any("the processor was" in line and "Abacus" in line for line in changed(resumed))


@pytest.mark.parametrize("what", ["files", "split", "samples"])
def test_other_data_takes_force(config: Path, what: str) -> None:
    run = died(config)
    RunWriter.open(run.path).update(data=dict(run.part("data")) | {f"{what}_digest": "0" * 64})
    with pytest.raises(UserError, match=f"the {what} of 'synthetic_tabular' .* add --force"):
        train(config, resume="auto")
    resumed = train(config, resume="auto", force=True)
    assert [line for line in changed(resumed) if line.startswith(f"the {what} of")]


def test_the_runs_threads_are_used_and_others_are_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    whole = train(config, UNTUNED)
    run = died(config, UNTUNED)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    resumed = train(config, UNTUNED, resume="auto")
    assert resumed.id == run.id
    assert resumed.part("resolved")["threads"] == 2
    assert changed(resumed) == ["the run's 2 threads are used, not 1 of OMP_NUM_THREADS"]
    assert not differences(outcome(whole), outcome(resumed))


def test_a_finished_run_trains_longer_to_where_a_longer_one_would_have_come(config: Path) -> None:
    longer = [*UNTUNED, "trainer.max_epochs=4"]
    run = train(config, [*UNTUNED, "trainer.max_epochs=2"])
    with pytest.raises(UserError, match=r"the run is finished; to train it longer type .* --force"):
        train(config, longer, resume=run.id)
    resumed = train(config, longer, resume=run.id, force=True)
    assert resumed.id == run.id
    assert changed(resumed) == ["trainer.max_epochs (2, now 4)"]
    assert not differences(outcome(train(config, longer)), outcome(resumed))


def test_a_schedule_that_has_come_to_its_end_is_not_prolonged(config: Path) -> None:
    cosine = ["scheduler.class_path=torch.optim.lr_scheduler.CosineAnnealingLR", "scheduler.init_args={}"]
    run = train(config, [*cosine, "trainer.max_epochs=1"])
    with pytest.raises(UserError, match=r"its scheduler was planned to end there \(T_max 1\)"):
        train(config, [*cosine, "trainer.max_epochs=2"], resume=run.id, force=True)


def test_a_named_run_goes_on_with_its_own_config(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = died(config, ["seed=8"])
    with pytest.raises(SystemExit) as ended:
        main(["train", "--resume", run.id])
    assert not ended.value.code
    assert capsys.readouterr().out.strip() == run.id
    assert read_run(run.path).record["seed"] == 8
