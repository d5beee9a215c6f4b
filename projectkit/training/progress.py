"""What a person sees while training: a bar where there is a terminal, a line an epoch where there is none."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from projectkit.training.loop.position import NEVER, until_time

REDRAW_S = 0.1  # a bar that is moved at each step costs a third of a millisecond a step


class ProgressReport(Callback):
    """Batches of the epoch as a bar, and one line for each finished epoch.

    Args:
        console: where it is drawn; standard error, so that standard output stays for results.
        monitor: the metric that is shown beside the loss.
    """

    def __init__(self, console: Console, monitor: str | None) -> None:
        self.console = console
        self.monitor = monitor
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._drawn = 0.0
        self._began = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: a run that goes on in the middle of an epoch starts none."""
        self._began = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: a fresh bar."""
        self._began = time.monotonic()
        self._progress.start()
        batches = trainer.num_training_batches
        total = float(batches) if batches != float("inf") else None
        self._task = self._progress.add_task(f"epoch {trainer.current_epoch + 1}", total=total)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Lightning's hook: move the bar a few times a second."""
        now = time.monotonic()
        if self._task is not None and now - self._drawn > REDRAW_S:
            self._progress.update(self._task, completed=batch_idx + 1)
            self._drawn = now

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        """For the segment loop: the bar may grow as old as it does between two moves."""
        if self._task is None or not self.console.is_terminal:
            return NEVER
        return until_time(trainer, self._drawn + REDRAW_S)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: one line for the finished epoch."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        metrics = trainer.callback_metrics
        shown = [name for name in ("train/loss", "val/loss", self.monitor) if name in metrics]
        figures = "  ".join(f"{name} {float(metrics[name]):.4f}" for name in dict.fromkeys(shown) if name)
        total = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else "?"
        seconds = time.monotonic() - self._began
        self.console.print(f"epoch {trainer.current_epoch + 1}/{total}  {figures}  {seconds:.1f} s", highlight=False)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: clear the bar."""
        self._progress.stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Lightning's hook: clear the bar before an error is shown."""
        self._progress.stop()
