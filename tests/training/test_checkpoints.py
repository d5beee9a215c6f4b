"""Checkpoints: when they are written, how many are kept, and that a damaged one is never gone on from."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from deaths import Death, DiesAt, differences, newest, outcome, with_callbacks
from pytorch_lightning.callbacks import Callback

from projectkit.errors import UserError, WorkError
from projectkit.project import require_project
from projectkit.runs import Run, RunWriter, TakenOverError, keep_run, read_run
from projectkit.training import checkpoints, load_checkpoint, logger, train
from projectkit.training.checkpoint_files import file_sha256, newest_whole, publish
from projectkit.training.pace import Pace

BATCHES = 14  # of an epoch of the small training
STEPS = ["speed.tune=off", "checkpoint.every_n_steps=4", "checkpoint.every_n_minutes=null"]


class FailsAt(Callback):
    """A team's mistake at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step >= self.step:
            raise RuntimeError("fails here")


def saved(run: Run, name: str = "last") -> list[int]:
    return [event["step"] for event in run.events() if event["event"] == "checkpointed" and event["name"] == name]


def died(config: Path, overrides: list[str], step: int) -> Run:
    with with_callbacks([DiesAt("on_train_batch_start", step)]), pytest.raises(Death):
        train(config, overrides)
    return newest()


def killed(run: Run) -> Run:
    """What a run reads as whose process is gone."""
    record = {**run.record, "status": "interrupted", "reason": "killed"}
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return run


def flip(path: Path) -> None:
    """One bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    """The second half of a file is gone."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace_by_a_strangers(path: Path) -> None:
    """Another whole checkpoint in its place."""
    torch.save({"state_dict": {}}, path)


@pytest.mark.parametrize("loop", ["auto", "lightning"])
def test_checkpoints_come_by_steps_and_at_the_end_of_epochs(config: Path, loop: str) -> None:
    run = train(config, [*STEPS, "trainer.max_epochs=2", f"speed.loop={loop}"])
    assert saved(run) == [4, 8, 12, 14, 16, 20, 24, 28]  # 28 is both, and written once


def test_with_gradients_in_hand_nothing_is_kept_until_the_step_is_made(config: Path) -> None:
    class Looks(Callback):
        def on_save_checkpoint(self, trainer, pl_module, checkpoint) -> None:
            batches.append(trainer.fit_loop.epoch_loop.batch_progress.current.completed)

    batches: list[int] = []
    overrides = ["checkpoint.every_n_minutes=1.0e-9", "trainer.accumulate_grad_batches=3", "monitor=null"]
    with with_callbacks([Looks()]):
        train(config, [*overrides, "trainer.max_epochs=1"])
    assert batches[-1] == BATCHES
    assert all(batch % 3 == 0 for batch in batches[:-1])
    assert len(batches) > 2


@pytest.mark.parametrize(("keep", "names"), [(1, []), (3, ["step-24", "step-20"])])
def test_as_many_as_are_wanted_are_kept(config: Path, keep: int, names: list[str]) -> None:
    run = train(config, [*STEPS, "trainer.max_epochs=2", f"checkpoint.keep_last={keep}"])
    kept = {path.stem for path in run.path.glob("checkpoints/*.ckpt")}
    assert kept == {"last", "best", *names}
    for name in names:
        assert load_checkpoint(run.checkpoint(name))["global_step"] == int(name.removeprefix("step-"))


def test_the_digest_of_every_checkpoint_is_written_down(config: Path) -> None:
    run = train(config, [*STEPS, "trainer.max_epochs=1"])
    lines = [json.loads(line) for line in (run.path / "checkpoints" / "digests.jsonl").read_text("utf-8").splitlines()]
    assert [(line["name"], line["step"]) for line in lines] == [
        *(("last", step) for step in (4, 8, 12)),
        ("best", 14),
        ("last", 14),
    ]
    known = {line["sha256"] for line in lines}
    assert all(file_sha256(path) in known for path in run.path.glob("checkpoints/*.ckpt"))


