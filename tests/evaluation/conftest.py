"""A finished run to be measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from projectkit.runs import Run
from projectkit.training import train


@pytest.fixture
def run(config: Path) -> Run:
    """Two epochs of the small training."""
    return train(config, ["trainer.max_epochs=2"])


@pytest.fixture
def ledger(project: Path) -> Path:
    """Where looks are recorded."""
    return project / "ledger"
