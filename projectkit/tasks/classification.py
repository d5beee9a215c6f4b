"""Classification: one label for each sample, over any network that gives logits."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional

from projectkit.metrics import classification_metrics
from projectkit.tasks.optimisation import OptimizerPlan

Batch = tuple[Tensor, Tensor]


class Classification(LightningModule):
    """Cross-entropy over the logits of a network.

    Training logs `train/loss` and `train/accuracy` deferred: sums stay on the device and are read every `log_every_n_steps` steps and
    at the end of the epoch, because reading them at each step would cost more than a small model's step. Validation gathers the
    probabilities of all samples and computes every number once, with the functions that `projectkit evaluate` uses.

    Args:
        model: maps x to logits (batch, num_classes).
        plan: optimiser and scheduler; AdamW with a rate of 1e-3 unless given.
        label_smoothing: share of the target's probability that is spread over all classes, in [0, 1).
    """

    def __init__(self, model: nn.Module, plan: OptimizerPlan | None = None, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.plan = plan or OptimizerPlan()
        self.label_smoothing = label_smoothing
        self._sums = _Sums()
        self._scores: list[Tensor] = []
        self._targets: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (batch, num_classes)."""
        logits: Tensor = self.model(x)
        return logits

    def configure_optimizers(self) -> Any:
        """Lightning's hook: the plan, with the trainer's counts."""
        return self.plan.configure(
            (parameter for parameter in self.parameters() if parameter.requires_grad),
            total_steps=self.trainer.estimated_stepping_batches,
            max_epochs=self.trainer.max_epochs,
        )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Lightning's hook: the loss of one batch."""
        x, y = batch
        logits = self(x)
        loss = functional.cross_entropy(logits, y, label_smoothing=self.label_smoothing)
        self._sums.add(loss.detach(), (logits.detach().argmax(dim=1) == y).sum(), len(y))
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Lightning's hook: hand the means since the last time to the loggers."""
        step = self.trainer.global_step
        if self.trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._log_rest()
        elif step and step % self.trainer.log_every_n_steps == 0:  # type: ignore[attr-defined] # set by Lightning in passing
            values = {f"train/{name}": value for name, value in self._means().items()}
            for logger in self.loggers:
                logger.log_metrics({**values, "epoch": self.current_epoch}, step=step)

    def on_train_epoch_end(self) -> None:
        """Lightning's hook: an epoch that was cut short (`max_steps`, `max_time`) has a rest as well."""
        self._log_rest()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Lightning's hook: keep the scores on the device."""
        x, y = batch
        self._scores.append(functional.softmax(self(x).float(), dim=1))
        self._targets.append(y)

    def on_validation_epoch_end(self) -> None:
        """Lightning's hook: every number of the epoch, once."""
        score, target = torch.cat(self._scores), torch.cat(self._targets)
        self._scores, self._targets = [], []
        if self.trainer.sanity_checking:  # two batches say nothing about the whole
            return
        values = classification_metrics(target.cpu().numpy(), score.cpu().numpy())
        self.log_dict({f"val/{name}": value for name, value in values.items()})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook: a training that goes on in the middle of an epoch goes on with its sums."""
        checkpoint["train_sums"] = self._sums.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook: see `on_save_checkpoint`."""
        self._sums = _Sums(*checkpoint["train_sums"])

    def predict_step(self, batch: Batch, batch_idx: int = 0) -> Tensor:
        """Lightning's hook: probabilities in float32, (batch, num_classes)."""
        return functional.softmax(self(batch[0]).float(), dim=1)

    def _log_rest(self) -> None:
        """At the end of an epoch through Lightning, so that callbacks can monitor it; a short epoch is its own mean."""
        for name, value in self._means().items():
            self.log(f"train/{name}", value, on_step=False, on_epoch=True)

    def _means(self) -> dict[str, float]:
        """Means over the steps since the last call; this is where the device is waited for."""
        values = self._sums.means()
        self._sums = _Sums()
        return values


class _Sums:
    """Loss and hits summed on the device, so that nothing waits for it until the means are asked for."""

    def __init__(self, loss: Tensor | float = 0.0, hits: Tensor | float = 0.0, samples: int = 0) -> None:
        self.loss = loss
        self.hits = hits
        self.samples = samples

    def state(self) -> list[float]:
        return [float(self.loss), float(self.hits), self.samples]

    def add(self, mean_loss: Tensor, hits: Tensor, samples: int) -> None:
        self.loss = self.loss + mean_loss * samples
        self.hits = self.hits + hits
        self.samples += samples

    def means(self) -> dict[str, float]:
        if not self.samples:
            return {}
        return {"loss": float(self.loss) / self.samples, "accuracy": float(self.hits) / self.samples}
