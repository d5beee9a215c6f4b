"""`train`, `evaluate` and `runs` as a student types them: one line for each mistake, and nothing is lost."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from clityped import Typed

# -- train: every mistake in the config --


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("trainer.max_epoch=3", "command line, trainer.max_epoch: unknown key; did you mean trainer.max_epochs?"),
        ("trainer.max_epochs=three", "command line, trainer.max_epochs"),
        ("data.batch_size=0", "0 is out of range; allowed: 1 or more"),
        ("model.class_path=projectkit.models.MPL", "did you mean projectkit.models.MLP?"),
        ("model.class_path=team.modle.Net", "team has no module 'modle'"),
        ("model.class_path=os.system", "classes of the package 'os' are not accepted"),
        ("model.init_args.hiden=[3]", "did you mean"),
        ("data.name=synthetic_txt", "did you mean 'synthetic_text'?"),
        ("data.target=activty", "did you mean 'activity'?"),
        ("data.split=random", "no split 'random'; known: stratified"),
        ("data.name=synthetic_text", "needs num_features, which text data does not have; try model.class_path="),
        ("trainer.accelerator=cuda", "torch sees none"),
        ("trainer.precision=16-mixed", "a CPU does not train in 16-bit floats; write trainer.precision=auto"),
        ("trainer.devices=4", "a run is trained on one device; write trainer.devices=1"),
        ("task.init_args.label_smoothing=2", "label_smoothing is 2, not in [0, 1)"),
        ("monitor.mode=up", "monitor.mode"),
        ("optimizer.init_args.lr=fast", "optimizer.init_args.lr"),
        ("--resume nosuchrun", "no run 'nosuchrun'"),
        ("missing.yaml", "missing.yaml: no such config"),
    ],
)
def test_a_mistake_in_the_config_is_one_line_and_leaves_no_run(
    typed: Typed, config: Path, overrides: str, message: str
) -> None:
    if "accelerator=cuda" in overrides and torch.cuda.is_available():
        pytest.skip("this machine has what the test wants to be missing")
    done = typed(f"train {overrides}")
    assert message in done.line
    assert done.status == 2
    assert not (config.parents[1] / "runs").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainer: {max_epochs: 3\n", "configs/train.yaml:2"),
        ("trainer:\n\tmax_epochs: 3\n", "configs/train.yaml:2"),
        ("seed: 1\nseed: 2\n", "configs/train.yaml:2"),
        ("sed: 1\n", "configs/train.yaml:1:1, sed: unknown key; did you mean seed?"),
        ("- a\n- b\n", "configs/train.yaml"),
    ],
)
def test_a_broken_config_file_is_one_line_with_its_place(typed: Typed, config: Path, text: str, message: str) -> None:
    config.write_text(text, encoding="utf-8")
    done = typed("train")
    assert message in done.line.replace("\\", "/")
    assert done.status == 2


def test_the_printed_config_loads_back_to_itself(typed: Typed, config: Path) -> None:
    printed = typed("train --print-config trainer.max_epochs=7").out
    assert "max_epochs: 7" in printed
    again = config.with_name("again.yaml")
    again.write_text(printed, encoding="utf-8")
    assert typed(f"train {again} --print-config").out == printed
    assert not (config.parents[1] / "runs").exists()


# -- train: the team's own code --


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("class Net(:\n", 2, "team.net is not valid Python: invalid syntax (src/team/net.py:1)"),
        ("import nosuchpackage\n", 2, "team.net needs the package 'nosuchpackage', which is not installed"),
        ("1 / 0\n", 2, "team.net cannot be imported: ZeroDivisionError"),
        ("Net = 3\n", 2, "team.net.Net is"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_line(
    typed: Typed, config: Path, team_file: Callable[[str, str], None], code: str, status: int, message: str
) -> None:
    team_file("net", code)
    done = typed("train", "model={class_path: team.net.Net}")
    assert message in done.line.replace("\\", "/")
    assert done.status == status


NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, num_features: int, num_classes: int):
        super().__init__()
        self.layer = nn.Linear(num_features, num_classes)

    def forward(self, x):
        return {forward}
"""


@pytest.mark.parametrize(
    ("forward", "status", "message"),
    [
        ("self.layer(x)[:, 0]", 2, "model: the model gives (100,) for a batch of 100 samples; its forward must return"),
        ("self.layer(x)[:, :2]", 2, "data: a label is 2, but the model gives 2 classes"),
        ("self.layer(x[:, :2])", 1, "src/team/net.py:12: RuntimeError"),
        ("self.layer(x) / 0 * 0", 1, "the loss is nan at step"),
    ],
)
def test_a_model_that_fails_in_training_is_one_line_and_a_record(
    typed: Typed, config: Path, team_file: Callable[[str, str], None], forward: str, status: int, message: str
) -> None:
    team_file("net", NET.format(forward=forward))
    done = typed("train", "model={class_path: team.net.Net}")
    *_, line = done.err.splitlines()  # after the one that says which loop runs
    assert line.startswith("projectkit: ")
    assert message in line.replace("\\", "/")
    assert "Traceback" not in done.err
    assert done.status == status
    (row,) = json.loads(typed("runs list --json").out)
    assert row["status"] == "failed"


