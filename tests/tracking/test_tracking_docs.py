"""The numbers that docs/tracking.md names are those of the code."""

from __future__ import annotations

from pathlib import Path

from projectkit.config import Config
from projectkit.runs.sync import DEADLINE_S, END_S, GRACE_S
from projectkit.training.tracking.offline import CLOSE_S, START_S

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tracking.md").read_text(encoding="utf-8")


def test_the_bounds_of_the_page_are_those_of_the_code() -> None:
    assert f"about a second, {START_S:g} at most" in PAGE
    assert f"and {CLOSE_S + END_S + GRACE_S:g} s at most at its end" in PAGE
    assert f"the time for one run ({DEADLINE_S:g} s)" in PAGE
    assert f"`tracking.checkpoint_mib` ({Config().tracking.checkpoint_mib:g};" in PAGE
