"""Commands typed in this process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from clityped import Done, Typed

from projectkit import cli


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """Type a command line; it runs in this process, with an empty store."""
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(line: str, *more: str) -> Done:
        words = [*line.split(), *more]
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["projectkit", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        seen = capsys.readouterr()
        return Done(int(ended.value.code or 0), seen.out, seen.err)

    return run


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is in no project."""
    folder = tmp_path / "nowhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run_id(typed: Typed, config: Path) -> str:
    """A short training that has been typed."""
    done = typed("train trainer.max_epochs=1")
    assert done.status == 0, done.err
    return done.out.strip()
