"""Files that are damaged, from elsewhere, or not what they were when the run began."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from faultcommands import Typed
from table import fault

from projectkit.project import require_project
from projectkit.runs import Run, find_run, list_runs

pytestmark = pytest.mark.slow  # each row trains

STEPS = 14  # of an epoch: 1,400 samples in batches of 100


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@fault(
    "the last checkpoint is truncated, or a bit of it has flipped",
    happens="a warning names it, and the one before is taken; without one, exit 2",
    kept="the damaged file, set aside as `*.damaged`",
)
@pytest.mark.parametrize("damage", [truncate, flip])
@pytest.mark.parametrize("before", [True, False], ids=["with one before", "alone"])
def test_a_damaged_checkpoint(typed: Typed, stopped: Run, damage: Callable[[Path], None], before: bool) -> None:
    last = stopped.checkpoint("last")
    if before:  # as if it had been written a moment earlier
        shutil.copy(last, last.with_name("step-13.ckpt"))
    damage(last)
    ended = typed("train", "--resume", stopped.id)
    aside = [path.name for path in last.parent.iterdir() if "damaged" in path.name]
    assert len(aside) == 1
    if not before:
        assert ended.status == 2
        assert f"{stopped.id}: every checkpoint of the run is damaged, or from elsewhere" in ended.line
        return
    assert ended.status == 0, ended.err
    assert [line for line in ended.warnings if "last.ckpt is damaged, or from elsewhere" in line]
    assert ended.out.strip() == stopped.id


class Exploit:
    """Runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.mark),)


@fault(
    "a checkpoint was exchanged for one that runs code when it is loaded",
    happens="resuming: exit 2, it is not what the run wrote; evaluating: exit 1, it holds more than containers and tensors",
    kept="the file; its code is not run",
)
def test_a_malicious_checkpoint(typed: Typed, stopped: Run, tmp_path: Path) -> None:
    mark = tmp_path / "the code was run"
    for name in ("last", "best"):
        torch.save({"state_dict": Exploit(mark)}, stopped.checkpoint(name))
    resumed = typed("train", "--resume", stopped.id)
    assert resumed.status == 2
    assert "damaged, or from elsewhere" in resumed.line
    measured = typed("evaluate", stopped.id)
    assert measured.status == 1
    assert "could run code and is not loaded" in measured.line
    assert not mark.exists()


@fault(
    "a run is to go on with another config",
    happens="exit 2; the line names the keys that differ",
    kept="the run as it was",
)
def test_a_checkpoint_of_another_config(typed: Typed, stopped: Run) -> None:
    before = (stopped.path / "run.json").read_bytes()
    ended = typed("train", "optimizer.init_args.lr=0.5", "--resume", stopped.id)
    assert ended.status == 2
    assert "optimizer.init_args.lr" in ended.line
    assert "--force" in ended.line
    assert (stopped.path / "run.json").read_bytes() == before


@fault(
    "a run is to go on with other code than it was started with",
    happens="exit 2; the line names what differs. With `--force` it goes on, and the record says so",
    kept="the run as it was",
)
def test_a_checkpoint_of_other_code(typed: Typed, stopped: Run, project: Path) -> None:
    (project / "src" / "team" / "__init__.py").write_text("CHANGED = True\n", encoding="utf-8")
    ended = typed("train", "--resume", stopped.id)
    assert ended.status == 2
    assert "the Python files of team have changed" in ended.line
    assert "--force" in ended.line
    forced = typed("train", "--resume", stopped.id, "--force")
    assert (forced.status, forced.out.strip()) == (0, stopped.id), forced.err


@fault(
    "a run is to go on with another number of threads, which changes the last bits of its sums",
    happens="the run's own number is set again, and it goes on",
    kept="everything, to the same bits",
)
def test_another_number_of_threads(typed: Typed, stopped: Run) -> None:
    recorded = stopped.part("resolved")["threads"]
    before = torch.get_num_threads()
    torch.set_num_threads(recorded + 1)
    try:
        ended = typed("train", "--resume", stopped.id)
        assert ended.status == 0, ended.err
        assert find_run(stopped.id, require_project()).part("resolved")["threads"] == recorded
    finally:
        torch.set_num_threads(before)


