"""Commands typed in this process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from clityped import CONFIG, DATA, Done, Made, Typed

from projectkit import cli
from projectkit.project import Project
from projectkit.runs import RunWriter


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


@pytest.fixture
def made(project: Path) -> Made:
    """Write a run as a training would, without training."""

    def make(
        name: str,
        *,
        value: float = 0.5,
        hidden: int = 64,
        status: str = "finished",
        reason: str | None = None,
        **fields: Any,
    ) -> RunWriter:
        settings = {"kind": "train", "data": DATA, "monitor": {"metric": "val/f1_macro", "mode": "max"}, **fields}
        writer = RunWriter.create(
            Project(root=project).runs,
            name,
            config_yaml=CONFIG.format(hidden),
            command=["projectkit", "train"],
            **settings,
        )
        writer.log(10, 0, {"train/loss": 1.0})
        writer.log(20, 0, {"train/loss": 0.00005, "val/f1_macro": value})
        best = {"step": 20, "epoch": 0, "val/f1_macro": value, "val/loss": 1 - value}
        writer.update(best=best, last=best)
        if status != "running":
            writer.finish(status, reason)  # type: ignore[arg-type]
        return writer

    return make
