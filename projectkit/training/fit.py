"""`projectkit train`: from a config to a finished run.

The order matters: everything that the user can have got wrong (config, classes, data, device) is found before the run folder is
made; from then on, whatever happens ends in the record.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from rich.console import Console

from projectkit.config import Config, LoadedConfig, Places, config_to_dict, config_to_yaml, load_config
from projectkit.data import DataModule
from projectkit.errors import ProjectkitError, WorkError
from projectkit.machine import cpu_policy
from projectkit.project import Project, find_project, require_project
from projectkit.runs import Run, RunWriter, find_run, read_run, this_process
from projectkit.training.assemble import Assembly, assemble
from projectkit.training.checkpoints import Checkpoints, load_checkpoint
from projectkit.training.decide import decide, fixed_shapes, take_up_input
from projectkit.training.logger import NotANumberError, Recorder, RunLogger
from projectkit.training.loop.clock import Clock
from projectkit.training.loop.compiler import quiet_compiler
from projectkit.training.loop.program import StepProgram
from projectkit.training.loop.report import LoopReport
from projectkit.training.memory import BatchParts
from projectkit.training.progress import ProgressReport
from projectkit.training.resolve import resolve
from projectkit.training.resume import Position, find_resumable, position, refuse_other_config, refuse_other_data
from projectkit.training.signals import StopOnSignal, StoppedError
from projectkit.training.speed import COMPILED, LoopNotice, program_of
from projectkit.training.tracking import Tracker, upload, wandb_project
from projectkit.training.trainer import Trainer


def train(
    config: Path | str = "configs/train.yaml",
    overrides: Sequence[str] = (),
    *,
    resume: str | None = None,
    command: Sequence[str] | None = None,
    console: Console | None = None,
) -> Run:
    """Train what a config describes.

    Args:
        config: the YAML file; one inside a run folder repeats that run with what was resolved then.
        overrides: `key=value`, as on the command line.
        resume: a run to go on with, or `auto`: the newest unfinished run of this config, else a new one.
        command: the command line for the record.
        console: where progress is shown; None shows nothing.

    Returns:
        The finished run.

    Raises:
        UserError: the config, a class, an argument, the data's name or the device is wrong; nothing has been written.
        WorkError: the training failed; the run folder says why.
        StoppedError: a signal stopped it; the run can be resumed.
    """
    # The project of the config's folder, so that a config named from elsewhere works
    project = find_project(Path(config).parent) or require_project()
    loaded = load_config(config, overrides)
    with _placed(loaded.places):
        former = _former_run(resume, loaded, project)
        # read here, because a damaged checkpoint is an error before anything is written
        checkpoint = load_checkpoint(former.checkpoint("last")) if former else None
        start = position(checkpoint) if checkpoint else None
        repeated = former or _run_of(loaded.path)
        recorded = repeated.part("resolved") if repeated else None
        resolved = resolve(loaded.config, recorded)
        policy = cpu_policy()
        late = policy.prepare() if loaded.config.speed.tune == "auto" and loaded.config.data.name else ()
        _quiet()
        pl.seed_everything(loaded.config.seed, workers=True, verbose=False)
        assembly = assemble(loaded, project, checkpoint and checkpoint.get(DataModule.__qualname__))
        if former is not None:
            refuse_other_data(former, assembly.catalogued)
        take_up_input(loaded.config, assembly.catalogued, resolved, recorded)
        _load_data(assembly)
        decided = decide(loaded.config, assembly, resolved, recorded, policy)
        resolved.update(decided.values, filled=assembly.filled)
        for note in loaded.notes:
            _show(console, f"note: {note}")
        if late:
            what = "training slows down beside other programs"
            _show(console, f"note: torch was imported before {' and '.join(late)} could be set: {what}")
        if decided.line:
            _show(console, decided.line)
        if former is not None and start is not None:
            writer = RunWriter.open(former.path)
            writer.rewind(start.step)
            writer.event("resumed", command=list(command or ()))
            writer.update(status="running", reason=None, ended=None, process=this_process())
        else:
            writer = RunWriter.create(
                project.runs,
                loaded.config.name,
                # a few batches are no result
                kind="smoke" if loaded.config.trainer.fast_dev_run else loaded.config.kind,
                config_yaml=config_to_yaml(loaded.config),
                command=command,
                seed=loaded.config.seed,
                source=project.root,
                data=_data_record(loaded.config, assembly),
                resolved=resolved,
                monitor=asdict(loaded.config.monitor) if loaded.config.monitor else None,
            )
        clock = Clock(former.seconds if former is not None and start is not None else None)
        fit = _Fit(
            loaded.config, assembly, writer=writer, resolved=resolved, project=project, console=console, clock=clock
        )
        if decided.warning is not None:  # not for the screen: what is wrong with a model is told when it is trained
            writer.event("warned", message=decided.warning)
        fit.run(start)
        return read_run(writer.path)


class _Fit:
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
    ) -> None:
        self.config = config
        self.assembly = assembly
        self.writer = writer
        self.resolved = resolved
        self.console = console
        self.stop = StopOnSignal()
        self.clock = clock
        self.logger = RunLogger(writer, clock)
        self.project = project
        self.tracker: Tracker | None = None
        self.program: StepProgram | None = None

    def run(self, start: Position | None) -> None:
        """Fit, from where the run's last checkpoint stands if there is a start, and record how it ended."""
        checkpoint = self.writer.checkpoints / "last.ckpt" if start else None
        if start is not None and self.assembly.catalogued is not None:
            self.assembly.catalogued.start = (start.epoch, start.batch)
        try:
            with self.stop:
                self.tracker = self._tracker()
                self.program = program_of(self.resolved["step"])
                trainer = Trainer(
                    **self._trainer_arguments(), loop=self.config.speed.loop, program=self.program, clock=self.clock
                )
                BatchParts(self.resolved.get("micro_batches", 1), self._note_parts).install(trainer)
                trainer.fit(self.assembly.task, datamodule=self.assembly.data, ckpt_path=checkpoint, weights_only=True)
                _refuse_nothing_trained(trainer)
        except BaseException as error:
            known = self._told_apart(error)
            with contextlib.suppress(
                OSError
            ):  # a full disk may have no room for the record; the user is told why below
                self._finish("interrupted" if isinstance(known, StoppedError) else "failed", _reason(known))
            raise self._explained(known) from error
        self._finish("finished", None)
        _show(self.console, self.clock.line())
        self._warn_without_best()
        if self.tracker is not None and self.config.tracking.wandb == "online":
            message = upload(self.writer.path)
            if message is not None:
                self._warn(f"{message}; the training is not affected")

    def _trainer_arguments(self) -> dict[str, Any]:
        arguments = {name: value for name, value in asdict(self.config.trainer).items() if value is not None}
        arguments.update(
            accelerator=self.resolved["accelerator"],
            devices=self.resolved["devices"],
            precision=self.resolved["precision"],
            logger=[self.logger, *([self.tracker] if self.tracker else [])],
            callbacks=self._callbacks(),
            default_root_dir=str(self.writer.path),
        )
        # the bar and the summary are ours; two validation batches at the start say nothing about a metric
        defaults = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
        if self.resolved["accelerator"] == "cuda" and fixed_shapes(self.assembly.catalogued):
            defaults["benchmark"] = not self.config.trainer.deterministic
        return {**defaults, **arguments}

    def _callbacks(self) -> list[pl.Callback]:
        monitor, patience = self.config.monitor, self.config.early_stopping
        notice = LoopNotice(self._note_loop)
        callbacks: list[pl.Callback] = [Recorder(self.writer, self.logger), notice, *self.assembly.callbacks]
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
        metric, mode = (monitor.metric, monitor.mode) if monitor else (None, "min")
        every = self.config.checkpoint.every_n_epochs
        return [*callbacks, self.stop, Checkpoints(self.writer, metric, mode, every, self.stop)]

    def _note_loop(self, report: LoopReport) -> None:
        self.resolved.update(loop=report.mode, loop_reason=report.reason or None, step=report.step)
        self.resolved.update(compiled=report.step in COMPILED, step_reason=report.step_reason or None)
        self.writer.update(resolved=self.resolved)
        _show(self.console, report.line)

    def _note_parts(self, count: int) -> None:
        self.resolved["micro_batches"] = count
        self.writer.update(resolved=self.resolved)
        self._warn(
            f"a batch does not fit into the GPU's memory: it is run in {count} parts whose gradients are added up "
            "(the same batch size; statistics of batch normalisation are those of a part)"
        )

    def _tracker(self) -> Tracker | None:
        if self.config.tracking.wandb == "disabled":
            return None
        return Tracker(self.writer, self.clock, wandb_project(self.project.root.name), config_to_dict(self.config))

    def _finish(self, status: Any, reason: str | None) -> None:
        plan = getattr(self.assembly.task, "plan", None)
        if plan is not None and plan.filled:
            self.resolved["filled"] = {**self.resolved["filled"], "scheduler": plan.filled}
        if self.program is not None and self.program.fallback is not None:
            self.resolved["step_reason"] = self.program.fallback
        self.writer.update(resolved=self.resolved, durations=self.clock.durations())
        self.writer.finish(status, reason)
        # after our own record: it may take seconds, in which somebody may press Ctrl-C again
        if self.tracker is not None:
            self.tracker.close(exit_code=0 if status == "finished" else 1)
            if self.tracker.warning is not None:
                self._warn(f"{self.tracker.warning}; the training is not affected")

    def _warn_without_best(self) -> None:
        monitor = self.config.monitor
        if monitor is not None and "best" not in {path.stem for path in self.writer.checkpoints.glob("*.ckpt")}:
            self._warn(f"'{monitor.metric}' never had a value, so there is no best.ckpt; `evaluate` takes last.ckpt")

    def _warn(self, message: str) -> None:
        self.writer.event("warned", message=message)
        if self.console is not None:
            self.console.print(f"warning: {message}", highlight=False, markup=False, soft_wrap=True)

    def _told_apart(self, error: BaseException) -> BaseException:
        """A second Ctrl-C, which Lightning turns into an exit without a word, is a stop like the first."""
        if isinstance(error, SystemExit | KeyboardInterrupt) and self.stop.received is not None:
            return StoppedError("stopped at once by a second signal", number=self.stop.received)
        return error

    def _explained(self, error: BaseException) -> BaseException:
        """The error as the user is to see it: with the run, and with what to do."""
        run = self.writer.id
        if isinstance(error, StoppedError):
            kept = (self.writer.checkpoints / "last.ckpt").is_file()
            remedy = f"go on with `projectkit train --resume {run}`" if kept else "nothing was trained yet, start again"
            return StoppedError(error.what, where=run, remedy=remedy, number=error.number)
        if _reason(error) == "oom":
            why = getattr(self.assembly.task, "whole_batches", None)
            what = (
                f"out of memory, and {why}"
                if why and isinstance(error, torch.cuda.OutOfMemoryError)
                else "out of memory"
            )
            return WorkError(what, where=run, remedy=f"halve data.batch_size (now {self.config.data.batch_size})")
        if _reason(error) == "disk":
            return WorkError(
                "the disk is full", where=run, remedy="free some space and type `projectkit train --resume auto`"
            )
        return error