@fault(
    "a line of metrics was torn by a death",
    happens="it is left out when it is read, and cut off before the next one is written",
    kept="all whole lines",
)
def test_a_torn_line_of_metrics(typed: Typed, stopped: Run) -> None:
    path = stopped.path / "metrics.jsonl"
    lines = len(stopped.metrics())
    with path.open("ab") as file:
        file.write(b'{"step": 15, "epoch": 1, "train/lo')
    assert len(stopped.metrics()) == lines
    assert typed("runs", "show", stopped.id).status == 0
    assert typed("train", "--resume", stopped.id).status == 0
    assert b"train/lo{" not in path.read_bytes()
    assert (find_run(stopped.id, require_project()).last or {})["step"] == 3 * STEPS


@fault(
    "run.json is corrupt",
    happens="the run is told by its events, and shown as damaged; other runs are listed as ever",
    kept="the folder as it is",
)
@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_corrupt_record(typed: Typed, stopped: Run, text: str) -> None:
    other = typed("train", "trainer.max_epochs=1").out.strip()
    (stopped.path / "run.json").write_text(text, encoding="utf-8")
    listed = typed("runs", "list")
    assert listed.status == 0
    assert other in listed.out
    shown = typed("runs", "show", stopped.id)
    assert shown.status == 0
    assert "run.json cannot be read" in shown.out
    assert (stopped.path / "run.json").read_text(encoding="utf-8") == text
    assert stopped.checkpoint("last").is_file()


CARD = """
import numpy as np
from projectkit.datasets import Card, Samples, SplitPolicy, Table, Target

def read(files):
    labels = np.arange(600, dtype=np.int64) % 3
    x = np.random.default_rng(SEED).normal(size=(600, 2)).astype(np.float32)
    table = Table(x, ("a", "b"), np.empty((600, 0), dtype=np.str_), ())
    return Samples(np.array([f"row-{n}" for n in range(600)]), table, {"label": labels})

CARD = Card(
    name="course_rows", title="Rows", description="Rows.", modality="tabular",
    targets={"label": Target("multiclass", ("x", "y", "z"), split="stratified")}, default_target="label",
    licence="CC0-1.0", redistributable=True, citation="none", read=read,
    splits={"stratified": SplitPolicy("stratified", {}, "independent rows")},
)
"""


@fault(
    "the data set is another one than when the run began",
    happens="exit 2; the line names which digest differs, and that `projectkit data verify` looks closer",
    kept="the run as it was",
)
def test_a_data_set_that_was_changed(
    typed: Typed, stop: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTKIT_CARDS", str(tmp_path))
    card = tmp_path / "course_rows.py"
    card.write_text(CARD.replace("SEED", "1"), encoding="utf-8")
    overrides = ("data.name=course_rows", "data.batch_size=50")
    run = stop(*overrides)
    before = (run.path / "run.json").read_bytes()
    card.write_text(CARD.replace("SEED", "2"), encoding="utf-8")
    for words in (("evaluate", run.id), ("train", *overrides, "--resume", run.id)):
        ended = typed(*words)
        assert ended.status == 2, ended
        assert "digest" in ended.line
        assert "projectkit data verify course_rows" in ended.line
    assert (run.path / "run.json").read_bytes() == before


@fault(
    "the project's folder was moved or renamed between runs",
    happens="runs are found in the new place, evaluated, and gone on with",
    kept="everything: a run holds no path that it needs",
)
def test_a_folder_that_was_moved(typed: Typed, stopped: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = project.with_name("moved project")
    monkeypatch.chdir(project.parent)
    project.rename(moved)
    monkeypatch.chdir(moved)
    assert [run.id for run in list_runs(require_project())] == [stopped.id]
    ended = typed("train", "--resume", "auto")
    assert (ended.status, ended.out.strip()) == (0, stopped.id), ended.err
    assert typed("evaluate", stopped.id).status == 0
