"""Config and data that are wrong: found before a run exists where that is possible, and named by file and line, key, or sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from faultcommands import Typed
from table import fault

from projectkit.runs import Run

# Sixty rows of a course's own data; what is wrong with them is put in by the tests.
CARD = """
import numpy as np
from projectkit.datasets import Card, Samples, SplitPolicy, Table, Target

def read(files):
    labels = np.arange(60, dtype=np.int64) % 3
    WRONG
    table = Table(np.zeros((60, 2), np.float32), ("a", "b"), np.empty((60, 0), dtype=np.str_), ())
    return Samples(np.array([f"row-{n}" for n in range(60)]), table, {"label": labels})

CARD = Card(
    name="course_rows", title="Rows", description="Rows.", modality="tabular",
    targets={"label": Target("multiclass", ("x", "y", "z"), split="stratified")}, default_target="label",
    licence="CC0-1.0", redistributable=True, citation="none", read=read, splits={"stratified": POLICY},
)
"""
POLICY = 'SplitPolicy("stratified", {}, "independent rows")'

# A team's own module and data: three outputs, and a label 7 in its second batch.
OWN = """
import torch
from torch.utils.data import DataLoader, TensorDataset
import pytorch_lightning as pl

class Data(pl.LightningDataModule):
    def __init__(self, samples: int = 20, batch_size: int = 5, drop_last: bool = False, label: int = 2):
        super().__init__()
        self.batch_size, self.drop_last = batch_size, drop_last
        y = torch.arange(samples) % 3
        y[min(8, samples - 1)] = label
        self.set = TensorDataset(torch.randn(samples, 4), y)
    def train_dataloader(self):
        return DataLoader(self.set, batch_size=self.batch_size, drop_last=self.drop_last)

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)
    def training_step(self, batch, batch_idx):
        return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)
"""
OWN_CONFIG = """
name: own
task: {class_path: team.own.Module}
data: {class_path: team.own.Data, init_args: {}}
trainer: {max_epochs: 1, accelerator: cpu}
tracking: {wandb: disabled}
"""


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write the course's card with something wrong in it."""

    def write(wrong: str = "pass", policy: str = POLICY) -> None:
        folder = tmp_path / "cards"
        folder.mkdir()
        text = CARD.replace("WRONG", wrong).replace("POLICY", policy)
        (folder / "course_rows.py").write_text(text, encoding="utf-8")
        monkeypatch.setenv("PROJECTKIT_CARDS", str(folder))

    return write


@pytest.fixture
def own(config: Path, team_file: Callable[[str, str], None]) -> None:
    """A team's own module and data."""
    team_file("own", OWN)
    config.write_text(OWN_CONFIG, encoding="utf-8")


@fault(
    "a key is mistyped, given twice, or has a value of the wrong type, NaN, or a negative learning rate",
    happens="exit 2 before torch is imported or data is read; the line names file, line and key, and the key or value that was meant",
    kept="no run is made",
)
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trainer: {max_epoch: 3}", "configs/train.yaml:2:11, trainer.max_epoch: unknown key; did you mean trainer.max_epochs?"),
        ("trainer: {max_epochs: three}", "configs/train.yaml:2:11, trainer.max_epochs: expected a whole number or null, found the text"),
        ("optimizer: {class_path: torch.optim.SGD, init_args: {lr: .nan}}", "optimizer.init_args.lr: .nan is not a finite number"),
        ("optimizer: {class_path: torch.optim.SGD, init_args: {lr: -0.1}}", "Invalid learning rate: -0.1"),
        ("seed: 1\nseed: 2", "configs/train.yaml:3:1, seed: given twice, first at configs/train.yaml:2:1"),
    ],
    ids=["typo", "type", "nan", "negative", "duplicate"],
)  # fmt: skip
def test_a_mistake_in_the_config(typed: Typed, config: Path, line: str, message: str) -> None:
    lines = config.read_text(encoding="utf-8").strip().splitlines()
    key = line.partition(":")[0]
    rest = [each for each in lines if not each.startswith((f"{key}:", "scheduler:"))]
    config.write_text("\n".join([rest[0], line, *rest[1:]]), encoding="utf-8")
    ended = typed("train")
    assert message in ended.line
    assert ended.status == 2
    assert not (config.parents[1] / "runs").exists()


