"""Posters as teams hand them in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from handedin import write_built

sys.path.insert(0, str(Path(__file__).parents[2] / "runs"))  # the browser's driver, devtools.py


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a team's built poster and returns its folder."""
    return lambda name="team", **said: write_built(tmp_path / "teams" / name, **said)
