"""Runs that look like those of a training, made without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from projectkit.project import Project
from projectkit.runs import RunWriter

DATA = {"name": "dga", "target": "family", "split": "stratified", "split_digest": "d" * 64, "card_digest": "c" * 64}


@pytest.fixture(autouse=True)
def _runs_stay_in_the_project(monkeypatch):
    monkeypatch.delenv("PROJECTKIT_RUNS", raising=False)


@pytest.fixture
def project(tmp_path) -> Project:
    root = tmp_path / "équipe rouge"
    root.mkdir()
    (root / "pyproject.toml").write_text("[tool.projectkit]\n", encoding="utf-8")
    return Project(root=root)


@pytest.fixture
def make_run(project):
    """A function that writes a run; the metric is that of its best checkpoint."""

    def make(name: str = "lstm", *, value: float | None = 0.5, status: str = "finished", **fields: Any) -> RunWriter:
        settings = {"kind": "train", "data": DATA, "monitor": {"metric": "val/f1_macro", "mode": "max"}, **fields}
        writer = RunWriter.create(
            project.runs,
            name,
            config_yaml=f"name: {name}\nseed: 0\n",
            command=["projectkit", "train"],
            source=project.root,
            **settings,
        )
        writer.log(10, 0, {"train/loss": 1.0})
        writer.log(20, 0, {"train/loss": 0.5, "val/f1_macro": 0.4})
        if value is not None:
            writer.update(best={"step": 20, "epoch": 0, "val/f1_macro": value})
        if status != "running":
            writer.finish(status)  # type: ignore[arg-type]
        return writer

    return make


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder
