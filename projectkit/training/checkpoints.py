"""Checkpoints: plain containers, written atomically, loaded without running code.

`PlainCheckpointIO` is how Lightning reads and writes them; `Checkpoints` is when: `last.ckpt` at the end of an epoch, `best.ckpt` when
the monitored metric improves.
"""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import CheckpointIO
from pytorch_lightning.callbacks import Checkpoint

from projectkit.errors import UserError, WorkError, did_you_mean
from projectkit.runs import RunWriter, atomic_write
from projectkit.training.signals import StopOnSignal, StoppedError


def load_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Read a checkpoint of this machine's disk.

    Raises:
        UserError: there is none at `path`.
        WorkError: it is damaged, or holds more than plain containers and tensors: such a file could run code when loaded.
    """
    if not path.is_file():
        raise UserError("there is no checkpoint", where=str(path), remedy="train the run to the end of an epoch first")
    try:
        content: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise WorkError(
            f"the checkpoint is damaged or is not made of plain containers and tensors ({reason})",
            where=str(path),
            remedy="use another checkpoint of the run or train again; one from elsewhere could run code and is not loaded",
        ) from error
    return content


class PlainCheckpointIO(CheckpointIO):
    """Atomic writes, `weights_only` reads, local files only."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Serialise in memory, then publish by rename: a full disk or a kill leaves the previous checkpoint whole."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        atomic_write(Path(path), buffer.getvalue())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """See `load_checkpoint` of this file; URLs are refused, because Lightning would run the code in them."""
        if "://" in str(path):
            raise UserError(
                f"'{path}' is a URL",
                where="checkpoint",
                remedy="download it, check where it is from, and name the file",
            )
        return load_checkpoint(Path(path), map_location or "cpu")

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint if it is there."""
        Path(path).unlink(missing_ok=True)


class Checkpoints(Checkpoint):
    """`last.ckpt` at the end of every epoch and `best.ckpt` whenever the monitored metric improves.

    The state of every random generator of the main process goes along, so that a run that is continued ends with the weights that it
    would have had.

    Args:
        writer: of the run that the checkpoints belong to.
        metric: monitored, such as `val/f1_macro`; None keeps no best.
        mode: whether a better value is the `max` or the `min`.
        every_n_epochs: how often `last.ckpt` is written; the last epoch always is.
        stop: knows whether the epoch that ends is the last one because of a signal.
    """

    def __init__(
        self, writer: RunWriter, metric: str | None, mode: str, every_n_epochs: int, stop: StopOnSignal
    ) -> None:
        self.writer = writer
        self.metric = metric
        self.mode = mode
        self.every_n_epochs = every_n_epochs
        self.stop = stop
        self.best: dict[str, Any] = {}
        self._resumed: dict[str, Any] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Refuse a monitor without validation; put the generators back to where the checkpoint found them.

        Here, and no earlier: everything else that draws at start-up has drawn by now.
        """
        if self.metric is not None and not trainer.enable_validation:
            raise UserError(
                f"nothing is validated, so '{self.metric}' cannot be monitored",
                where="monitor.metric",
                remedy="give the data a val_dataloader and the module a validation_step, or write monitor: null",
            )
        if self._resumed is not None:
            set_random_state(self._resumed)
            self._resumed = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights if they are the best so far."""
        if trainer.sanity_checking or trainer.state.fn != "fit" or self.metric is None:
            return
        values = _floats(trainer.callback_metrics)
        if self.metric not in values:
            raise UserError(
                f"the metric '{self.metric}' was not logged by the validation",
                where="monitor.metric",
                remedy=did_you_mean(self.metric, values) if values else "log it there with self.log",
            )
        value = values[self.metric]
        known = self.best.get(self.metric)
        # a comparison with NaN is false, so a NaN never becomes the best
        if (known is None and not math.isnan(value)) or (
            known is not None and (value > known if self.mode == "max" else value < known)
        ):
            validation = {name: figure for name, figure in values.items() if name.startswith("val/")}
            self.best = {"step": trainer.global_step, "epoch": trainer.current_epoch, **validation, self.metric: value}
            self.save(trainer, "best")
            self.writer.update(best=self.best)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write `last.ckpt`."""
        last_epoch = trainer.max_epochs is not None and trainer.current_epoch + 1 == trainer.max_epochs
        stopped = trainer.should_stop or self.stop.received is not None
        ends = last_epoch or stopped or 0 < trainer.max_steps <= trainer.global_step
        if (trainer.current_epoch + 1) % self.every_n_epochs == 0 or ends:
            self.save(trainer, "last")

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """A training that is stopped between two batches is kept up to there."""
        if isinstance(exception, StoppedError) and not exception.at_epoch_start:
            self.save(trainer, "last")

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback."""
        return {"best": self.best, "random": random_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up again."""
        self.best = state_dict["best"]
        self._resumed = state_dict["random"]

    def save(self, trainer: pl.Trainer, name: str) -> None:
        """Write a checkpoint now, and its digest into the events."""
        path = self.writer.checkpoints / f"{name}.ckpt"
        trainer.save_checkpoint(path)
        self.writer.event("checkpointed", name=name, step=trainer.global_step, sha256=file_sha256(path))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def random_state() -> dict[str, Any]:
    """The state of Python's, numpy's and torch's generators, as plain containers and tensors."""
    version, numbers, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": [version, list(numbers), gauss],
        "numpy": [str(kind), [int(key) for key in keys], int(position), int(has_gauss), float(cached)],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call] # nothing was drawn there otherwise, and asking would take hold of every GPU
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put the generators into a state that `random_state` gave."""
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"][: torch.cuda.device_count()]])
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"].cpu())


def _floats(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items()}
