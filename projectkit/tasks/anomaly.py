"""Anomaly detection by reconstruction: a network learns to give back what is normal, and what it cannot give back is anomalous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from projectkit.errors import UserError
from projectkit.metrics import anomaly_metrics
from projectkit.tasks.optimisation import OptimizerPlan
from projectkit.tasks.planned import Batch, PlannedTask, PureStep, pair

NORMAL = 0  # the class of a target of kind `anomaly`; 1 is looked for


class AnomalyDetection(PureStep, PlannedTask):
    """The mean squared error of a reconstruction, as what is trained and as each sample's score.

    Labels are not learnt from: the training subset should be normal, which the splits of an `anomaly` target see to. Validation logs
    `val/loss`, the error of its normal samples (a low error of the others would be no merit), and, where it has both kinds, `val/auroc`
    and `val/average_precision` of the scores, with the functions that `projectkit evaluate` uses.

    Args:
        model: maps x to its reconstruction, of the same shape, in floating point; `projectkit.models.Autoencoder` for tables.
        plan: optimiser and scheduler; AdamW with a rate of 1e-3 unless given.

    Source: Taormina & Galelli 2018, "Deep-learning approach to the detection and localization of cyber-physical attacks on water
    distribution systems", which scores hours by an autoencoder's error.
    """

    def __init__(self, model: nn.Module, plan: OptimizerPlan | None = None) -> None:
        super().__init__(model, plan)
        self._scores: list[Tensor] = []
        self._targets: list[Tensor] = []

    def loss_of(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The mean squared error over the values of a batch; nothing is noted."""
        x, _ = pair(batch)
        return nn.functional.mse_loss(self._reconstruction(x), x), {}

    def note_step(self, loss: Tensor, noted: Mapping[str, Tensor], samples: int) -> None:
        """The other half of `training_step`: what the logs are made of."""
        self._sums.add(loss, None, samples)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Lightning's hook: keep the scores on the device."""
        self._scores.append(self.predict_step(batch))
        self._targets.append(pair(batch)[1])

    def on_validation_epoch_end(self) -> None:
        """Lightning's hook: every number of the epoch, once."""
        score, target = torch.cat(self._scores), torch.cat(self._targets)
        self._scores, self._targets = [], []
        if self.trainer.sanity_checking:  # two batches say nothing about the whole
            return
        normal = target == NORMAL
        if bool(normal.any()):
            self.log("val/loss", score[normal].double().mean().float())
            if not bool(normal.all()):
                values = anomaly_metrics(target.cpu().numpy(), score.cpu().numpy())
                self.log_dict({f"val/{name}": value for name, value in values.items()})

    def predict_step(self, batch: Batch, batch_idx: int = 0) -> Tensor:
        """Lightning's hook: the mean squared error of each sample in float32, (batch,); higher is more anomalous."""
        x = batch[0]
        return (self._reconstruction(x).float() - x.float()).square().flatten(1).mean(dim=1)

    def _reconstruction(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            raise UserError(
                f"the inputs are {str(x.dtype).removeprefix('torch.')}, which have no squared error",
                where="task.class_path",
                remedy="name a table, images or series as data.name, or write a task of your own",
            )
        given: Any = self(x)
        if not isinstance(given, Tensor) or given.shape != x.shape:
            seen = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
            raise UserError(
                f"the model gives {seen} for inputs of shape {tuple(x.shape)}",
                where="model.class_path",
                remedy="a reconstruction has its input's shape: for a table write model.class_path=projectkit.models.Autoencoder",
            )
        return given
