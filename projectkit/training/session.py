"""One call of Lightning's `fit` with the record around it: whatever happens in it ends in the run folder."""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict
from typing import Any, Literal

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.callbacks import EarlyStopping
from rich.console import Console

from projectkit.config import Config
from projectkit.project import Project
from projectkit.runs import Backup, RunWriter, backup_folder, read_run
from projectkit.training.anatomy import anatomy_of
from projectkit.training.assemble import Assembly
from projectkit.training.checkpoints import Checkpoints
from projectkit.training.decide import fixed_shapes
from projectkit.training.endings import (
    Training,
    explained,
    message_of,
    reason_of,
    refuse_nothing_trained,
    told_apart,
)
from projectkit.training.finite import FiniteNumbers
from projectkit.training.leaving import LeftValidation
from projectkit.training.logger import Recorder, RunLogger
from projectkit.training.loop.clock import Clock
from projectkit.training.loop.program import StepProgram
from projectkit.training.loop.report import LoopReport
from projectkit.training.memory import BatchParts, peak_of_gpu
from projectkit.training.progress import ProgressReport
from projectkit.training.resume import Position
from projectkit.training.screen import show
from projectkit.training.signals import StopAtOnceError, StopOnSignal, StoppedError
from projectkit.training.speed import COMPILED, LoopNotice, program_of
from projectkit.training.tracking import Trackers
from projectkit.training.trainer import Trainer


