"""What is trained to be killed: small trainings that together have all that a resume has to bring back.

| case | has |
|---|---|
| mlp | dropout, a scheduler by steps, accumulation, early stopping in the middle of an epoch |
| cnn | batch norms, augmentation, two loader processes, a scheduler by epochs |
| gru | text in buckets, dropout, clipped gradients |
| own | a team's DataModule of torch's loaders, whose processes draw at random, a module that draws, OneCycleLR, bfloat16 |

All have an average of the weights, validations inside the epoch and checkpoints by steps.
"""

from __future__ import annotations

from collections.abc import Mapping

COMMON = """
seed: 3
speed: {tune: "off"}
tracking: {wandb: disabled}
callbacks: [{class_path: projectkit.training.EMA, init_args: {decay: 0.9, start_step: 3}}]
"""
MLP = """
name: mlp
data: {name: synthetic_tabular, batch_size: 50}
model: {class_path: projectkit.models.MLP, init_args: {hidden: [16], dropout: 0.3}}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.02}}
scheduler: {class_path: torch.optim.lr_scheduler.StepLR, interval: step, init_args: {step_size: 7, gamma: 0.9}}
trainer: {max_epochs: 8, accelerator: cpu, accumulate_grad_batches: 3, val_check_interval: 0.5, log_every_n_steps: 2}
monitor: {metric: val/f1_macro, mode: max}
early_stopping: {patience: 3}
checkpoint: {every_n_steps: 4}
"""
CNN = """
name: cnn
data:
  name: synthetic_images
  batch_size: 100
  input: stream
  num_workers: 2
  augment:
  - {class_path: projectkit.data.augmentation.RandomHorizontalFlip}
  - {class_path: projectkit.data.augmentation.RandomCrop, init_args: {padding: 2}}
model: {class_path: projectkit.models.CNN, init_args: {width: 8, dropout: 0.2}}
optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.05, momentum: 0.9}}
scheduler: {class_path: torch.optim.lr_scheduler.CosineAnnealingLR, init_args: {T_max: 3}}
trainer: {max_epochs: 3, accelerator: cpu, val_check_interval: 6, log_every_n_steps: 3}
monitor: {metric: val/loss, mode: min}
checkpoint: {every_n_steps: 5}
"""
GRU = """
name: gru
data: {name: synthetic_text, batch_size: 100, buckets: "on"}
model: {class_path: projectkit.models.GRU, init_args: {hidden: 8, embedding: 8, dropout: 0.2}}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.01}}
trainer: {max_epochs: 3, accelerator: cpu, gradient_clip_val: 1.0, val_check_interval: 0.5, log_every_n_steps: 1}
monitor: {metric: val/f1_macro, mode: max}
checkpoint: {every_n_steps: 6}
"""
OWN = """
name: own
data: {class_path: team.own.Data}
task: {class_path: team.own.Own}
trainer: {max_epochs: 3, accelerator: cpu, precision: bf16-mixed, val_check_interval: 0.5, log_every_n_steps: 2}
monitor: {metric: val/loss, mode: min}
checkpoint: {every_n_steps: 4}
"""
CASES: Mapping[str, str] = {"mlp": MLP, "cnn": CNN, "gru": GRU, "own": OWN}

# A team's own data: torch's DataLoader, its processes draw from three generators; the module draws too.
TEAM = """
import random

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    def __init__(self, rows):
        generator = torch.Generator().manual_seed(rows)
        self.x = torch.randn(rows, 8, generator=generator)
        self.y = (self.x[:, 0] * self.x[:, 1] > 0).long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, row):
        return self.x[row] + 0.1 * torch.randn(8) + 0.1 * float(np.random.rand()) + 0.1 * random.random(), self.y[row]


class Data(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(Noisy(400), batch_size=32, shuffle=True, num_workers=2)

    def val_dataloader(self):
        return DataLoader(Noisy(100), batch_size=50)


class Own(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))

    def training_step(self, batch, batch_idx):
        loss = nn.functional.cross_entropy(self.net(batch[0] + 0.01 * torch.randn_like(batch[0])), batch[1])
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", nn.functional.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=39)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
"""
