"""Odd names of folders, and answers to the template that mean harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from faultcommands import Typed
from table import fault

from projectkit.runs import Run
from projectkit.scaffold.new import template_folder

pytestmark = pytest.mark.slow  # each row trains


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
