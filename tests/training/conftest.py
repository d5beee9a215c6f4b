"""A small training in a project of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
name: small
seed: 3
data: {name: synthetic_tabular, batch_size: 100}
model: {class_path: projectkit.models.MLP, init_args: {hidden: [16], dropout: 0.3}}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.01}}
scheduler: {class_path: torch.optim.lr_scheduler.StepLR, init_args: {step_size: 1, gamma: 0.7}}
trainer: {max_epochs: 3, accelerator: cpu}
monitor: {metric: val/f1_macro, mode: max}
tracking: {wandb: disabled}
"""


@pytest.fixture
def config(project: Path) -> Path:
    """`configs/train.yaml` of a small training with dropout and a scheduler that moves each epoch."""
    path = project / "configs" / "train.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def team_file(project: Path) -> Callable[[str, str], None]:
    """Write a module of the team's package under a name that no other test has imported."""

    def write(name: str, text: str) -> None:
        (project / "src" / "team" / f"{name}.py").write_text(text, encoding="utf-8")

    return write


@pytest.fixture(autouse=True)
def fresh_team_package(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each test's `team` is its own project's."""
    import sys

    before = list(sys.path)
    yield
    sys.path[:] = before
    for name in [name for name in sys.modules if name == "team" or name.startswith("team.")]:
        del sys.modules[name]
