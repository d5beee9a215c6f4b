"""A training whose numbers are no numbers ends, and none of them gets into a checkpoint.

Reading the loss makes a GPU wait, so it is looked at where somebody waits anyway: at the steps of the log, at the end of an epoch, before a
validation, and with all weights before each checkpoint. `last.ckpt` thus always holds weights that a training can go on from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities.types import STEP_OUTPUT
from torch import Tensor

from projectkit.errors import WorkError
from projectkit.runs import RunWriter
from projectkit.training.loop.position import until_logging
from projectkit.training.loop.shapes import tensors_of


class NotANumberError(WorkError):
    """The loss or a weight became NaN or infinite."""

    reason = "nan"


class FiniteNumbers(Callback):
    """Looks at loss and weights.

    Args:
        writer: of the run.
    """

    def __init__(self, writer: RunWriter) -> None:
        self.writer = writer
        self._loss: Any = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int
    ) -> None:
        """Lightning's hook: look at the loss now and then."""
        self._loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        every = trainer.log_every_n_steps  # type: ignore[attr-defined] # set by Lightning in passing
        ends = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if ends or (every and trainer.global_step % every == 0):
            self._look(trainer, pl_module, batch)

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        """For the segment loop: a look at the steps of the log is enough."""
        return until_logging(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: a loss that is no number is named before metrics of its scores are asked for."""
        self._look(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Lightning's hook: what is not written leaves the checkpoint before in its place."""
        if trainer.state.fn != "fit":
            return
        self._look(trainer, pl_module)
        name = _parameter(pl_module)
        if name is not None:
            raise self._error(f"the parameter {name} is not finite at step {trainer.global_step}")

    def _look(self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any = None) -> None:
        if self._loss is None or math.isfinite(float(self._loss)):
            return
        what = f"the loss is {float(self._loss)} at step {trainer.global_step}"
        culprit = _input(batch)
        if culprit is not None:
            raise self._error(f"{what}: {culprit}", "mend the data: a value that is missing is not a number either")
        name = _parameter(module)
        raise self._error(f"{what}: the inputs are finite, the parameter {name} is not" if name else what)

    def _error(
        self,
        what: str,
        remedy: str = "lower optimizer.init_args.lr tenfold, or set trainer.gradient_clip_val=1.0, and look for NaN in the data",
    ) -> NotANumberError:
        kept = "; last.ckpt is of before" if (self.writer.checkpoints / "last.ckpt").is_file() else ""
        return NotANumberError(what, where=self.writer.id, remedy=f"{remedy}{kept}")


def _input(batch: Any) -> str | None:
    """The first sample and part of a batch that is not finite, in words."""
    for index, part in enumerate(tensors_of(batch)):
        if isinstance(part, Tensor) and part.is_floating_point() and not bool(torch.isfinite(part).all()):
            rows = (~torch.isfinite(part)).reshape(len(part), -1).any(dim=1) if part.ndim else torch.ones(1)
            return f"sample {int(rows.nonzero()[0])} of the batch is not finite in part {index} of it"
    return None


def _parameter(module: torch.nn.Module) -> str | None:
    """The first parameter that is not finite."""
    for name, parameter in module.named_parameters():
        if not bool(torch.isfinite(parameter.detach()).all()):
            return name
    return None
