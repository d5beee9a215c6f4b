"""What is trained in the benchmarks: a data set, encoded once, and the network that goes with it.

Where a data set cannot be had (no mirror, no network), generated data of its shape takes its place: a step costs the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from projectkit.data import DataModule
from projectkit.data.batches import BatchDataset, EncodedArray
from projectkit.errors import ProjectkitError
from projectkit.models import CNN, GRU, MLP, CharCNN

BATCH = 256
LONGEST = 64  # domain names are padded to this length by those who pad once and for all


@dataclass(frozen=True)
class Workload:
    """Samples in memory and the network.

    Args:
        name: for the tables.
        data: all samples.
        classes: of the target.
        model: makes the network anew, always with the same weights.
        note: what the data are.
        batch_size: of every contender.
    """

    name: str
    data: BatchDataset
    classes: int
    model: Callable[[], nn.Module]
    note: str
    batch_size: int = BATCH

    @property
    def steps(self) -> int:
        """Full batches of an epoch."""
        return len(self.data) // self.batch_size

    @property
    def tensors(self) -> tuple[Tensor, Tensor]:
        """All samples as one x and one y; texts padded to `LONGEST`."""
        if isinstance(self.data.x, EncodedArray) and not hasattr(self.data.x, "offsets"):
            return self.data.x.values, self.data.y
        x, y = self.data[torch.arange(len(self.data))]
        return nn.functional.pad(x, (0, max(0, LONGEST - x.shape[1])))[:, :LONGEST].contiguous(), y

    def padded(self) -> Workload:
        """The same with every text padded to `LONGEST`."""
        x, y = self.tensors
        return replace(self, data=BatchDataset(EncodedArray(x), y))

    def full_batches(self, steps: int) -> Workload:
        """So many batches, each of them full: rows repeated, or the first ones."""
        x, y = self.tensors
        rows = torch.arange(steps * self.batch_size) % len(y)
        return replace(self, data=BatchDataset(EncodedArray(x[rows]), y[rows]))


def seeded(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """The same weights at each call, whatever was drawn before."""

    def fresh() -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return make()

    return fresh


def mlp() -> Workload:
    """A table of network connections: the cheapest step of all, so every microsecond of a loop shows. No dropout."""
    data, note = _catalogued("nsl_kdd", EncodedArray(torch.randn(22_000, 117)), 2)
    features = data.x.values.shape[1]
    return Workload("MLP", data, 2, seeded(lambda: MLP(features, 2, hidden=(128, 64), dropout=0.0)), note)


def char_cnn() -> Workload:
    """Domain names by the family that made them, as characters."""
    data, note = _domain_names()
    return Workload("char-CNN", data, 25, seeded(lambda: CharCNN(40, 25, dropout=0.0)), note)


def gru() -> Workload:
    """The same for a recurrent network."""
    data, note = _domain_names()
    return Workload("GRU", data, 25, seeded(lambda: GRU(40, 25, dropout=0.0)), note)


def images(channels: int = 3) -> Workload:
    """Colour images of CIFAR's shape, generated; or, with one channel, fashion_mnist."""
    if channels == 1:
        data, note = _catalogued("fashion_mnist", _pictures(10_000, 1, 28), 10)
    else:
        data, note = BatchDataset(_pictures(10_000, 3, 32), _labels(10_000, 10)), "generated, of CIFAR-10's shape"
    return Workload("CNN", data, 10, seeded(lambda: CNN(channels, 10, dropout=0.0)), note, batch_size=128)


def _domain_names() -> tuple[BatchDataset, str]:
    generated, _ = (
        BatchDataset(EncodedArray(torch.randint(2, 40, (20_000, 17), dtype=torch.int16)), _labels(20_000, 25)),
        None,
    )
    try:
        module = DataModule("dga", target="family")
        module.setup("fit")
    except ProjectkitError:
        return generated, "generated, of dga's mean length"
    return module.train_dataloader().dataset, "dga by family, training subset"


def _catalogued(name: str, generated: EncodedArray, classes: int) -> tuple[BatchDataset, str]:
    try:
        module = DataModule(name)
        module.setup("fit")
    except ProjectkitError:
        return BatchDataset(generated, _labels(len(generated), classes)), f"generated, of {name}'s shape"
    return module.train_dataloader().dataset, f"{name}, training subset"


def _pictures(rows: int, channels: int, side: int) -> EncodedArray:
    return EncodedArray(torch.randint(256, (rows, channels, side, side), dtype=torch.uint8))


def _labels(rows: int, classes: int) -> Tensor:
    return torch.randint(classes, (rows,))