@contextlib.contextmanager
def _placed(places: Places) -> Iterator[None]:
    """The rooms below name the key that is wrong; here it is known where that key was written."""
    try:
        yield
    except ProjectkitError as error:
        key = error.where or ""
        if re.fullmatch(r"\w+(\.\w+)*", key) and key.partition(".")[0] in Config.__dataclass_fields__:
            error.where = places.of(key)
        raise


def _show(console: Console | None, line: str) -> None:
    if console is not None:
        console.print(line, highlight=False, soft_wrap=True)


def _former_run(resume: str | None, loaded: LoadedConfig, project: Project) -> Run | None:
    if resume is None:
        return None
    if resume == "auto":
        return find_resumable(loaded.config, project)
    run = find_run(resume, project)
    refuse_other_config(run, loaded.config)
    return run


def _run_of(path: Path) -> Run | None:
    """The run whose own `config.yaml` this is."""
    return read_run(path.parent) if path.name == "config.yaml" and (path.parent / "run.json").is_file() else None


def _load_data(assembly: Assembly) -> None:
    """Read, check and encode before a run folder exists."""
    if assembly.catalogued is not None:
        assembly.catalogued.setup("fit")


def _data_record(config: Config, assembly: Assembly) -> dict[str, Any]:
    data = assembly.catalogued
    if data is None:
        return {"class_path": config.data.class_path, "split": "the team's own"}
    return {
        "name": data.card_name,
        "target": data.target,
        "split": data.split.policy,
        "split_seed": data.split_seed,
        **({} if data.folds is None else {"folds": data.folds, "fold": data.fold}),
        "split_digest": data.split.digest,
        "card_digest": data.card.digest,
        "files_digest": data.card.files_digest,
        "samples_digest": data.samples_digest,
        "encoder_digest": data.encoder.digest,
        **data.encoder.notes,
        "samples": {subset: len(rows) for subset, rows in data.split.subsets.items()},
    }


