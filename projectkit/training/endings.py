"""How a training ends when it does not finish: a word for the record, and for the user the run, what is kept and what to do.

Libraries tell most of these ends by an error's text alone: what is looked for stands in the table `KNOWN`, in the order in which it is
looked for. An error that is not known goes on as it is.
"""

from __future__ import annotations

import errno
import re
import shutil
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from projectkit.config import Config
from projectkit.errors import ProjectkitError, WorkError
from projectkit.runs import RunWriter
from projectkit.training.signals import StopAtOnceError, StopOnSignal, StoppedError
from projectkit.training.trainer import Trainer

MIB = 2**20
_LONGEST = 1000  # characters of a message in the record


@dataclass(frozen=True)
class Training:
    """What an explanation may need of the training that ended."""

    writer: RunWriter
    task: pl.LightningModule
    config: Config

    @property
    def go_on(self) -> str:
        """What to type once the cause is mended."""
        kept = (self.writer.checkpoints / "last.ckpt").is_file()
        return f"type `projectkit train --resume {self.writer.id}`" if kept else "start again: nothing was kept yet"


@dataclass(frozen=True)
class Ending:
    """A kind of end.

    Args:
        reason: the word for the record.
        text: what an error's text has, one of the chain that led to it; None: told by type.
        kinds: types of such an error.
        numbers: of an OSError.
        inside: a part of the name of a file that the error came through; None: anywhere.
        what: is wrong, for the user.
        remedy: what to do about it.
    """

    reason: str
    what: Callable[[Training, str], str]
    remedy: Callable[[Training], str]
    text: str | None = None
    kinds: tuple[type[BaseException], ...] = ()
    numbers: tuple[int, ...] = ()
    inside: str | None = None

    def fits(self, error: BaseException) -> bool:
        """Whether an error is of this kind."""
        if self.inside is not None and not any(self.inside in each.f_code.co_filename for each in _frames(error)):
            return False
        if isinstance(error, self.kinds) or (isinstance(error, OSError) and error.errno in self.numbers):
            return True
        return self.text is not None and re.search(self.text, str(error)) is not None


def _smaller(training: Training) -> str:
    return f"halve data.batch_size (now {training.config.data.batch_size})"


def _fewer_workers(training: Training) -> str:
    return f"set data.num_workers=0 (now {training.config.data.num_workers}), or halve data.batch_size; then {training.go_on}"


def _memory(training: Training, text: str) -> str:
    whole = getattr(training.task, "whole_batches", None)
    asked = re.search(r"tried to allocate (\d+) bytes", text)
    size = f" (it asked for {int(asked.group(1)) // MIB:,} MiB more)" if asked else ""
    return f"out of memory{size}, and {whole}" if whole and "CUDA" in text else f"out of memory{size}"


def _room(training: Training) -> str:
    return f"free some space{_need(training)} and {training.go_on}"


def _need(training: Training) -> str:
    """How much a checkpoint takes, beside what is free: as the last one, else weights and two moments."""
    last = training.writer.checkpoints / "last.ckpt"
    try:
        needed = last.stat().st_size if last.is_file() else 3 * sum(_bytes(p) for p in training.task.parameters())
        free = shutil.disk_usage(training.writer.path).free
    except OSError:
        return ""
    return f" (a checkpoint takes {_size(needed)}, {_size(free)} are free)"


def _size(count: int) -> str:
    return f"{count / MIB:,.1f} MiB" if count >= MIB else f"{count / 1024:,.0f} KiB"


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _says(text: str) -> Callable[[Training, str], str]:
    return lambda training, error: text


KNOWN = (
    Ending(
        "oom",
        _says("a worker of the data loader was killed by the system, which is what it does when memory runs out"),
        _fewer_workers,
        text=r"DataLoader worker .* is killed by signal: Killed",
    ),
    Ending(  # the same, in the moment in which a batch is handed over
        "oom",
        _says(
            "a worker of the data loader is gone, most often because it was killed by the system when memory ran out"
        ),
        _fewer_workers,
        kinds=(ConnectionResetError, EOFError),
        inside=str(Path("torch", "utils", "data", "dataloader.py")),
    ),
    Ending(
        "oom",
        _says("the workers of the data loader have no shared memory left"),
        lambda training: (
            "set data.num_workers=0, or give the container more of it (docker run --shm-size=8g); " + training.go_on
        ),
        text=r"Bus error|out of shared memory|unable to (mmap|write to file|open shared memory)",
    ),
    Ending(
        "error",
        lambda training, error: f"a worker of the data loader died: {error}",
        lambda training: f"set data.num_workers=0 to see what it dies of, or {training.go_on}",
        text=r"DataLoader worker \(pid.*(exited unexpectedly|is killed by signal)",
    ),
    Ending(
        "oom",
        _memory,
        _smaller,
        text=r"CUBLAS_STATUS_ALLOC_FAILED|not enough memory|can't allocate memory|CUDA error: out of memory",
        kinds=(torch.OutOfMemoryError, MemoryError),
        numbers=(errno.ENOMEM,),
    ),
    Ending(
        "disk",
        _says("the disk is full"),
        _room,
        text="No space left",  # torch.save reports a full disk as a RuntimeError
        numbers=(errno.ENOSPC,),
    ),
    Ending(
        "disk",
        _says("your quota on the disk is used up"),
        _room,
        text="Disk quota exceeded",
        numbers=(errno.EDQUOT,) if hasattr(errno, "EDQUOT") else (),
    ),
    Ending(
        "gpu",
        _says("the GPU stopped at an index that is out of range, most often a label"),
        lambda training: (
            "run it once with trainer.accelerator=cpu trainer.fast_dev_run=true, where the error has a name"
        ),
        text="device-side assert",
    ),
    Ending(
        "gpu",
        lambda training, error: f"the GPU was lost ({error.splitlines()[0]})",
        lambda training: f"look at `nvidia-smi`, then {training.go_on}",
        text=r"CUDA error|(CUDNN|CUBLAS)_STATUS_(EXECUTION_FAILED|INTERNAL_ERROR)|GPU is lost|HIP error",
    ),
)


