"""What the scaffold's tests share: answers that are fine, and the library's wheel, built once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from projectkit.scaffold.new import template_folder
from projectkit.scaffold.wheel import library_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = library_wheel(template_folder())
    path = tmp_path_factory.mktemp("wheel") / built.name
    path.write_bytes(built.content)
    return path


@pytest.fixture
def answers(wheel: Path) -> dict[str, str]:
    return {
        "project_title": "Domain watch",
        "project_slug": "domain-watch",
        "package_name": "domainwatch",
        "team_name": "Team 7",
        "team_members": "Ada Lovelace <ada@example.org>; Alan Turing <alan@example.org>",
        "course": "Deep Learning",
        "task": "text-classification",
        "compute": "laptop",
        "wandb": "offline",
        "license": "MIT",
        "projectkit_source": str(wheel),
    }


@pytest.fixture
def typed(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command as a user with a fresh home would; git knows no name there."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PROJECTKIT_", "XDG_"))
    }
    environment.update(
        HOME=str(home), USERPROFILE=str(home), GIT_CONFIG_NOSYSTEM="1", PYTHONUTF8="1", OMP_NUM_THREADS="1"
    )

    def run(*command: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=cwd, env={**environment, **more}, capture_output=True, text=True, encoding="utf-8", check=False
        )

    return run