def test_a_digest_is_there_before_the_file_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*arguments: object) -> None:
        raise Death

    publish(tmp_path / "last.ckpt", b"first", step=1, former=None, keep_last=2)
    with monkeypatch.context() as patch:
        patch.setattr("projectkit.training.checkpoint_files.atomic_write", dies)
        with pytest.raises(Death):
            publish(tmp_path / "last.ckpt", b"second", step=2, former=1, keep_last=2)
    assert (tmp_path / "last.ckpt").read_bytes() == b"first"
    assert len((tmp_path / "digests.jsonl").read_text("utf-8").splitlines()) == 2
    (tmp_path / ".0123456789ab.tmp").write_bytes(b"torn")
    publish(tmp_path / "last.ckpt", b"second", step=2, former=1, keep_last=2)
    assert {path.name for path in tmp_path.iterdir()} == {"step-1.ckpt", "last.ckpt", "digests.jsonl"}


@pytest.mark.parametrize("damage", [flip, cut, replace_by_a_strangers])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(
    config: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(config, STEPS)
    run = died(config, STEPS, 11)
    damage(run.path / "checkpoints" / "last.ckpt")
    damaged = (run.path / "checkpoints" / "last.ckpt").read_bytes()
    read: list[bytes] = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda path, **named: (read.append(_bytes(path)), load(path, **named))[1])
    resumed = train(config, STEPS, resume="auto")
    assert resumed.id == run.id
    assert not differences(outcome(whole), outcome(resumed))
    assert (run.path / "checkpoints" / "last.damaged").read_bytes() == damaged
    assert damaged not in read  # the digest decides before torch reads
    assert any("is set aside as last.damaged" in str(event.get("message")) for event in resumed.events())


def test_an_empty_checkpoint_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "best.ckpt").touch()
    with pytest.raises(WorkError, match=r"best\.ckpt: the checkpoint is damaged"):
        load_checkpoint(tmp_path / "best.ckpt")


def _bytes(source: object) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else b""


def test_a_death_between_two_names_leaves_the_one_before(config: Path) -> None:
    whole = train(config, STEPS)
    run = died(config, STEPS, 11)
    last = run.path / "checkpoints" / "last.ckpt"
    shutil.copy(last, run.path / "checkpoints" / "step-8.ckpt")
    last.unlink()
    resumed = train(config, STEPS, resume="auto")
    assert resumed.id == run.id
    assert not differences(outcome(whole), outcome(resumed))


def test_a_best_checkpoint_that_is_gone_is_named(config: Path) -> None:
    run = died(config, STEPS, BATCHES + 6)
    (run.path / "checkpoints" / "best.ckpt").unlink()
    resumed = train(config, STEPS, resume="auto")
    assert any(f"best.ckpt, of step {BATCHES}, is gone" in str(event.get("message")) for event in resumed.events())


class Rarely(Pace):
    """Something that took very long the first time."""

    def __init__(self) -> None:
        super().__init__(share=1e-9)


