"""Models that are broken in one way each, as they are found in first projects."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from subjects import CLASSES, FEATURES, SIDE
from torch import Tensor, nn
from torch.nn import functional


def mlp(*, last: nn.Module | None = None, classes: int = CLASSES, width: int = 32) -> nn.Sequential:
    """A correct one, with something behind it."""
    layers = [nn.Linear(FEATURES, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, classes)]
    return nn.Sequential(*layers, *([last] if last is not None else []))


class Detached(nn.Module):
    """The features are cut off from the head."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = nn.Sequential(nn.Linear(FEATURES, 32), nn.ReLU()), nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).detach())


class InPlainList(nn.Module):
    """Layers in a list, of which torch does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Linear(FEATURES, 32), nn.Linear(32, 32)]
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.head(x)


class AlwaysDropping(nn.Module):
    """Dropout that evaluation mode does not switch off."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = mlp(classes=32)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.dropout(torch.relu(self.layers(x)), 0.3))


class StuckInTraining(nn.Module):
    """A train() of its own that forgets what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FEATURES, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, CLASSES))

    def train(self, mode: bool = True) -> StuckInTraining:
        return super().train(True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class MixedBatch(nn.Module):
    """A reshape that puts two samples into one row and back."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(2 * FEATURES, 64), nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.first(x.reshape(-1, 2 * FEATURES))).reshape(-1, 32))


class NormalisedOverBatch(nn.Module):
    """A softmax over dim 0: the samples share it out among themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.gate, self.head = nn.Linear(FEATURES, 32), nn.Linear(FEATURES, 32), nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.first(x) * 32 * torch.softmax(self.gate(x), dim=0))


class AcrossBatch(nn.Module):
    """Attention without batch_first: every sample attends to the same column of the others."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.attention = nn.Linear(1, 16), nn.MultiheadAttention(16, 2)
        self.head = nn.Linear(16 * FEATURES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.first(x.unsqueeze(2))
        return self.head((tokens + self.attention(tokens, tokens, tokens)[0]).flatten(1))


class Unused(nn.Module):
    """A layer that was never called."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.extra = mlp(), nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class WritesItsInput(nn.Module):
    """Centres its input in place."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = mlp()

    def forward(self, x: Tensor) -> Tensor:
        x -= x.mean(dim=1, keepdim=True)
        return self.layers(x)


class LogOfZero(nn.Module):
    """A logarithm of what a ReLU lets through."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(FEATURES, 32), nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.log(torch.relu(self.first(x))))


class MeanOverPadding(nn.Module):
    """The mean of all tokens, padding included."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(100, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embedding(x).mean(dim=1))


class Blind(nn.Module):
    """Throws away what tells its inputs apart."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = mlp()

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(torch.ones_like(x) * 0.3 + 0.0 * x)


def dead() -> nn.Module:
    """Biases far below 0."""
    model = mlp()
    nn.init.constant_(model[0].bias, -20.0)
    return model


def saturated() -> nn.Module:
    """Weights that drive every tanh to an end of its range."""
    model = nn.Sequential(nn.Linear(FEATURES, 32), nn.Tanh(), nn.Linear(32, CLASSES))
    nn.init.normal_(model[0].weight, std=200.0)
    return model


def deep_sigmoid() -> nn.Module:
    """Twelve sigmoids on top of each other."""
    layers: list[nn.Module] = []
    for index in range(12):
        layers += [nn.Linear(FEATURES if index == 0 else 32, 32), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(32, CLASSES))


def exploding() -> nn.Module:
    """Weights ten times too large in eight layers."""
    layers: list[nn.Module] = []
    for index in range(8):
        layer = nn.Linear(FEATURES if index == 0 else 32, 32)
        nn.init.normal_(layer.weight, std=3.0)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(32, CLASSES))


def overconfident() -> nn.Module:
    """A last layer that is sure from the start."""
    model = mlp()
    nn.init.normal_(model[-1].weight, std=30.0)
    return model


def all_zero() -> nn.Module:
    """Every weight begins at 0, so that all units stay alike."""
    model = mlp()
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model


def batch_statistics() -> nn.Module:
    """A batch normalisation that has no statistics but the batch's own."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8, track_running_stats=False),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * SIDE * SIDE, CLASSES),
    )


class OwnModule(pl.LightningModule):
    """A team's own, correct as it stands; the broken ones change one thing."""

    def __init__(self, network: nn.Module | None = None, lr: float = 0.01) -> None:
        super().__init__()
        self.network, self.lr = network or mlp(), lr

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        loss = functional.cross_entropy(self(x), y)
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class HeadOnly(OwnModule):
    """The optimiser has the last layer alone, though nothing is frozen."""

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.network[-1].parameters(), lr=0.01)


class StaleOptimizer(OwnModule):
    """The optimiser was made before the head was replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.optimizer = torch.optim.Adam(self.parameters(), lr=0.01)
        self.network[-1] = nn.Linear(32, CLASSES)

    def configure_optimizers(self) -> Any:
        return self.optimizer


class WrongSign(OwnModule):
    """Climbs."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return -functional.cross_entropy(self(x), y)


class SoftmaxTwice(OwnModule):
    """Its forward gives probabilities, its loss wants logits."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.network(x), dim=1)


class Broadcast(OwnModule):
    """A regression of (batch, 1) against (batch,)."""

    def __init__(self) -> None:
        super().__init__(mlp(classes=1))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return functional.mse_loss(self(x), y)


class Summed(OwnModule):
    """A loss that grows with the batch."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return functional.cross_entropy(self(x), y, reduction="sum")
