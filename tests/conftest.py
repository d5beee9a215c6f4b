"""What every test shares: a home of its own, one thread, and projects to train in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# set before torch is imported by anything: many small tests on two cores are fastest on one thread each
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WANDB_SILENT", "true")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's home, runs or store."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.delenv("PROJECTKIT_RUNS", raising=False)
    return home


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team's repository with the package `team`, and the working directory in it."""
    root = tmp_path / "project"
    package = root / "src" / "team"
    package.mkdir(parents=True)
    (root / "configs").mkdir()
    (root / "pyproject.toml").write_text('[tool.projectkit]\npackage = "team"\n', encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(root)
    return root
