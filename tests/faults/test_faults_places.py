"""Odd places: names of folders, repositories, and answers that mean harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faultcommands import Typed
from table import fault

from projectkit.project import require_project
from projectkit.runs import Run, find_run
from projectkit.scaffold.new import template_folder


@fault(
    "spaces, accents, emoji and 200 characters in the path of the project",
    happens="nothing: it is trained, evaluated, shown and gone on with as elsewhere",
    kept="everything",
)
@pytest.mark.parametrize("name", ["mon été à Zürich", "проект 🚀 深度学习", "it's #1 & $HOME [x] %s {y}", "x" * 200])
def test_an_odd_path(typed: Typed, stopped: Run, project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if os.name == "nt" and len(name) > 100:
        pytest.skip("Windows takes no path of this length unless it is told to")
    monkeypatch.chdir(project.parent)
    odd = project.rename(project.with_name(name))
    monkeypatch.chdir(odd)
    trained = typed("train", "--resume", stopped.id)
    assert (trained.status, trained.out.strip()) == (0, stopped.id), trained.err
    assert typed("train", "trainer.max_epochs=1").status == 0
    assert typed("evaluate", stopped.id).status == 0
    assert stopped.id in typed("runs", "show", stopped.id).out


def git(*words: str, cwd: Path) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *identity, *words], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def recorded(typed: Typed, config: Path) -> Callable[[], dict[str, Any]]:
    """Train, and look what the record says about the code."""

    def train() -> dict[str, Any]:
        ended = typed("train", "trainer.max_epochs=1")
        assert ended.status == 0, ended.err
        record = find_run(ended.out.strip(), require_project()).record
        # in each case there is something that tells this code from another
        assert len(record["source"]["sha256"]) == len(record["code_digest"]) == 64
        return dict(record)

    return train


@fault(
    "git is not installed, or the project is no repository",
    happens="the training runs; the record says why there is no commit",
    kept="a digest of the team's files in place of the commit",
)
@pytest.mark.parametrize("case", ["no git", "no repository"])
def test_no_commit(
    recorded: Callable[[], dict[str, Any]],
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    if case == "no git":
        if shutil.which("git"):
            git("init", cwd=project)
        monkeypatch.setenv("PATH", str(tmp_path))
    found = recorded()["git"]
    assert found["commit"] is None
    assert found["reason"]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@fault(
    "a repository with a detached head, a submodule, no commit yet, or an untracked file of 4 GiB",
    happens="the training runs; the commit and what differs from it are recorded, the file's content is not",
    kept="the commit, the difference, the submodule's commit, a digest of the team's files",
)
@pytest.mark.parametrize("case", ["detached", "submodule", "unborn", "huge"])
def test_an_odd_repository(recorded: Callable[[], dict[str, Any]], project: Path, tmp_path: Path, case: str) -> None:
    git("init", "--initial-branch=main", cwd=project)
    if case != "unborn":
        git("add", "--all", cwd=project)
        git("commit", "-m", "first", cwd=project)
    if case == "detached":
        git("checkout", "--detach", cwd=project)
    if case == "submodule":
        other = tmp_path / "other"
        other.mkdir()
        git("init", cwd=other)
        (other / "code.py").write_text("X = 1\n", encoding="utf-8")
        git("add", "--all", cwd=other)
        git("commit", "-m", "theirs", cwd=other)
        git("submodule", "add", str(other), "theirs", cwd=project)
        git("commit", "-m", "with it", cwd=project)
        (project / "theirs" / "code.py").write_text("X = 2\n", encoding="utf-8")
    if case == "huge":
        with (project / "huge.bin").open("wb") as file:
            file.truncate(2**32)  # a hole: it takes no room here
    found = recorded()["git"]
    assert (found["commit"] is None) == (case == "unborn")
    if case == "detached":
        assert found["branch"] is None
    if case == "submodule":
        assert "theirs" in str(found["submodules"])
    assert sum(path.stat().st_size for path in (project / "runs").rglob("source.diff")) < 100_000


HARMFUL = [
    ("project_title", '"; import pathlib; pathlib.Path("harm").touch(); x = "'),
    ("project_title", "{% raw %}{{ ''.__class__.__mro__ }}{% endraw %}"),
    ("project_title", "{{ cookiecutter.update({'harm': 1}) }}"),
    ("project_slug", "../../harm"),
    ("project_slug", "/tmp/harm"),
    ("package_name", "os; import harm"),
    ("team_members", "$(touch harm) <a@example.org>"),
    ("course", "'; touch harm; echo '"),
]


@fault(
    "answers to the template that hold code, Jinja, shell commands or a path to elsewhere",
    happens="by `projectkit new` as by cookiecutter: text stays text, and what can name no folder or package is refused",
    kept="nothing outside of the new folder; no code of an answer is run",
)
@pytest.mark.parametrize("command", ["projectkit new", "cookiecutter"])
@pytest.mark.parametrize(("key", "answer"), HARMFUL, ids=[str(number) for number in range(len(HARMFUL))])
def test_answers_that_inject(
    typed: Typed, tmp_path: Path, key: str, answer: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    answers = {"project_slug": "watch", "package_name": "watch", "team_members": "A <a@example.org>", key: answer}
    words = [f"{name}={value}" for name, value in answers.items()]
    if command == "cookiecutter":
        line = [sys.executable, "-m", "cookiecutter", str(template_folder()), "--no-input", *words]
        done = subprocess.run(line, capture_output=True, encoding="utf-8", check=False, timeout=50)
        refused, said = done.returncode != 0, done.stderr + done.stdout
    else:
        ended = typed("new", "--no-input", *words)
        assert ended.status in (0, 2), ended
        refused, said = ended.status == 2, ended.err
    assert refused == (not (place / "watch").exists()), said
    assert not list(tmp_path.rglob("harm*"))
    assert not Path("/tmp/harm").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.name for path in place.iterdir()] == ([] if refused else ["watch"])
    if refused:
        assert key in said
        return
    # what was generated is Python, and holds the answer as text
    for path in (place / "watch").rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
