"""Lightning's side of the run record: metrics and events as they happen."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers.logger import Logger

from projectkit.runs import RunWriter
from projectkit.training.loop.clock import Clock
from projectkit.training.pace import Pace


class LoggerOfRun(Logger):
    """A Lightning logger that belongs to one run, whose config is in the run folder already.

    Args:
        writer: of the run.
        clock: is told how long the loggers take.
    """

    def __init__(self, writer: RunWriter, clock: Clock) -> None:
        super().__init__()
        self.writer = writer
        self.clock = clock

    @property
    def name(self) -> str:
        """The run's id."""
        return self.writer.id

    @property
    def version(self) -> str:
        """A run has one version only."""
        return "0"

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Lightning's hook: `write`, with a look at the clock."""
        with self.clock.phase("logging"):
            self.write(metrics, step)

    def write(self, metrics: dict[str, float], step: int | None) -> None:
        """Put the metrics where they belong."""
        raise NotImplementedError

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing to do: see the class."""


class RunLogger(LoggerOfRun):
    """Writes what Lightning logs to `metrics.jsonl`.

    Args:
        writer: of the run.
        clock: of the run.
    """

    def __init__(self, writer: RunWriter, clock: Clock) -> None:
        super().__init__(writer, clock)
        # set by `Recorder`: Lightning's own step lags by one at the end of an epoch
        self.trainer: pl.Trainer | None = None

    def write(self, metrics: dict[str, float], step: int | None) -> None:
        """One line; `step` is replaced by the count of optimiser steps done."""
        values = dict(metrics)
        epoch = int(values.pop("epoch", 0))
        if values:
            self.writer.log(self.step(step), epoch, values)

    def step(self, given: int | None) -> int:
        """The count of optimiser steps done; what was given where there is no trainer yet."""
        return int(given or 0) if self.trainer is None else self.trainer.global_step


class Recorder(Callback):
    """Events, and the latest validation metrics.

    Args:
        writer: of the run.
        logger: whose steps are to be those of the trainer.
    """

    def __init__(self, writer: RunWriter, logger: RunLogger) -> None:
        self.writer = writer
        self.logger = logger
        self.last: dict[str, Any] = {}  # fields of the record that the last epoch changed
        self._pace = Pace()

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Lightning's hook: tie the logger to the trainer."""
        self.logger.trainer = trainer

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: note where the training starts, which is not 0 for a resumed run."""
        parameters = sum(parameter.numel() for parameter in pl_module.parameters())
        self.logger.clock.started()
        self.writer.event("training", step=trainer.global_step, epoch=trainer.current_epoch, parameters=parameters)
        planned = trainer.estimated_stepping_batches
        # how far a running training is; not known where neither epochs nor batches are counted
        self.writer.update(parameters=parameters, planned_steps=int(planned) if 0 < planned < math.inf else None)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: keep the latest validation metrics."""
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        last = {"step": trainer.global_step, "epoch": trainer.current_epoch, **values}
        # a run that is killed has its durations up to here
        self.last = {"last": last}
        if self._pace.due():
            with self._pace.taken():
                self.writer.update(**self.last, durations=self.logger.clock.durations())

    def state_dict(self) -> dict[str, Any]:
        """Lightning's hook: a run that died between its last checkpoint and its end ends with the figures of its last epoch."""
        return dict(self.last)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Lightning's hook: take it up again."""
        self.last = dict(state_dict)
