"""Correct models of many kinds, as teams write them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytorch_lightning as pl
import torch
from broken import OwnModule, mlp
from subjects import CLASSES, FEATURES, SIDE, Rows, table
from torch import Tensor, nn
from torch.nn import functional


class CifarNet(nn.Module):
    """Convolutions, batch normalisation, max pooling, dropout, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        widths = [1, 16, 32]
        blocks: list[nn.Module] = []
        for into, out in pairwise(widths):
            blocks += [nn.Conv2d(into, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Linear(32 * (SIDE // 4) ** 2, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, CLASSES)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).flatten(1))


class Residual(nn.Module):
    """Residual blocks whose last normalisation begins at 0 (Goyal et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.first, self.first_norm = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.second, self.second_norm = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        nn.init.zeros_(self.second_norm.weight)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        inner = self.second_norm(self.second(functional.relu(self.first_norm(self.first(x)))))
        return self.head(functional.relu(x + inner).amax(dim=(2, 3)))


class Recurrent(nn.Module):
    """An LSTM that is read at each sequence's last token."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.head = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.lstm(self.embedding(x))
        last = (x != 0).sum(dim=1).clamp(min=1) - 1
        return self.head(states[torch.arange(len(x)), last])


class Attention(nn.Module):
    """torch's own encoder with a mask over the padding."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 32, padding_idx=0)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        padding = x == 0
        states = self.encoder(self.embedding(x), src_key_padding_mask=padding)
        real = (~padding).unsqueeze(2)
        return self.head((states * real).sum(dim=1) / real.sum(dim=1).clamp(min=1))


class Frozen(nn.Module):
    """A backbone that is not trained, in evaluation mode for good."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(FEATURES, 64), nn.BatchNorm1d(64), nn.ReLU()).requires_grad_(False)
        self.head = nn.Linear(64, CLASSES)

    def train(self, mode: bool = True) -> Frozen:
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


class GatedUnits(nn.Module):
    """Sigmoid gates, as in squeeze-and-excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.gate, self.head = nn.Linear(FEATURES, 32), nn.Linear(FEATURES, 32), nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.gelu(self.body(x)) * torch.sigmoid(self.gate(x)))


class OwnSchedule(OwnModule):
    """A warm-up to a high rate and back, by OneCycleLR, and two parameter groups."""

    def configure_optimizers(self) -> Any:
        groups = [{"params": self.network[:-1].parameters()}, {"params": self.network[-1].parameters(), "lr": 0.02}]
        optimizer = torch.optim.AdamW(groups, lr=0.01)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [0.01, 0.02], total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Regression(OwnModule):
    """One number a sample."""

    def __init__(self) -> None:
        super().__init__(mlp(classes=1))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return {"loss": functional.mse_loss(self(x).squeeze(1), y), "size": len(y)}


class OfMapping(OwnModule):
    """Batches are mappings; the forward takes two arguments."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:  # type: ignore[override]
        return self.network(torch.cat([left, right], dim=1))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return functional.cross_entropy(self(batch["left"], batch["right"]), batch["label"])


class MappingRows(Rows):
    """For `OfMapping`."""

    def train_dataloader(self) -> Any:
        x, y = table()
        rows = [{"left": a[:4], "right": a[4:], "label": b} for a, b in zip(x, y, strict=True)]
        return torch.utils.data.DataLoader(rows, 32, shuffle=True)


class Variational(pl.LightningModule):
    """A variational autoencoder with a loss per sample; it draws while it trains alone."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = (
            nn.Linear(FEATURES, 2 * 4),
            nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, FEATURES)),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, spread = self.encoder(x).chunk(2, dim=1)
        drawn = mean + torch.exp(0.5 * spread) * torch.randn_like(mean) if self.training else mean
        return self.decoder(drawn), mean, spread

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, _ = batch
        given, mean, spread = self(x)
        divergence = -0.5 * (1 + spread - mean**2 - spread.exp()).sum(dim=1).mean()
        return functional.mse_loss(given, x) + 0.01 * divergence

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.005)


class Adversaries(pl.LightningModule):
    """A generator and a discriminator that are stepped by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, FEATURES))
        self.discriminator = nn.Sequential(nn.Linear(FEATURES, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    def forward(self, z: Tensor) -> Tensor:
        return self.generator(z)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        x, _ = batch
        first, second = self.optimizers()
        made = self(torch.randn(len(x), 4, device=x.device))
        real, fake = self.discriminator(x), self.discriminator(made.detach())
        loss = functional.softplus(-real).mean() + functional.softplus(fake).mean()
        second.zero_grad()
        self.manual_backward(loss)
        second.step()
        loss = functional.softplus(-self.discriminator(made)).mean()
        first.zero_grad()
        self.manual_backward(loss)
        first.step()
        self.log("train/generator", loss)

    def configure_optimizers(self) -> Any:
        return [torch.optim.Adam(part.parameters(), lr=2e-4) for part in (self.generator, self.discriminator)]