def test_a_batch_larger_than_the_set_is_one_batch(typed: Typed, config: Path) -> None:
    assert typed("train trainer.max_epochs=1 data.batch_size=1000000").status == 0


STOP = """
import os
import signal
import pytorch_lightning as pl


class Stop(pl.Callback):
    def on_train_batch_end(self, trainer, *arguments):
        if trainer.global_step == 5:
            os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_ctrl_c_in_the_middle_names_the_command_that_goes_on_and_it_does(
    typed: Typed, config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("stop", STOP)
    done = typed("train", "callbacks=[{class_path: team.stop.Stop}]")
    assert done.status == 130
    last = done.err.splitlines()[-1]
    assert "stopped by SIGINT after step 5" in last or "stopped by SIGINT after step 6" in last
    command = last.split("`projectkit ")[1].rstrip("`")
    again = typed(command, "callbacks=[{class_path: team.stop.Stop}]")
    assert again.status == 0, again.err
    (row,) = json.loads(typed("runs list --json").out)
    assert row["status"] == "finished"
    assert again.out == f"{row['id']}\n"


# -- train, evaluate, runs: what they print --


def test_train_prints_the_bare_id_and_all_else_goes_to_the_other_stream(typed: Typed, config: Path) -> None:
    done = typed("train trainer.max_epochs=2")
    run = config.parents[1] / "runs" / done.out.strip()
    assert done.out == f"{run.name}\n"
    assert (run / "run.json").is_file()
    assert "epoch 2/2" in done.err
    assert f"next: projectkit evaluate {run.name}" in done.err
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["command"][:2] == ["projectkit", "train"]


def test_train_gives_json_where_it_is_asked_for(typed: Typed, config: Path) -> None:
    document = json.loads(typed("train trainer.max_epochs=1 --json").out)
    assert document["status"] == "finished"
    assert document["best"]["val/f1_macro"] == document["value"]
    assert Path(document["path"]).is_dir()


def test_evaluate_prints_numbers_with_intervals_and_the_same_as_json(typed: Typed, run_id: str, config: Path) -> None:
    shown = typed("evaluate latest")
    assert shown.status == 0
    assert shown.out.startswith(f"{run_id} on val, n = 200\n")
    assert "evaluation/val.json" in shown.err
    assert (config.parents[1] / "runs" / run_id / "evaluation" / "figures" / "roc-val.svg").is_file()
    document = json.loads(typed(f"evaluate {run_id} --json").out)
    assert f"{document['metrics']['f1_macro']['value']:.4f}" in shown.out


@pytest.mark.parametrize("line", ["evaluate", "runs show", "runs keep"])
def test_before_the_first_training_there_is_no_run_to_look_at(typed: Typed, config: Path, line: str) -> None:
    assert "no finished training run yet; run `projectkit train`" in typed(line).line
    assert "no run yet" in typed("runs list").out


def test_a_misspelt_run_is_answered_with_the_nearest(typed: Typed, run_id: str) -> None:
    for line in ("evaluate", "runs show", "runs keep"):
        done = typed(f"{line} {run_id[:-2]}zz")
        assert f"did you mean '{run_id}'?" in done.line
        assert done.status == 2


def test_a_run_that_was_deleted_is_no_run_and_the_others_stay(typed: Typed, config: Path, run_id: str) -> None:
    other = typed("train trainer.max_epochs=1").out.strip()
    shutil.rmtree(config.parents[1] / "runs" / run_id)
    assert f"no run '{run_id}'" in typed(f"evaluate {run_id}").line
    assert [row["id"] for row in json.loads(typed("runs list --json").out)] == [other]


def test_runs_are_listed_shown_and_kept(typed: Typed, config: Path, run_id: str) -> None:
    typed("evaluate latest")
    (row,) = json.loads(typed("runs list --json").out)
    assert (row["id"], row["status"], row["kept"]) == (run_id, "finished", False)
    assert run_id in typed("runs list").out
    facts = json.loads(typed("runs show --json").out)
    assert (facts["id"], facts["seed"], set(facts["evaluations"])) == (run_id, 3, {"val"})
    assert f"{facts['evaluations']['val']['metrics']['f1_macro']['value']:.4f}" in typed("runs show").out
    assert re.search(r"fit +\d+\.\d s: .*\d+% validation", typed("runs show").out)
    kept = typed("runs keep latest")
    assert kept.out == f"{config.parents[1] / 'results' / run_id}\n"
    assert f"next: git add results/{run_id}" in kept.err
    assert not list(Path(kept.out.strip()).rglob("*.ckpt"))
    assert json.loads(typed("runs list --json").out)[0]["kept"] is True
