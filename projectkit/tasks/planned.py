"""What every task of ours shares: a network, a plan for its optimiser, and logs of the training that cost nothing.

`train/loss` (and `train/accuracy`) are logged deferred: sums stay on the device and are read every `log_every_n_steps` steps and at the end
of the epoch, because reading them at each step would cost more than a small model's step.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from projectkit.errors import UserError
from projectkit.tasks.optimisation import OptimizerPlan

Batch = tuple[Tensor, Tensor]


class PlannedTask(LightningModule):
    """A network and the plan for its optimiser, with the logs of the training; what is optimised stands in the kinds of it.

    Args:
        model: the network.
        plan: optimiser and scheduler; AdamW with a rate of 1e-3 unless given.
    """

    def __init__(self, model: nn.Module, plan: OptimizerPlan | None = None) -> None:
        super().__init__()
        self.model = model
        self.plan = plan or OptimizerPlan()
        self._sums = Sums()

    def forward(self, x: Tensor) -> Tensor:
        """What the network gives."""
        output: Tensor = self.model(x)
        return output

    def configure_optimizers(self) -> Any:
        """Lightning's hook: the plan, with the trainer's counts."""
        return self.plan.configure(
            (parameter for parameter in self.parameters() if parameter.requires_grad),
            total_steps=self.trainer.estimated_stepping_batches,
            max_epochs=self.trainer.max_epochs,
        )

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Lightning's hook: hand the means since the last time to the loggers."""
        step, every = self.trainer.global_step, self.trainer.log_every_n_steps  # type: ignore[attr-defined] # set by Lightning in passing
        accumulated = (batch_idx + 1) % self.trainer.accumulate_grad_batches == 0
        if self.trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._log_rest()
        elif accumulated and every and step % every == 0:  # 0 logs nothing within an epoch
            values = {f"train/{name}": value for name, value in self._means().items()}
            for logger in self.loggers:
                logger.log_metrics({**values, "epoch": self.current_epoch}, step=step)

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        """For the segment loop: `on_train_batch_end` has something to do at the steps of the log only."""
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined] # set by Lightning in passing
        if not every:
            return sys.maxsize
        accumulate, done = trainer.accumulate_grad_batches, trainer.fit_loop.epoch_loop.batch_progress.current.ready
        steps = every - trainer.global_step % every
        return (done // accumulate + steps) * accumulate - done - 1

    def on_train_epoch_end(self) -> None:
        """Lightning's hook: an epoch that was cut short (`max_steps`, `max_time`) has a rest as well."""
        self._log_rest()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook: a training that goes on in the middle of an epoch goes on with its sums."""
        checkpoint["train_sums"] = self._sums.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook: see `on_save_checkpoint`."""
        self._sums = Sums(*checkpoint["train_sums"])

    def _refuse_detached(self, loss: Tensor) -> None:
        if not loss.requires_grad:
            raise UserError(
                f"no gradient leads from the loss to {type(self.model).__name__}",
                where="model",
                remedy="its forward must not detach, call .item(), .data or .numpy(), or run under torch.no_grad()",
            )

    def _log_rest(self) -> None:
        """At the end of an epoch through Lightning, so that callbacks can monitor it; a short epoch is its own mean."""
        for name, value in self._means().items():
            self.log(f"train/{name}", value, on_step=False, on_epoch=True)

    def _means(self) -> dict[str, float]:
        """Means over the steps since the last call; this is where the device is waited for."""
        values = self._sums.means()
        self._sums = Sums()
        return values


class PureStep:
    """Mixed into a `PlannedTask` whose training step is `loss_of` and `note_step` and nothing else.

    That makes it a `PureTask`: a compiled step may stand for it.
    """

    def training_step(self: Any, batch: Batch, batch_idx: int) -> Tensor:
        """Lightning's hook: the loss of one batch."""
        loss: Tensor
        loss, noted = self.loss_of(batch)
        self._refuse_detached(loss)
        self.note_step(loss.detach(), noted, len(batch[1]))
        return loss


def pair(batch: Any) -> Batch:
    """The parts x and y of a batch; a UserError says what it is where it is no pair."""
    if not isinstance(batch, list | tuple) or len(batch) != 2:
        seen = f"{len(batch)} parts" if isinstance(batch, list | tuple) else type(batch).__name__
        raise UserError(
            f"a batch is {seen} where a pair (x, y) is expected",
            where="data",
            remedy="let the loader give (x, y), or name a LightningModule of your own as task.class_path",
        )
    x, y = batch
    return x, y


class Sums:
    """Losses of the steps and, where the task counts them, hits, kept on the device as they come: nothing waits for them until it must."""

    CHUNK = (
        512  # steps that are kept as tensors of their own; more are packed, so that a long epoch takes 12 bytes a step
    )

    def __init__(self, loss: float = 0.0, hits: float | None = None, samples: int = 0) -> None:
        self.loss = loss
        self.hits = hits
        self.samples = samples
        self._packed: list[tuple[Tensor, Tensor | None]] = []
        self._losses: list[Tensor] = []
        self._hits: list[Tensor] = []
        self._counts: list[int] = []

    def state(self) -> list[float | None]:
        """What a checkpoint needs: loss and hits summed, and samples."""
        self._add_up()
        return [self.loss, self.hits, self.samples]

    def add(self, mean_loss: Tensor, hits: Tensor | None, samples: int) -> None:
        """Count a step: its mean loss, hits if there are any, and how many samples it had."""
        self._losses.append(mean_loss)
        if hits is not None:
            self._hits.append(hits)
        self._counts.append(samples)
        if len(self._losses) == self.CHUNK:
            self._pack()

    def means(self) -> dict[str, float]:
        """`loss` and, where hits were counted, `accuracy`; empty without a step."""
        self._add_up()
        if not self.samples:
            return {}
        means = {"loss": self.loss / self.samples}
        return means if self.hits is None else {**means, "accuracy": self.hits / self.samples}

    def _pack(self) -> None:
        losses = torch.stack(self._losses)
        counts = torch.tensor(self._counts, dtype=losses.dtype).to(losses.device, non_blocking=True)
        self._packed.append((losses * counts, torch.stack(self._hits) if self._hits else None))
        self.samples += sum(self._counts)
        self._losses, self._hits, self._counts = [], [], []

    def _add_up(self) -> None:
        """One addition after the other in the loss's own precision: the sum is the same wherever a run was interrupted."""
        if self._losses:
            self._pack()
        for losses, hits in self._packed:
            values = losses.to(torch.promote_types(losses.dtype, torch.float32)).cpu().numpy()
            self.loss = float(np.add.accumulate(np.append(values.dtype.type(self.loss), values))[-1])
            if hits is not None:
                self.hits = (self.hits or 0.0) + float(hits.sum())
        self._packed = []
