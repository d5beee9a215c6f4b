"""The page on runs names everything that a run folder holds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from projectkit.runs import RunWriter, read_run
from projectkit.runs.notes import note_run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runs.md"
RECORDED = Path(__file__).parent / "recorded"


def table(head: str) -> set[str]:
    """What stands in backquotes in the first column of a table."""
    rows = PAGE.read_text(encoding="utf-8").split(f"| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_every_file_of_a_run_is_in_the_table(make_run, project):
    (project.root / "new.py").write_text("x = 1\n", encoding="utf-8")
    writer = make_run()
    (writer.path / "source.diff").touch()
    writer.write_evaluation("val", {"n": 1})
    writer.write_model({"layers": []})
    writer.write_predictions("val", ["a"], [0], np.ones((1, 2)))
    note_run(read_run(writer.path), "good")
    there = {f"{path.name}/" if path.is_dir() else path.name for path in writer.path.iterdir()}
    named = {name.split("/")[0] + ("/" if "/" in name else "") for name in table("file")}
    assert there <= named
    assert named - there == {"wandb/"}


def test_every_field_of_a_record_is_in_the_table(make_run):
    RunWriter.resume(make_run().path).finish("finished", message="x")
    fields = {field for path in RECORDED.glob("*/*/") for field in read_run(path).record} - {"process"}  # of schema 1
    assert fields | set(read_run(make_run().path).record) <= table("field of `run.json`")