@fault(
    "the config asks for an environment variable, `${oc.env:...}`",
    happens="exit 2: a run must repeat from its config alone",
    kept="no run is made, and the variable is written nowhere",
)
def test_a_config_that_would_read_the_environment(typed: Typed, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_PASSWORD", "swordfish")
    ended = typed("train", "name=${oc.env:TEAM_PASSWORD}")
    assert ended.status == 2
    assert "calls a resolver, which is not allowed" in ended.line
    assert "swordfish" not in ended.err
    assert not (config.parents[1] / "runs").exists()


@fault(
    "a label of the data set is out of range",
    happens="exit 1 before training; the line names the sample, its label and how many classes there are",
    kept="no run is made",
)
def test_a_label_out_of_range_in_a_data_set(typed: Typed, config: Path, card: Callable[..., None]) -> None:
    card("labels[41] = 7")
    ended = typed("train", "data.name=course_rows")
    assert ended.status == 1
    assert "target 'label' of row-41 is 7, but there are 3 classes" in ended.line
    assert not (config.parents[1] / "runs").exists()


@fault(
    "a label is out of range in a team's own data",
    happens="exit 1 at the batch that has it; the line names the sample in the batch, its label and the outputs of the model",
    kept="the run, `failed (input)`",
)
def test_a_label_out_of_range_in_a_teams_own_data(typed: Typed, own: None, only_run: Callable[[], Run]) -> None:
    ended = typed("train", "data.init_args.label=7")
    assert ended.status == 1
    assert "sample 3 of the batch has the label 7, and the model has 3 outputs (0 to 2)" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("failed", "input")


@fault(
    "a subset of the split is empty",
    happens="exit 2 before training; the line names the split, and a class that the subset lacks",
    kept="no run is made",
)
def test_an_empty_subset(typed: Typed, config: Path, card: Callable[..., None]) -> None:
    card(policy=POLICY.replace("{}", '{"val_fraction": 0.001}'))
    ended = typed("train", "data.name=course_rows")
    assert ended.status == 2, ended
    assert "data.split: class 'x' is in train but not in " in ended.line
    assert not (config.parents[1] / "runs").exists()


@fault(
    "a batch is larger than the set",
    happens="each epoch is one step, which a warning says; where `drop_last` leaves nothing, exit 1",
    kept="the run; one that made no step is `failed (input)`",
)
@pytest.mark.parametrize("drops", [False, True])
def test_a_batch_larger_than_the_set(
    typed: Typed, config: Path, own: None, only_run: Callable[[], Run], drops: bool
) -> None:
    ended = typed("train", "data.init_args.batch_size=64", f"data.init_args.drop_last={drops}".lower())
    if drops:
        assert ended.status == 1
        assert "not one step was trained: the training data has no batches" in ended.line
        assert (only_run().status, only_run().record["reason"]) == ("failed", "input")
        return
    assert ended.status == 0
    assert ended.warnings == ["warning: an epoch is one step: a batch is as large as the training set or larger"]
    assert only_run().last is not None
    assert only_run().last["step"] == 1


@fault(
    "the training set has no samples",
    happens="exit 1: the line says that no step was trained, and why",
    kept="the run, `failed (input)`",
)
def test_a_training_set_without_samples(typed: Typed, own: None, only_run: Callable[[], Run]) -> None:
    ended = typed("train", "data.init_args.samples=1", "data.init_args.drop_last=true")
    assert ended.status == 1
    assert "the training data has no batches" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("failed", "input")