def _refuse_nothing_trained(trainer: Trainer) -> None:
    if trainer.global_step:
        return
    if trainer.num_training_batches:
        raise WorkError(
            "not one step was trained",
            where="trainer",
            remedy="raise max_time, max_steps or limit_train_batches",
        )
    raise WorkError(
        "not one step was trained: the training data has no batches",
        where="data",
        remedy="look at len(train_dataloader()); drop_last=True leaves nothing of a set smaller than one batch",
    )


def _reason(error: BaseException) -> str:
    """One word for the record."""
    text = str(error)
    if isinstance(error, StoppedError | KeyboardInterrupt):
        return "signal"
    if isinstance(error, NotANumberError):
        return "nan"
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) or "not enough memory" in text:
        return "oom"
    # torch.save reports a full disk as a RuntimeError
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left" in text:
        return "disk"
    return "input" if isinstance(error, ProjectkitError) else "error"


def _quiet() -> None:
    """Keep Lightning's and torch's advice that does not apply here off the screen; their errors still come."""
    quiet_compiler()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    for message in (
        ".*ended before the epoch ended and your dataloader is not resumable.*",  # ours starts where the run stopped
        ".*does not have many workers.*",  # sets in memory are fastest without
        ".*number of training batches.*smaller than the logging interval.*",  # epochs log as well
        ".*Checkpoint directory.*exists and is not empty.*",
        ".*Total length of .* across ranks is zero.*",  # an error of ours, as is the next
        ".*have no `val_dataloader`.*",
        ".*GPU available but not used.*",  # a choice of the config
        ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",  # inside Lightning
    ):
        warnings.filterwarnings("ignore", message=message)
