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
from projectkit.data.encoders.image import ImageEncoder
from projectkit.errors import ProjectkitError
from projectkit.models import CNN, GRU, MLP, CharCNN

BATCH = 256
CIFAR = (3, 32, 32)
MEAN, DEVIATION = 127.5, 64.0  # grey levels
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
        finish: what is done to a gathered x; None: nothing.
    """

    name: str
    data: BatchDataset
    classes: int
    model: Callable[[], nn.Module]
    note: str
    batch_size: int = BATCH
    finish: Callable[[Tensor], Tensor] | None = None

    @property
    def steps(self) -> int:
        """Full batches of an epoch."""
        return len(self.data) // self.batch_size

    @property
    def tensors(self) -> tuple[Tensor, Tensor]:
        """All samples as one x and one y; texts padded to `LONGEST`."""
        if isinstance(self.data.x, EncodedArray):
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
    assert isinstance(data.x, EncodedArray)
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


class PaddedGRU(nn.Module):
    """The same network as most people write it: over the padding too, the last state of each sequence looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(40, 64, padding_idx=0)
        self.gru = nn.GRU(64, 128, batch_first=True)
        self.head = nn.Linear(128, 25)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length) int64 -> logits (batch, 25)."""
        states, _ = self.gru(self.embedding(x))
        last = ((x != 0).sum(dim=1) - 1).clamp(min=0)
        return self.head(states[torch.arange(len(x)), last])


def images() -> Workload:
    """Colour images of CIFAR's shape, kept as uint8; generated, since a step costs the same whatever they show."""
    data = BatchDataset(_pictures(10_000, *CIFAR), _labels(10_000, 10))
    finish = ImageEncoder([MEAN] * 3, [DEVIATION] * 3, list(CIFAR)).on_device
    model = seeded(lambda: CNN(3, 10, dropout=0.0))
    return Workload("CNN", data, 10, model, "generated, of CIFAR-10's shape", batch_size=128, finish=finish)


def fashion() -> Workload:
    """Grey images of clothes."""
    generated = _pictures(10_000, 1, 28, 28)
    data, note = _catalogued("fashion_mnist", generated, 10)
    finish = ImageEncoder([MEAN], [DEVIATION], [1, 28, 28]).on_device
    return Workload("CNN", data, 10, seeded(lambda: CNN(1, 10, dropout=0.0)), note, batch_size=128, finish=finish)


def _domain_names() -> tuple[BatchDataset, str]:
    generated = BatchDataset(EncodedArray(torch.randint(2, 40, (20_000, 17))), _labels(20_000, 25))
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


def _pictures(rows: int, *shape: int) -> EncodedArray:
    return EncodedArray(torch.randint(256, (rows, *shape), dtype=torch.uint8))


def _labels(rows: int, classes: int) -> Tensor:
    return torch.randint(classes, (rows,))