def reason_of(error: BaseException) -> str:
    """One word for the record."""
    if isinstance(error, StoppedError | StopAtOnceError | KeyboardInterrupt):
        return "signal"
    own = getattr(error, "reason", None)
    if isinstance(error, ProjectkitError) and isinstance(own, str):
        return own
    known = _known(error)
    if known is not None:
        return known[0].reason
    return "input" if isinstance(error, ProjectkitError) or label_of(error) else "error"


def told_apart(error: BaseException, stop: StopOnSignal) -> BaseException:
    """A stop in whatever words: a second Ctrl-C, Lightning's own exit, a worker that got the signal that a cluster sends to all."""
    if stop.received is None or isinstance(error, StoppedError):
        return error
    name = signal.Signals(stop.received).name
    if isinstance(error, StopAtOnceError):
        what = "stopped at once by a second signal" if stop.again else f"stopped by {name}"
        return StoppedError(what, number=stop.received)
    if isinstance(error, SystemExit | KeyboardInterrupt) or "is killed by signal: Terminated" in str(error):
        return StoppedError(f"stopped by {name}", number=stop.received)
    return error


def explained(error: BaseException, training: Training) -> BaseException:
    """The error as the user is to see it: with the run, and with what to do."""
    run = training.writer.id
    if isinstance(error, StoppedError):
        kept = (training.writer.checkpoints / "last.ckpt").is_file()
        remedy = f"go on with `projectkit train --resume {run}`" if kept else "nothing was trained yet, start again"
        return StoppedError(error.what, where=run, remedy=remedy, number=error.number)
    if isinstance(error, ProjectkitError):
        return error
    if label := label_of(error):
        return WorkError(
            label, where=run, remedy="labels count from 0: mend the data set, or give the model more outputs"
        )
    known = _known(error)
    if known is None:
        return error
    ending, text = known
    return WorkError(ending.what(training, text), where=run, remedy=ending.remedy(training))


def message_of(error: BaseException, root: Path) -> str:
    """The error in one line for the record, with the last line of the team's own code that it came through.

    Args:
        error: as the user is told it.
        root: of the team's repository.
    """
    text = " ".join(str(error).split())[:_LONGEST]
    if isinstance(error, ProjectkitError):
        return text
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [(path, line) for path, line in frames if path.is_relative_to(root) and "site-packages" not in path.parts]
    where = f"{own[-1][0].relative_to(root).as_posix()}:{own[-1][1]}: " if own else ""
    return f"{where}{type(error).__name__}: {text}"


def label_of(error: BaseException) -> str | None:
    """What is wrong with a label that the loss refused, as torch says it on a CPU; with its place in the batch, which torch knows."""
    found = re.fullmatch(r"Target (-?\d+) is out of bounds\.?", str(error))
    if not isinstance(error, IndexError) or found is None:
        return None
    label = int(found.group(1))
    for frame in _frames(error):
        scores, targets = frame.f_locals.get("input"), frame.f_locals.get("target")
        if isinstance(scores, Tensor) and isinstance(targets, Tensor) and scores.ndim > 1:
            rows = (targets.flatten() == label).nonzero().flatten().tolist()
            where = f"sample {rows[0]} of the batch" if rows else "a sample"
            return f"{where} has the label {label}, and the model has {scores.shape[1]} outputs (0 to {scores.shape[1] - 1})"
    return f"a sample has the label {label}, and the model has fewer outputs"


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


def _known(error: BaseException) -> tuple[Ending, str] | None:
    """The kind of end, and the text that told it; an error that led to another one counts as well."""
    if isinstance(error, ProjectkitError):
        return None
    for ending in KNOWN:
        for each in _chain(error):
            if ending.fits(each):
                return ending, str(each)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: Any = error
    for _ in range(10):  # chains are short; one that goes round has no end
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
