"""The notebook for Colab, cell by cell: a session is lost in the middle of a training, and the next one goes on from the Drive."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from projectkit.runs import Run, read_run
from projectkit.runs.copies import read_copy
from projectkit.scaffold import create_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bash") is None or shutil.which("git") is None, reason="no bash or no git"),
]

REPOSITORY = Path(__file__).resolve().parents[2]


class Colab:
    """A session of Colab: cells are run in one namespace, `!` lines by bash; `/content` is a folder of its own.

    Args:
        content: stands for `/content`.
        drive: what `drive.mount` mounts below it.
        programs: a folder that comes first on the PATH.
        source: the repository that is cloned.
    """

    def __init__(self, content: Path, drive: Path, programs: Path, source: Path) -> None:
        self.content, self.drive, self.source = content, drive, source
        self.folder = content
        self.names: dict[str, Any] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PROJECTKIT_")},
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(content),
            "OMP_NUM_THREADS": "1",
        }
        content.mkdir()

    def run(self, cell: str) -> None:
        """Run a cell; lines of Python are executed, the others are those of IPython."""
        text = cell.replace("/content", str(self.content))
        text = re.sub(r'"https://github.com/YOUR-ACCOUNT/[^"]*"', repr(str(self.source)), text)
        python = "\n".join(line for line in text.splitlines() if not line.startswith(("!", "%")))
        exec(compile(python.replace("from google.colab import drive", ""), "cell", "exec"), self._globals())
        for line in text.splitlines():
            if line.startswith("%cd "):
                self.folder = Path(self._filled(line.removeprefix("%cd ")))
            elif line.startswith("!"):
                self.command(line[1:])

    def start(self, line: str) -> subprocess.Popen[str]:
        """Start a `!` line."""
        return subprocess.Popen(
            ["bash", "-c", self._filled(line)],
            cwd=self.folder,
            env=self.environment,
            text=True,
            encoding="utf-8",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def command(self, line: str) -> None:
        done = self.start(line)
        output, _ = done.communicate(timeout=120)
        assert done.returncode == 0, f"{line}\n{output}"

    def mount(self, place: str) -> None:
        Path(place).mkdir()
        (Path(place) / "MyDrive").symlink_to(self.drive)

    def _globals(self) -> dict[str, Any]:
        session = self

        class System:
            environ = session.environment
            makedirs = staticmethod(os.makedirs)

        self.names["drive"] = type("Drive", (), {"mount": staticmethod(self.mount)})
        # `import os` of a cell gets this one: the environment is the session's
        self.names["__builtins__"] = {**vars(__import__("builtins")), "__import__": lambda name, *_: System}
        return self.names

    def _filled(self, line: str) -> str:
        """IPython puts the values of Python's names into a line; what it does not know is left to the shell."""
        return re.sub(r"\$(\w+)", lambda match: str(self.names.get(match[1], match[0])), line)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "projectkit"
    command.write_text(
        f'#!/bin/sh\nexec env PYTHONPATH="{REPOSITORY}" "{sys.executable}" -m projectkit "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    return folder


@pytest.fixture
def team(answers: dict[str, str], tmp_path: Path) -> Path:
    """The team's repository, whose training takes a few seconds."""
    given = {**answers, "compute": "colab", "task": "tabular-classification", "wandb": "disabled"}
    root = create_project({**given, "projectkit_source": "git+https://example.org/projectkit.git@v1"}, tmp_path)
    path = root / "configs" / "train.yaml"
    text = re.sub(r"name: \w+ # `projectkit data list.*", "name: synthetic_tabular", path.read_text(encoding="utf-8"))
    text += "\nspeed: {tune: 'off'}\ncheckpoint: {every_n_steps: 3}\n"
    path.write_text(re.sub(r"max_epochs: \d+", "max_epochs: 20", text), encoding="utf-8")
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-C", str(root)]
    subprocess.run([*git, "commit", "--quiet", "--all", "--message", "A short training"], check=True)
    return root


def cells(project: Path) -> dict[str, str]:
    notebook = json.loads((project / "notebooks" / "colab.ipynb").read_text(encoding="utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"}


def copied(drive: Path) -> list[Run]:
    """The whole copies of runs on the drive."""
    return [read_run(path.parent) for path in drive.rglob("backup.json") if read_copy(path.parent) is not None]


def test_a_session_that_is_lost_is_gone_on_with_in_the_next_one(team: Path, programs: Path, tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    cell = cells(team)
    assert list(cell) == ["fetch", "drive", "doctor", "train", "evaluate"]

    first = Colab(tmp_path / "first", drive, programs, team)
    for name in ("fetch", "drive"):
        first.run(cell[name])
    (line,) = [line for line in cell["train"].splitlines() if line.startswith("!")]
    training = first.start(line[1:])
    end = time.monotonic() + 60
    while not copied(drive) and training.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(training.pid, signal.SIGKILL)
    output, _ = training.communicate()
    (lost,) = {run.id for run in copied(drive)} or {output}
    shutil.rmtree(first.content)

    second = Colab(tmp_path / "second", drive, programs, team)
    for name in ("fetch", "drive", "train", "evaluate"):
        second.run(cell[name])
    (run,) = [read_run(path.parent) for path in second.folder.glob("runs/*/run.json")]
    assert (run.id, run.status) == (lost, "finished")
    assert "resumed" in [event["event"] for event in run.events()]
    assert (drive / "domain-watch" / "results" / run.id / "evaluation" / "val.json").is_file()
    # the run itself is there too, under the name that the notebook's last lines give
    assert read_run(drive / "domain-watch" / "runs" / run.id).status == "finished"
