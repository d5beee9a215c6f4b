"""The commands as a student types them: statuses, one-line errors, what goes to which stream."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from projectkit import cli, console, datasets

GROUPS = {"data": ("list", "info", "fetch", "verify"), "runs": ("list", "show", "keep"), "poster": ("init", "build")}
SINGLE = ("new", "doctor", "demo", "train", "evaluate")
COMMANDS = [*SINGLE, *GROUPS, *(f"{group} {command}" for group, commands in GROUPS.items() for command in commands)]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error."""
        assert self.status in (1, 2), self
        assert self.err.startswith("projectkit: "), self.err
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        assert not self.out
        return self.err.strip()


Typed = Callable[[str], Done]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """Type a command line; it runs in this process, with an empty store."""
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(line: str, *more: str) -> Done:
        words = [*line.split(), *more]
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["projectkit", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        seen = capsys.readouterr()
        return Done(int(ended.value.code or 0), seen.out, seen.err)

    return run


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is in no project."""
    folder = tmp_path / "nowhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run_id(typed: Typed, config: Path) -> str:
    """A short training that has been typed."""
    done = typed("train trainer.max_epochs=1")
    assert done.status == 0, done.err
    return done.out.strip()


# -- help and usage --


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(typed: Typed, command: str) -> None:
    done = typed(f"{command} --help")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: projectkit {command}".rstrip())
    assert typed(f"{command} -h").out == done.out


def test_help_names_every_command(typed: Typed) -> None:
    shown = typed("--help").out
    assert all(f"  {command} " in shown for command in (*SINGLE, *GROUPS))


@pytest.mark.parametrize("command", ["", *GROUPS])
def test_a_group_alone_shows_its_help_and_is_no_success(typed: Typed, command: str) -> None:
    done = typed(command)
    assert done.status == 2
    assert done.out.startswith("Usage:")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trian", r"no such command 'trian'; did you mean 'train'?"),
        ("runs shw", "did you mean 'show'?"),
        ("train --resum auto", "did you mean --resume?"),
        (
            "train --max_epochs=3",
            "no such option '--max_epochs'; settings have no dashes: projectkit train max_epochs=",
        ),
        ("evaluate --bogus", "no such option '--bogus'; see `projectkit evaluate --help`"),
        ("data info", "missing argument 'NAME'; see `projectkit data info --help`"),
        ("train --resume", "'--resume' requires an argument"),
        ("evaluate a b", "see `projectkit evaluate --help`"),
        ("data info synthetic_txt", "did you mean 'synthetic_text'?"),
        ("data fetch digit", "did you mean 'digits'?"),
        ("data verify", "name one data set, or give --all"),
        ("data verify digits --all", "name one data set, or give --all"),
        ("new --no-input task", "'task' is not KEY=VALUE"),
        ("new --no-input tsk=1", "did you mean 'task'?"),
        ("train one.yaml two.yaml", "2 configs are named: one.yaml, two.yaml"),
    ],
)
def test_a_typing_mistake_is_one_line_with_what_to_type(typed: Typed, nowhere: Path, line: str, message: str) -> None:
    done = typed(line)
    assert message in done.line
    assert done.status == 2
    assert list(nowhere.iterdir()) == []


@pytest.mark.parametrize("line", ["runs list", "runs show", "runs keep", "evaluate", "poster init", "poster build"])
def test_outside_of_a_project_a_command_says_how_to_make_one(typed: Typed, nowhere: Path, line: str) -> None:
    done = typed(line)
    assert "make one with `projectkit new`" in done.line
    assert done.status == 2
    assert list(nowhere.iterdir()) == []


def test_train_in_an_empty_folder_says_what_to_do(typed: Typed, nowhere: Path) -> None:
    done = typed("train")
    assert "configs/train.yaml: no such config; go to your project's folder" in done.line.replace("\\", "/")
    assert done.status == 2
    assert list(nowhere.iterdir()) == []


@pytest.mark.parametrize(
    "line", ["--debug data info nothing", "data --debug info nothing", "data info nothing --debug"]
)
def test_debug_shows_the_traceback_wherever_it_stands(typed: Typed, line: str) -> None:
    from projectkit.errors import UserError

    with pytest.raises(UserError, match="no data set is called 'nothing'"):
        cli.main(line.split())


def test_a_fault_that_nobody_planned_is_one_line_and_status_one(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr(datasets, "card", broken)
    done = typed("data info digits")
    assert done.status == 1
    assert done.line.endswith("ZeroDivisionError: first line second line; --debug shows the traceback")
    with pytest.raises(ZeroDivisionError):
        cli.main(["data", "info", "digits", "--debug"])


def test_ctrl_c_is_one_word_and_the_status_of_a_shell(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "card", stop)
    done = typed("data info digits")
    assert (done.status, done.err.strip()) == (130, "projectkit: stopped")


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
    import torch

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
    assert message in done.line.replace("\\", "/")
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


def test_evaluate_prints_numbers_with_intervals_and_the_same_as_json(typed: Typed, run_id: str) -> None:
    shown = typed("evaluate latest")
    assert shown.status == 0
    assert shown.out.startswith(f"{run_id} on val, n = 200\n")
    assert "roc-val.svg" in shown.err
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
    import shutil

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
    kept = typed("runs keep latest")
    assert kept.out == f"{config.parents[1] / 'results' / run_id}\n"
    assert f"next: git add results/{run_id}" in kept.err
    assert not list(Path(kept.out.strip()).rglob("*.ckpt"))
    assert json.loads(typed("runs list --json").out)[0]["kept"] is True


# -- data, doctor --


def test_the_catalogue_is_listed_as_table_and_as_json(typed: Typed, nowhere: Path) -> None:
    rows = json.loads(typed("data list --json").out)
    assert [row["name"] for row in rows] == datasets.names()
    assert {row["name"] for row in rows if row["here"]} >= {"digits", "synthetic_text"}
    table = typed("data list").out.splitlines()
    assert [line.split()[0] for line in table[1:]] == datasets.names()


@pytest.mark.parametrize("name", datasets.names())
def test_every_card_can_be_shown(typed: Typed, nowhere: Path, name: str) -> None:
    card = datasets.card(name)
    assert card.citation in typed(f"data info {name}").out
    facts = json.loads(typed(f"data info {name} --json").out)
    assert facts["targets"].keys() == card.targets.keys()
    assert facts["traps"] == list(card.traps)


def test_a_set_without_files_needs_no_fetching(typed: Typed, nowhere: Path) -> None:
    assert typed("data fetch digits").out == "digits needs no download\n"
    assert json.loads(typed("data fetch synthetic_text --json").out) == {"name": "synthetic_text", "files": []}


def test_data_that_cannot_be_had_is_one_line_with_the_ways_out(
    typed: Typed, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROJECTKIT_MIRROR", raising=False)
    done = typed("data fetch dga")
    assert "set PROJECTKIT_MIRROR=<folder>" in done.line
    assert done.status == 1


def test_verify_has_the_findings_form_and_fails_on_a_damaged_file(typed: Typed, nowhere: Path, tmp_path: Path) -> None:
    fine = typed("data verify digits --json")
    assert fine.status == 0
    assert_findings(fine.out)
    card = datasets.card("sms")
    stored = tmp_path / "store" / card.name / card.files[0].name
    stored.parent.mkdir(parents=True)
    stored.write_text("not what it was\n", encoding="utf-8")
    damaged = typed("data verify sms --json")
    assert damaged.status == 1
    assert "error" in {finding["status"] for finding in assert_findings(damaged.out)}
    assert "projectkit data fetch sms" in typed("data verify sms").out


def test_doctor_has_the_findings_form(typed: Typed, nowhere: Path) -> None:
    done = typed("doctor --json")
    ids = {finding["id"] for finding in assert_findings(done.out)}
    assert {"python", "torch"} <= ids
    assert done.status == int(any(finding["status"] == "error" for finding in assert_findings(done.out)))


def assert_findings(text: str) -> list[dict[str, object]]:
    document = json.loads(text)
    assert document.keys() == {"findings"}
    for finding in document["findings"]:
        assert finding.keys() == {"id", "status", "where", "message", "advice", "evidence"}
        assert finding["status"] in ("ok", "note", "warning", "error")
    return document["findings"]


# -- new, poster --


def test_new_prints_where_the_repository_is_and_asks_nothing_without_input(typed: Typed, nowhere: Path) -> None:
    done = typed("new --no-input", "project_title=Night watch")
    assert done.status == 0, done.err
    root = Path(done.out.strip())
    assert (root.parent.resolve(), (root / "configs" / "train.yaml").is_file()) == (nowhere.resolve(), True)
    again = typed("new --no-input", "project_title=Night watch")
    assert again.status == 2
    assert again.line


@pytest.mark.slow
def test_a_poster_is_begun_and_built(typed: Typed, project: Path) -> None:
    assert "make one with `projectkit poster init`" in typed("poster build").line
    begun = typed("poster init")
    assert begun.status == 0
    assert all(Path(line).is_file() for line in begun.out.splitlines())
    assert "nothing was written" in typed("poster init").out
    document = json.loads(typed("poster build --json").out)
    assert Path(document["pdf"]).read_bytes().startswith(b"%PDF")
    assert Path(document["png"]).read_bytes().startswith(b"\x89PNG")


# -- tracking --


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A W&B server that nobody answers for, and a key that is none."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)


@pytest.mark.slow
def test_offline_tracking_leaves_its_files_in_the_run_folder(typed: Typed, config: Path) -> None:
    done = typed("train trainer.max_epochs=1 tracking.wandb=offline")
    assert done.status == 0
    assert done.out.count("\n") == 1
    assert "warning" not in done.err
    run = config.parents[1] / "runs" / done.out.strip()
    assert list(run.glob("wandb/offline-run-*/*.wandb"))


@pytest.mark.slow
def test_a_server_that_does_not_answer_costs_a_warning_and_nothing_else(
    typed: Typed, config: Path, closed_port: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from projectkit.training import fit, tracking

    monkeypatch.setattr(fit, "upload", partial(tracking.upload, deadline_s=5.0))
    done = typed("train trainer.max_epochs=1 tracking.wandb=online")
    assert done.status == 0
    assert done.err.count("warning: ") == 1
    assert "; the training is not affected" in done.err
    facts = json.loads(typed("runs show --json").out)
    assert facts["status"] == "finished"
    assert one_warning(config)


@pytest.mark.parametrize("broken", ["init", "log"])
def test_a_broken_tracker_is_one_warning_and_the_training_goes_on(
    typed: Typed, config: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    import wandb
    from pytorch_lightning.loggers import WandbLogger

    def fails(*arguments: object, **named: object) -> None:
        raise RuntimeError("the tracker is broken\nwith details")

    monkeypatch.setattr(wandb, "init", fails if broken == "init" else lambda **named: object())
    if broken == "log":
        monkeypatch.setattr(WandbLogger, "__init__", lambda self, experiment: None)
        monkeypatch.setattr(WandbLogger, "log_metrics", fails)
    done = typed("train trainer.max_epochs=2 tracking.wandb=offline")
    assert done.status == 0
    assert done.err.count("warning: ") == 1
    assert one_warning(config) == "Weights & Biases stopped: the tracker is broken; the training is not affected"


def one_warning(config: Path) -> str:
    (run,) = (config.parents[1] / "runs").iterdir()
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    (warning,) = [event for event in events if event["event"] == "warned"]
    return str(warning["message"])


# -- a process of its own --


def test_as_a_module_it_is_the_same_command(nowhere: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "projectkit", "data", "info", "digts"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("projectkit: no data set is called 'digts'; did you mean 'digits'?")


@pytest.mark.skipif(os.name == "nt", reason="a closed pipe is another error on Windows")
def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "projectkit", "data", "list"], stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert done.stderr == b""


def test_the_frames_of_the_team_are_told_from_those_of_the_library(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def f():\n    import json\n    json.loads('{')\n", encoding="utf-8")
    names: dict[str, Callable[[], None]] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    with pytest.raises(ValueError, match="Expecting property name") as caught:
        names["f"]()
    line = console.unexpected_line(caught.value, Path(cli.__file__).parent)
    assert line.startswith(f"{file}:3: JSONDecodeError: ")
