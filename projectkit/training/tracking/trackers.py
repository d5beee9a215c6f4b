"""The trackers that a config asks for. Whatever they do, the training goes on: they cost it a bounded few seconds and one line."""

from __future__ import annotations

import importlib.util
from typing import Any

from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.loggers.logger import Logger

from projectkit.config import Config, config_to_dict
from projectkit.errors import UserError
from projectkit.project import Project
from projectkit.runs.files import read_lines
from projectkit.runs.masking import mask_document
from projectkit.runs.sync import END_S, Target, Uploading, first_line, target_of
from projectkit.training.logger import RunLogger
from projectkit.training.tracking.guarded import GuardedLogger, NoTracker
from projectkit.training.tracking.offline import OfflineWandb, disable
from projectkit.training.tracking.table import write_table

SYNC = "`projectkit sync` hands it over later"


def refuse_missing_packages(config: Config) -> None:
    """What a tracker needs and is not installed is told before a run folder is made.

    Raises:
        UserError: it names the command that installs it.
    """
    if config.tracking.tensorboard and not any(
        importlib.util.find_spec(name) for name in ("tensorboard", "tensorboardX")
    ):
        raise UserError(
            "the package tensorboard is not installed",
            where="tracking.tensorboard",
            remedy="type `pip install tensorboard`",
        )


class Trackers:
    """Those of one training.

    Args:
        logger: our own, whose run and steps they take.
        config: of the run.
        project: the repository.
    """

    def __init__(self, logger: RunLogger, config: Config, project: Project) -> None:
        self.logger = logger
        self.config = config
        self.warnings: list[str] = []
        self._none = NoTracker(logger.writer, logger.clock)
        self._wandb: OfflineWandb | None = None
        self._tensorboard: GuardedLogger | None = None
        self._uploading: Uploading | None = None
        self._problem: str | None = None
        plain = config_to_dict(config)
        if config.tracking.wandb != "disabled":
            target = target_of(plain["tracking"], project.root.name)
            self._wandb = OfflineWandb(logger, target, mask_document(plain))
            if config.tracking.wandb == "online":
                self._follow(target)
        else:
            disable()
        if config.tracking.tensorboard:
            self._tensorboard = GuardedLogger("TensorBoard", logger, self._start_tensorboard)

    @property
    def loggers(self) -> list[Logger]:
        """For Lightning, W&B first: `self.logger` of a team's task is the first one."""
        return [each for each in (self._wandb, self._tensorboard) if each is not None] or [self._none]

    def close(self, exit_code: int) -> None:
        """End them, within `CLOSE_S` and `END_S`; `warnings` holds a line for each that failed afterwards."""
        offline = None
        if self._wandb is not None:
            self._wandb.close(exit_code)
            offline = self._wandb.warning
        problem = self._problem
        if self._uploading is not None:
            uploaded = self._uploading.end()
            problem = f"{uploaded.problem}" if uploaded.problem else None
            self.warnings += [f"Weights & Biases: {note}" for note in uploaded.notes]
        both = [line for line in (offline, problem) if line]
        if both:
            self.warnings.append(f"Weights & Biases: {'; '.join(both)}; the training is not affected")
        if self._tensorboard is not None:
            self._tensorboard.close(exit_code)
            if self._tensorboard.warning:
                self.warnings.append(f"{self._tensorboard.warning}; the training is not affected")
        if self.config.tracking.csv:
            try:
                write_table(self.logger.writer)
            except Exception as error:  # noqa: BLE001 - a table is not worth a training
                self.warnings.append(f"metrics.csv was not written: {first_line(error)}")

    def _follow(self, target: Target) -> None:
        try:
            self._uploading = Uploading(self.logger.writer.path, target, follow=True, deadline_s=END_S)
        except OSError as error:
            self._problem = f"the upload did not start: {first_line(error)}; {SYNC}"

    def _start_tensorboard(self) -> Logger:
        # what a resumed run does again is hidden in the files of the time before
        path = self.logger.writer.path
        start = max((line.get("step", 0) for line in read_lines(path / "metrics.jsonl")), default=0)
        hidden: dict[str, Any] = {"purge_step": start + 1} if start else {}
        return TensorBoardLogger(path, name="tensorboard", version="", **hidden)
