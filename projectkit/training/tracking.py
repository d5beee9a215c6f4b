"""Weights & Biases beside our own record, and never in its way.

The tracker always writes offline into the run folder. `online` hands that folder over when the training has ended, in a process of
its own with a deadline: a server that cannot be reached costs a bounded time and a warning, never the training.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import WandbLogger

from projectkit.runs import RunWriter
from projectkit.training.logger import LoggerOfRun
from projectkit.training.loop.clock import Clock

DEADLINE_S = 60.0


class Tracker(LoggerOfRun):
    """Lightning's W&B logger, which is dropped with one warning at the first thing that goes wrong in it.

    Args:
        writer: of the run that is tracked.
        clock: of the run.
        project: the W&B project.
        config: the run's config, plain containers.
    """

    def __init__(self, writer: RunWriter, clock: Clock, project: str, config: dict[str, Any]) -> None:
        super().__init__(writer, clock)
        self.warning: str | None = None
        self._inner: WandbLogger | None = None
        self._guard(lambda: self._start(project, config))

    def write(self, metrics: dict[str, float], step: int | None) -> None:
        """Pass the metrics on."""
        inner = self._inner
        if inner is not None:
            self._guard(lambda: inner.log_metrics(metrics, step))

    def close(self, *, exit_code: int) -> None:
        """End the W&B run; the offline files are complete afterwards."""
        inner, self._inner = self._inner, None
        if inner is not None:
            self._guard(lambda: inner.experiment.finish(exit_code=exit_code))

    def _start(self, project: str, config: dict[str, Any]) -> None:
        import wandb

        # started here and not by Lightning's logger, which passes a setting that wandb warns about
        run = wandb.init(
            id=self.writer.id,
            name=self.writer.id,
            dir=self.writer.path,
            project=project,
            config=config,
            mode="offline",
            settings=wandb.Settings(silent=True, console="off", disable_git=True, x_disable_stats=True),
        )
        self._inner = WandbLogger(experiment=run)

    def _guard(self, action: Any) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - whatever the tracker does, the training goes on; the warning is recorded at its end
            self._inner = None
            first_line = (str(error).splitlines() or [type(error).__name__])[0]
            self.warning = f"Weights & Biases stopped: {first_line}"


def wandb_project(course: str) -> str:
    """A name that W&B accepts: letters, digits, `-`, `_`, `.`, 128 at most."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", course).strip("-")[:128] or "projectkit"


def upload(run: Path, deadline_s: float = DEADLINE_S) -> str | None:
    """Hand a run's offline W&B files to the server.

    Returns:
        None when they were taken, else one line that says why not.
    """
    folders = sorted(run.glob("wandb/offline-run-*"))
    if not folders:
        return "there are no offline files of Weights & Biases"
    command = [sys.executable, "-m", "wandb", "sync", *map(str, folders)]
    # a file and not a pipe: a process that it leaves behind would hold a pipe open beyond the deadline
    with tempfile.TemporaryFile() as output:
        try:
            status = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, timeout=deadline_s, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            return f"the server of Weights & Biases did not answer within {deadline_s:.0f} s"
        output.seek(0)
        lines = [line for line in output.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return f"wandb sync failed: {lines[-1] if lines else f'status {status}'}" if status else None