def test_where_epochs_are_short_checkpoints_are_rare_and_the_end_and_the_best_are_kept(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    each_time = train(config, ["trainer.max_epochs=5", "speed.tune=off"])
    monkeypatch.setattr(checkpoints, "Pace", Rarely)
    run = train(config, ["trainer.max_epochs=5", "speed.tune=off", "checkpoint.every_n_epochs=null"])
    assert saved(run) == [BATCHES, 5 * BATCHES]
    assert saved(run, "best") == [BATCHES, int(run.best["step"])]
    assert run.best == each_time.best
    assert not differences(outcome(each_time), outcome(run))


def test_the_best_that_waits_in_memory_is_written_when_the_training_fails(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(config, ["speed.tune=off"])
    assert whole.best["step"] > BATCHES
    monkeypatch.setattr(checkpoints, "Pace", Rarely)
    overrides = ["speed.tune=off", "checkpoint.every_n_epochs=null", "trainer.max_epochs=4"]
    with with_callbacks([FailsAt(3 * BATCHES + 2)]), pytest.raises(RuntimeError, match="fails here"):
        train(config, overrides)
    best = load_checkpoint(newest().checkpoint("best"))
    assert best["global_step"] == newest().best["step"] == whole.best["step"]


def test_a_run_that_died_between_its_last_checkpoint_and_its_end_ends_with_its_last_figures(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(config, STEPS)
    monkeypatch.setattr(logger, "Pace", Rarely)  # run.json has the figures of the first epoch
    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "finish", lambda *_, **__: None)
        run = train(config, STEPS)
    assert run.last["step"] == BATCHES
    gc.collect()  # a writer that nobody holds gives its run back
    resumed = train(config, STEPS, resume=killed(run).id)
    assert resumed.last == whole.last


def test_what_is_paced_takes_the_share_that_it_may() -> None:
    now = [100.0]
    pace = Pace(share=0.01, clock=lambda: now[0])
    assert pace.due()
    with pace.taken():
        now[0] += 0.5
    now[0] += 49.9
    assert not pace.due()
    now[0] += 0.2
    assert pace.due()


@pytest.mark.parametrize("named", [False, True])
def test_a_run_that_died_before_its_first_checkpoint_begins_again(config: Path, named: bool) -> None:
    whole = train(config, STEPS)
    run = killed(died(config, STEPS, 2))
    resumed = train(config, STEPS, resume=run.id if named else "auto")
    assert resumed.id == run.id
    assert not differences(outcome(whole), outcome(resumed))


def test_a_run_without_a_checkpoint_whose_code_is_another_by_now_gives_way_to_a_new_one(
    config: Path, team_file: Callable[[str, str], None]
) -> None:
    run = killed(died(config, STEPS, 2))
    team_file("later", "")
    assert train(config, STEPS, resume="auto").id != run.id


def test_a_kept_copy_is_never_gone_on_with(config: Path) -> None:
    run = died(config, STEPS, 11)
    keep_run(run, require_project())
    run.path.rename(config.parent / "elsewhere")
    with pytest.raises(UserError, match="it is a kept copy"):
        train(config, STEPS, resume=run.id)
    assert train(config, STEPS, resume="auto").id != run.id


def test_where_no_checkpoint_is_whole_the_run_is_not_begun_anew_in_silence(config: Path) -> None:
    run = died(config, STEPS, 11)
    for path in run.path.glob("checkpoints/*.ckpt"):
        flip(path)
    with pytest.raises(UserError, match=r"every checkpoint of the run is damaged, or from elsewhere"):
        train(config, STEPS, resume=run.id)
    assert sorted(path.name for path in run.path.glob("checkpoints/*.damaged")) == ["last.damaged", "step-4.damaged"]


def test_a_run_of_an_older_version_is_known_by_its_events(config: Path) -> None:
    run = died(config, STEPS, 11)
    (run.path / "checkpoints" / "digests.jsonl").unlink()
    said: list[str] = []
    assert newest_whole(read_run(run.path), said.append) == run.path / "checkpoints" / "last.ckpt"
    assert not said


def test_a_run_that_somebody_else_goes_on_with_is_written_to_no_more(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TakesOver(Callback):
        def on_train_batch_start(self, trainer, *arguments) -> None:
            if trainer.global_step == 6:
                run = newest().path
                (run / "sessions" / "0002").mkdir()
                held.extend((run / "checkpoints").iterdir())

    held: list[Path] = []
    with with_callbacks([TakesOver()]), pytest.raises(TakenOverError):
        train(config, STEPS)
    assert sorted(newest().path.glob("checkpoints/*")) == sorted(held)


class Keeps(Callback):
    """Keeps something that only its own class can read again."""

    def state_dict(self) -> dict[str, object]:
        return {"self": Path("somewhere")}


def test_a_checkpoint_that_could_not_be_read_again_is_named_when_the_first_is_written(config: Path) -> None:
    with with_callbacks([Keeps()]), pytest.raises(WorkError, match=r"holds a pathlib\.\w+ that cannot be read"):
        train(config)
    assert not list(newest().path.glob("checkpoints/*.ckpt"))


def test_hyperparameters_are_kept_as_plain_values_and_without_secrets(
    project: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("hyper", HYPER)
    path = project / "configs" / "hyper.yaml"
    path.write_text("name: h\ndata: {class_path: team.hyper.Data}\ntask: {class_path: team.hyper.Task}\n", "utf-8")
    run = train(path, ["trainer={max_epochs: 1, accelerator: cpu}", "tracking.wandb=disabled"])
    kept = load_checkpoint(run.checkpoint("last"))["hyper_parameters"]
    assert kept == {"where": "somewhere", "rates": [0.5], "api_key": "***"}


HYPER = """
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.demos.boring_classes import BoringDataModule, BoringModel


class Data(BoringDataModule):
    pass


class Task(BoringModel):
    def __init__(self, where=Path("somewhere"), rates=(0.5,), api_key="ours"):
        super().__init__()
        self.save_hyperparameters()
"""