class Session:
    """One call of Lightning's `fit`, with the record around it."""

    def __init__(
        self,
        config: Config,
        assembly: Assembly,
        *,
        writer: RunWriter,
        resolved: dict[str, Any],
        project: Project,
        console: Console | None,
        clock: Clock,
        stop: StopOnSignal,
    ) -> None:
        self.config = config
        self.assembly = assembly
        self.writer = writer
        self.resolved = resolved
        self.console = console
        self.stop = stop
        self.stop.say = self._say
        self.clock = clock
        self.logger = RunLogger(writer, clock)
        self.recorder = Recorder(writer, self.logger)
        self.project = project
        self.trackers: Trackers | None = None
        self.program: StepProgram | None = None
        self.trainer: Trainer | None = None
        self.former_step: int | None = None  # of the last.ckpt that is there
        folder = backup_folder()
        self.backup = Backup(writer.path, folder) if folder else None
        self._warned_of_backup = False

    def run(self, start: Position | None) -> None:
        """Fit, from the checkpoint of a start if there is one, and record how it ended."""
        checkpoint = None if start is None else start.path
        if start is not None:
            self.former_step = start.step if start.path.name == "last.ckpt" else None
            if self.assembly.catalogued is not None:
                self.assembly.catalogued.start = (start.epoch, start.batch)
        try:
            self.stop.refuse_to_start()
            self.trackers = Trackers(self.logger, self.config, self.project)
            self.program = program_of(self.resolved["step"])
            trainer = self.trainer = Trainer(
                **self._trainer_arguments(), loop=self.config.speed.loop, program=self.program, clock=self.clock
            )
            BatchParts(self.resolved.get("micro_batches", 1), self._note_parts).install(trainer)
            trainer.fit(self.assembly.task, datamodule=self.assembly.data, ckpt_path=checkpoint, weights_only=True)
            refuse_nothing_trained(trainer)
        except BaseException as error:
            known = told_apart(error, self.stop)
            told = explained(known, Training(self.writer, self.assembly.task, self.config))
            status: Literal["interrupted", "failed"] = "interrupted" if isinstance(known, StoppedError) else "failed"
            with self.stop.held(), contextlib.suppress(OSError):  # a disk that is gone; the user is told
                message = message_of(told, self.project.root)
                self.writer.finish(status, reason_of(known), message=message, **self._settled())
            self._close(1)
            if isinstance(known, StoppedError):
                show(self.console, self._reached())
            raise told from error
        with self.stop.held():
            with contextlib.suppress(OSError):  # a full disk: the record comes first
                self.writer.write_model(anatomy_of(self.assembly.task, self.assembly.data, trainer))
            self.writer.finish("finished", message=None, **self._settled())
        self._close(0)
        show(self.console, self.clock.line())
        self._warn_without_best()

    def _trainer_arguments(self) -> dict[str, Any]:
        arguments = {name: value for name, value in asdict(self.config.trainer).items() if value is not None}
        arguments.update(
            accelerator=self.resolved["accelerator"],
            devices=self.resolved["devices"],
            precision=self.resolved["precision"],
            # a tracker first: `self.logger` of a team's task is the first one
            logger=[*(self.trackers.loggers if self.trackers else []), self.logger],
            callbacks=self._callbacks(),
            default_root_dir=str(self.writer.path),  # a folder of its own: Lightning restores what it finds there
            # not SLURM's, with which Lightning requeues jobs and writes checkpoints of its own
            plugins=[LightningEnvironment()],
        )
        # the bar and the summary are ours; two validation batches at the start say nothing about a metric
        defaults = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
        if self.resolved["accelerator"] == "cuda" and fixed_shapes(self.assembly.catalogued):
            defaults["benchmark"] = not self.config.trainer.deterministic
        return {**defaults, **arguments}

    def _callbacks(self) -> list[pl.Callback]:
        monitor, patience = self.config.monitor, self.config.early_stopping
        notice = LoopNotice(self._note_loop)
        callbacks: list[pl.Callback] = [
            self.recorder,
            FiniteNumbers(self.writer),
            notice,
            *self.assembly.callbacks,
        ]
        if patience is not None and monitor is not None:
            callbacks.append(
                EarlyStopping(
                    monitor.metric,
                    mode=monitor.mode,
                    patience=patience.patience,
                    min_delta=patience.min_delta,
                    strict=False,  # a training that ends within its first epoch has nothing to compare; `_warn_without_best` says so
                )
            )
        if self.console is not None:
            callbacks.append(ProgressReport(self.console, monitor.metric if monitor else None))
        checkpoints = Checkpoints(self.writer, self.config, self.stop, self.warn, self.former_step)
        if self.backup is not None:
            checkpoints.saved.append(self._back_up)
        return [*callbacks, self.stop, LeftValidation(self.stop), checkpoints]

    def _note_loop(self, report: LoopReport) -> None:
        self.resolved.update(loop=report.mode, loop_reason=report.reason or None, step=report.step)
        self.resolved.update(compiled=report.step in COMPILED, step_reason=report.step_reason or None)
        self.writer.update(resolved=self.resolved)
        show(self.console, report.line)
        limited = self.config.trainer.fast_dev_run or self.config.trainer.limit_train_batches not in (None, 1.0)
        if self.trainer is not None and self.trainer.num_training_batches == 1 and not limited:
            self.warn("an epoch is one step: a batch is as large as the training set or larger")

    def _note_parts(self, count: int) -> None:
        self.resolved["micro_batches"] = count
        self.writer.update(resolved=self.resolved)
        self.warn(
            f"a batch does not fit into the GPU's memory: it is run in {count} parts whose gradients are added up "
            "(the same batch size; statistics of batch normalisation are those of a part)"
        )

    def _settled(self) -> dict[str, Any]:
        """What is known at the end only, for the record."""
        plan = getattr(self.assembly.task, "plan", None)
        if plan is not None and plan.filled:
            self.resolved["filled"] = {**self.resolved["filled"], "scheduler": plan.filled}
        if self.program is not None and self.program.fallback is not None:
            self.resolved["step_reason"] = self.program.fallback
        settled = {"resolved": self.resolved, "durations": self.clock.durations(), "memory": peak_of_gpu()}
        return {**self.recorder.last, **settled}

    def _close(self, exit_code: int) -> None:
        """After our own record, which is whole: what may take seconds more, and is given up at Ctrl-C."""
        self.stop.over()
        with contextlib.suppress(StopAtOnceError, OSError):
            self._close_trackers(exit_code)
            self._close_backup()

    def _close_trackers(self, exit_code: int) -> None:
        if self.trackers is not None:
            self.trackers.close(exit_code)
            for warning in self.trackers.warnings:
                self.warn(warning)

    def _back_up(self) -> None:
        if self.backup is not None:
            self.backup.later()
            self._warn_of_backup()

    def _close_backup(self) -> None:
        """Last of all: it waits for a slow drive."""
        if self.backup is not None:
            self.backup.finish()
            self._warn_of_backup()

    def _warn_of_backup(self) -> None:
        if self.backup is not None and self.backup.warning is not None and not self._warned_of_backup:
            self._warned_of_backup = True
            self.warn(self.backup.warning)

    def _reached(self) -> str:
        """How far a training came that was stopped."""
        best, monitor = read_run(self.writer.path).best, self.config.monitor
        figure = (
            f"best {monitor.metric} {best[monitor.metric]:.4f} at step {best['step']}; " if monitor and best else ""
        )
        return f"{figure}kept in {self.writer.path}"

    def _say(self, line: str) -> None:
        """Past the console: a signal may have come while it writes, and it cannot be entered twice."""
        if self.console is not None:
            with contextlib.suppress(OSError):
                os.write(2, f"\n{line}\n".encode())

    def _warn_without_best(self) -> None:
        monitor = self.config.monitor
        if monitor is not None and "best" not in {path.stem for path in self.writer.checkpoints.glob("*.ckpt")}:
            self.warn(f"'{monitor.metric}' never had a value, so there is no best.ckpt; `evaluate` takes last.ckpt")

    def warn(self, message: str) -> None:
        """Tell the user, and the record."""
        self.writer.event("warned", message=message)
        if self.console is not None:
            self.console.print(f"warning: {message}", highlight=False, markup=False, soft_wrap=True)
