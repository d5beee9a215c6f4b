"""The place in a team's own data is found again in the middle of an epoch, or it is said what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from deaths import DiesAt, die, differences, outcome

from projectkit.training import train

CONFIG = """
name: own
seed: 5
data: {class_path: team.own.Data, init_args: {kind: KIND}}
task: {class_path: team.own.Task}
trainer: {max_epochs: 3, accelerator: cpu, log_every_n_steps: 1}
checkpoint: {every_n_steps: 2, every_n_minutes: null}
tracking: {wandb: disabled}
"""

MODULE = '''
"""A set of 60 rows, in batches of 6, by every kind of loader."""

import random

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, RandomSampler, Sampler, WeightedRandomSampler

X = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))


class Rows(Dataset):
    """Adds noise from all three generators, as augmentations of a team's own do."""

    def __len__(self):
        return 60

    def __getitem__(self, index):
        return X[index] + 0.1 * torch.randn(4) + 0.1 * random.random() + 0.1 * float(np.random.rand())


class Noise:
    def __init__(self):
        self.rng = np.random.default_rng(3)


class NoisyRows(Rows):
    def __init__(self):
        self.transforms = [Noise()]

    def __getitem__(self, index):
        return X[index] + 0.1 * float(self.transforms[0].rng.normal())


class Stream(IterableDataset):
    def __iter__(self):
        for index in torch.randperm(60).tolist():
            yield X[index] + 0.1 * torch.randn(4)


class Pythons(Sampler):
    """Shuffles by Python's generator, and has a state that nobody could guess."""

    def __init__(self):
        self.passes = 0

    def __len__(self):
        return 60

    def __iter__(self):
        self.passes += 1
        rows = list(range(60))
        random.shuffle(rows)
        return iter(rows[self.passes :] + rows[: self.passes])

    def state_dict(self):
        return {"passes": self.passes}

    def load_state_dict(self, state):
        self.passes = state["passes"]


class Stateful:
    """A loader that is asked for its place, as torchdata's is."""

    def __init__(self):
        self.epoch = self.batch = 0

    def __len__(self):
        return 10

    def __iter__(self):
        if self.batch == 10:
            self.epoch, self.batch = self.epoch + 1, 0
        rows = torch.randperm(60, generator=torch.Generator().manual_seed(self.epoch))
        while self.batch < 10:
            self.batch += 1
            yield X[rows[6 * self.batch - 6 : 6 * self.batch]]

    def state_dict(self):
        return {"epoch": self.epoch, "batch": self.batch}

    def load_state_dict(self, state):
        self.epoch, self.batch = state["epoch"], state["batch"]


class Plain:
    def __iter__(self):
        return (X[rows] for rows in torch.randperm(60).split(6))


class Data(pl.LightningDataModule):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def train_dataloader(self):
        own = torch.Generator().manual_seed(9)
        rows, kind = Rows(), self.kind
        if kind == "shuffled":
            return DataLoader(rows, 6, shuffle=True)
        if kind == "own_generator":
            return DataLoader(rows, 6, shuffle=True, generator=own)
        if kind == "workers":
            return DataLoader(rows, 6, shuffle=True, num_workers=2)
        if kind == "weighted":
            return DataLoader(rows, 6, sampler=WeightedRandomSampler(torch.arange(60) + 1.0, 60))
        if kind == "batches":
            return DataLoader(rows, batch_sampler=BatchSampler(RandomSampler(rows, generator=own), 6, drop_last=False))
        if kind == "pythons":
            return DataLoader(rows, 6, sampler=Pythons())
        if kind.startswith("noisy"):
            return DataLoader(NoisyRows(), 6, num_workers=int(kind[-1]))
        if kind == "stream":
            return DataLoader(Stream(), 6)
        if kind.startswith("stateful"):
            loader = Stateful()
            loader.num_workers = 2 if kind == "stateful_workers" else 0
            return loader
        if kind == "two":
            return {"one": DataLoader(rows, 6, shuffle=True), "two": DataLoader(rows, 6, shuffle=True)}
        if kind == "plain":
            return Plain()
        if kind == "persistent":
            return DataLoader(rows, 6, num_workers=1, persistent_workers=True)
        raise ValueError(kind)


class Task(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.2), nn.Linear(4, 1))

    def training_step(self, batch, batch_idx):
        batch = torch.cat(list(batch.values())) if isinstance(batch, dict) else batch
        loss = (self.net(batch).squeeze(1) - batch.sum(1)).square().mean()
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.01)
'''


@pytest.fixture
def own(project: Path, team_file: Callable[[str, str], None]) -> Callable[[str], Path]:
    """A config of a kind of loader."""
    team_file("own", MODULE)

    def write(kind: str) -> Path:
        path = project / "configs" / "own.yaml"
        path.write_text(CONFIG.replace("KIND", kind), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("loop", ["auto", "lightning"])
@pytest.mark.parametrize(
    "kind",
    [
        "shuffled",
        "own_generator",
        "workers",
        "noisy1",
        "weighted",
        "batches",
        "pythons",
        "stream",
        "stateful",
        "two",
        "plain",
    ],
)
def test_a_teams_own_loader_goes_on_where_it_was(own: Callable[[str], Path], kind: str, loop: str) -> None:
    config, overrides = own(kind), [f"speed.loop={loop}"]
    whole = train(config, overrides)
    # in the first epoch, whose iterator is made with the loaders; in a later one; at an epoch's end
    deaths = [DiesAt("on_train_batch_start", 6), DiesAt("on_train_batch_start", 11), DiesAt("on_train_epoch_end", 1)]
    resumed = die(config, overrides, *deaths)
    assert not differences(outcome(whole), outcome(resumed))


@pytest.mark.parametrize("kind", ["shuffled", "workers"])
def test_loaders_that_are_made_anew_each_epoch_go_on_as_well(own: Callable[[str], Path], kind: str) -> None:
    config, overrides = own(kind), ["trainer.reload_dataloaders_every_n_epochs=1"]
    resumed = die(config, overrides, DiesAt("on_train_batch_start", 14), DiesAt("on_train_epoch_end", 1))
    assert not differences(outcome(train(config, overrides)), outcome(resumed))


@pytest.mark.parametrize(
    ("kind", "doubt"),
    [
        ("stream", "Stream is a stream"),
        ("noisy0", "the state of NoisyRows.transforms[0].rng is not kept"),
        ("noisy1", None),
        ("persistent", "persistent workers"),
        ("plain", "Plain is not a DataLoader"),
        ("stateful_workers", "keeps its place, and not what its workers draw"),
        ("shuffled", None),
        ("stateful", None),
        ("pythons", None),
    ],
)
def test_what_cannot_be_rewound_is_named_when_the_training_starts(
    own: Callable[[str], Path], kind: str, doubt: str | None
) -> None:
    run = train(own(kind), ["trainer.max_epochs=1"])
    said = [event["message"] for event in run.events() if event["event"] == "warned"]
    assert any(doubt in line for line in said) if doubt else not any("resumed" in line for line in said)
