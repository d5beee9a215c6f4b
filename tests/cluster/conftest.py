"""One small cluster for all tests of this folder, and a team's repository whose trainings wait to be stopped."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from smallcluster import SmallCluster, missing

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def cluster() -> Iterator[SmallCluster]:
    reason = missing()
    if reason is not None:
        pytest.skip(f"no Slurm here: {reason}")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    try:
        with SmallCluster(folder) as small:
            yield small
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for PATH whose `projectkit` is the one that is tested."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "projectkit"
    command.write_text(
        f'#!/bin/sh\nexec env PYTHONPATH="{REPOSITORY}" "{sys.executable}" -m projectkit "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    return folder


@pytest.fixture
def job_environment(programs: Path, own_home: Path) -> dict[str, str]:
    """What `sbatch` hands to a job, besides this process's environment."""
    return {"PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "HOME": str(own_home)}
