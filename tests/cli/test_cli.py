"""The commands as they are typed: statuses, one-line errors, what goes to which stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from clityped import Typed

from projectkit import cli, console, datasets

GROUPS = {
    "data": ("list", "info", "report", "new", "fetch", "verify", "prune", "export"),
    "runs": ("list", "show", "keep"),
    "poster": ("init", "build", "watch", "lint", "gallery"),
}
SINGLE = ("new", "subjects", "doctor", "demo", "train", "evaluate")
COMMANDS = [*SINGLE, *GROUPS, *(f"{group} {command}" for group, commands in GROUPS.items() for command in commands)]


# -- help and usage --


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(typed: Typed, command: str) -> None:
    done = typed(f"{command} --help")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: projectkit {command}".rstrip())
    assert typed(f"{command} -h").out == done.out


def test_the_first_help_shows_what_is_typed_first_a_line_each(typed: Typed) -> None:
    assert "\n  Start:    projectkit new\n  Then:     projectkit train," in typed("--help").out


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
    assert card.safety in typed(f"data info {name}").out
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
    assert typed("data verify --all").status == 1  # a file cut short must not make the set one that is not here


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


def test_new_names_the_folder_to_go_to_from_where_it_was_typed(typed: Typed, nowhere: Path) -> None:
    done = typed("new --no-input -o deep/down", "project_title=Night watch")
    assert f"next: cd {Path('deep', 'down', 'night-watch')}, then" in done.err
    done = typed("new --no-input -o", "my course", "project_title=Night watch")
    assert f'next: cd "{Path("my course", "night-watch")}", then' in done.err


def test_new_says_what_git_would_have_done(typed: Typed, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(nowhere / "empty"))
    done = typed("new --no-input")
    assert done.status == 0
    assert "warning: git is not installed, so there is no first commit" in done.err


@pytest.mark.parametrize("line", ["new --no-input -o file/below", "demo file/below"])
def test_a_folder_that_cannot_be_made_is_one_line(typed: Typed, nowhere: Path, line: str) -> None:
    (nowhere / "file").write_text("not a folder", encoding="utf-8")
    done = typed(line)
    assert "cannot be made" in done.err.splitlines()[-1]
    assert done.status == 1


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


def test_json_for_programs_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json({"loss": float("nan"), "best": [float("inf"), 0.5]})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {"loss": "NaN", "best": ["Infinity", 0.5]}


def test_the_frames_of_the_team_are_told_from_those_of_the_library(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def f():\n    import json\n    json.loads('{')\n", encoding="utf-8")
    names: dict[str, Callable[[], None]] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    with pytest.raises(ValueError, match="Expecting property name") as caught:
        names["f"]()
    line = console.unexpected_line(caught.value, Path(cli.__file__).parent)
    assert line.startswith(f"{file}:3: JSONDecodeError: ")


def test_train_in_a_folder_of_the_project_takes_the_projects_config(
    typed: Typed, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "configs" / "train.yaml").write_text("name: found\ndata: {name: digits}\n", encoding="utf-8")
    monkeypatch.chdir(project / "src" / "team")
    done = typed("train --print-config")
    assert done.status == 0
    assert done.out.startswith("name: found\n")
