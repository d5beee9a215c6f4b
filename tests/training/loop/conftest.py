"""What is said, and left on the disk, while small models are trained two hundred times is of no interest here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Lightning's notes are kept off the log, and the filters of warnings are as they were."""
    logger = logging.getLogger("pytorch_lightning")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainer without a folder of its own writes into the working directory."""
    monkeypatch.chdir(tmp_path)
