"""How a training ends when it does not finish: a word for the record, and for the user the run, what is kept and what to do."""

from __future__ import annotations

import errno

import pytorch_lightning as pl
import torch

from projectkit.config import Config
from projectkit.errors import ProjectkitError, WorkError
from projectkit.runs import RunWriter
from projectkit.training.logger import NotANumberError
from projectkit.training.signals import StopOnSignal, StoppedError
from projectkit.training.trainer import Trainer


def reason_of(error: BaseException) -> str:
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


def told_apart(error: BaseException, stop: StopOnSignal) -> BaseException:
    """A second Ctrl-C, which Lightning turns into an exit without a word, is a stop like the first."""
    if isinstance(error, SystemExit | KeyboardInterrupt) and stop.received is not None:
        return StoppedError("stopped at once by a second signal", number=stop.received)
    return error


def explained(error: BaseException, writer: RunWriter, task: pl.LightningModule, config: Config) -> BaseException:
    """The error as the user is to see it: with the run, and with what to do."""
    run = writer.id
    if isinstance(error, StoppedError):
        kept = (writer.checkpoints / "last.ckpt").is_file()
        remedy = f"go on with `projectkit train --resume {run}`" if kept else "nothing was trained yet, start again"
        return StoppedError(error.what, where=run, remedy=remedy, number=error.number)
    if reason_of(error) == "oom":
        why = getattr(task, "whole_batches", None)
        what = (
            f"out of memory, and {why}" if why and isinstance(error, torch.cuda.OutOfMemoryError) else "out of memory"
        )
        return WorkError(what, where=run, remedy=f"halve data.batch_size (now {config.data.batch_size})")
    if reason_of(error) == "disk":
        return WorkError(
            "the disk is full", where=run, remedy="free some space and type `projectkit train --resume auto`"
        )
    return error


def refuse_nothing_trained(trainer: Trainer) -> None:
    """A training of no steps is no success."""
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
