"""Checkpoints: when they are written, and how a training goes on from one.

| file | subject |
|---|---|
| this file | `Checkpoints`: when, and the way back |
| checkpoint_files.py | the files: digests, how many are kept, a damaged one, plain containers only |
| left_out.py, rewind.py, random_state.py | what Lightning leaves out: logs and loops, the place in the data, generators |
| loop/between.py | the two moments at which a state is whole |
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint, StochasticWeightAveraging

from projectkit.config import Config
from projectkit.errors import UserError, did_you_mean
from projectkit.runs import RunWriter, TakenOverError
from projectkit.training.checkpoint_files import publish, refuse_unreadable, serialised, weights_sha256
from projectkit.training.left_out import left_out, set_left_out, set_loaders, set_should_stop
from projectkit.training.loop.between import go_on, install, is_whole
from projectkit.training.loop.position import NEVER, position
from projectkit.training.pace import Pace
from projectkit.training.random_state import random_state, set_random_state
from projectkit.training.rewind import Place
from projectkit.training.signals import StopOnSignal, StoppedError

if TYPE_CHECKING:
    from projectkit.training.loop.lightning_names import Fetcher

BATCH, EPOCH, VALIDATION = "batch", "epoch", "validation"  # after which, or in the middle of which, a state was kept


class Checkpoints(Checkpoint):
    """`last.ckpt` now and then, and `best.ckpt` when the monitored metric has improved.

    A training that goes on from a `last.ckpt` ends with the bits that it would have had. Where epochs take less than seconds, neither is
    written at each of them: see `Pace`. The best waits in memory then, and is in its file before any `last.ckpt` that knows of it.

    Args:
        writer: of the run that the checkpoints belong to.
        config: of the run: its `monitor` and `checkpoint`.
        stop: knows whether a signal came; the training is stopped here, where the state is whole.
        warn: is told what a resumed training could not do again.
        step: of the `last.ckpt` that is there when the training starts; None where there is none.
    """

    def __init__(
        self,
        writer: RunWriter,
        config: Config,
        stop: StopOnSignal,
        warn: Callable[[str], None],
        step: int | None = None,
    ) -> None:
        self.writer = writer
        self.metric = config.monitor.metric if config.monitor else None
        self.mode = config.monitor.mode if config.monitor else "min"
        self.when = config.checkpoint
        self.stop = stop
        self.warn = warn
        self.saved: list[Callable[[], None]] = []  # called after each checkpoint
        self.best: dict[str, Any] = {}
        self._step = step
        self._saved_at = time.monotonic()
        self._last_pace, self._best_pace = Pace(), Pace()
        self._held: dict[str, Any] | None = None  # the best, which is not in its file yet
        self._whole: dict[str, Any] | None = None  # what the checkpoint that is being written gets
        self._from: Mapping[str, Any] | None = None  # what the training goes on from
        self._validates_again = False
        self._readable = False  # one was read back
        self._between_epochs_only = False

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Lightning's hook: ask to be told when the state is whole."""
        if stage == "fit":
            self.trainer = trainer
            self.place = Place(trainer)
            install(trainer, self)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: refuse a monitor without validation; say what a resumed run could not do again."""
        if self.metric is not None and not trainer.enable_validation:
            raise UserError(
                f"nothing is validated, so '{self.metric}' cannot be monitored",
                where="monitor.metric",
                remedy="give the data a val_dataloader and the module a validation_step, or write monitor: null",
            )
        self._saved_at = time.monotonic()
        reasons = {
            "StochasticWeightAveraging swaps schedulers when an epoch starts": any(
                isinstance(each, StochasticWeightAveraging) for each in _callbacks(trainer)
            ),
            "training_step takes the iterator, whose place nobody else knows": self.place.is_theirs(),
        }
        self._between_epochs_only = any(reasons.values())
        if self._from is not None:
            set_should_stop(trainer, self._from["left_out"])
            if self.best and not (self.writer.checkpoints / "best.ckpt").is_file():
                self.warn(f"best.ckpt, of step {self.best['step']}, is gone: there is one again when a value is better")
            return
        doubts = [f"{reason}: there are no checkpoints within epochs" for reason, holds in reasons.items() if holds]
        for doubt in (*doubts, *self.place.doubts()):
            self.warn(f"if this run is resumed: {doubt}")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: keep the weights if they are the best so far."""
        if trainer.sanity_checking or trainer.state.fn != "fit" or self.metric is None:
            return
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
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
            self._held = self._checkpoint("best", None)
            # a GPU's memory has no room for a second copy
            if self._best_pace.due() or trainer.strategy.root_device.type != "cpu":
                self._write_best()
            else:
                self._held = copy.deepcopy(self._held)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Lightning's hook: a validation that a signal ended is done again from its start."""
        torn = any(getattr(each, "torn", False) for each in _callbacks(trainer))
        if isinstance(exception, StoppedError) and trainer.validating and not (torn or self._between_epochs_only):
            self._write_last(VALIDATION)
        with contextlib.suppress(OSError, TakenOverError):  # why the training ended is told, not that this failed too
            self._write_best()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback."""
        return {"best": self.best, "whole": self._whole}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up again."""
        self.best = state_dict["best"]
        self._from = state_dict["whole"]

    def before_loaders(self) -> None:
        """See `between.Listener`."""
        if self._from is not None:
            self.place.before_loaders(self._from["place"])
        elif self.trainer.fit_loop._combined_loader is None:
            self.place.note("loaders")

    def before_epoch(self) -> None:
        """See `between.Listener`: where a training goes on that stopped between two epochs."""
        if self._from is not None and self._from["kind"] == EPOCH:
            set_loaders(self.trainer, self._from["left_out"])
            self.place.between_epochs(self._from["place"])
            self._put_back()
            go_on(self.trainer)

    def before_iterator(self, fetcher: Fetcher) -> None:
        """See `between.Listener`: where the place in the data is found again."""
        progress = self.trainer.fit_loop.epoch_loop.batch_progress
        if self._from is None:
            if self.trainer.current_epoch > 0:  # before, the iterator is made with the loaders
                self.place.note("iterator")
            return
        set_loaders(self.trainer, self._from["left_out"])
        if not progress.is_last_batch:
            self.place.go_to(self._from["place"], fetcher, progress.current.ready)

    def before_batches(self, fetcher: Fetcher) -> None:
        """See `between.Listener`: where a training goes on that stopped within an epoch."""
        if self._from is None:
            self.place.note("batches")
            return
        self._validates_again = self._from["kind"] == VALIDATION
        self.place.set_own(self._from["place"])
        self._put_back()
        if not self._validates_again:
            go_on(self.trainer)

    def after_batch(self) -> None:
        """See `between.Listener`: write a checkpoint where one is due, and stop where a signal came."""
        if self._validates_again:
            self._validates_again = False
            go_on(self.trainer)
        if not self._wanted() or not is_whole(self.trainer):
            return
        if not self._between_epochs_only:
            self._write_last(BATCH)
        if self.stop.received is not None:
            raise self.stop.stopped(self.trainer)

    def after_epoch(self) -> None:
        """See `between.Listener`: the same; the end of the training is kept in any case."""
        ends = self.trainer.fit_loop.done
        every = self.when.every_n_epochs
        # `current_epoch` is the next one's by now
        due = self._last_pace.due() if every is None else self.trainer.current_epoch % every == 0
        if due or ends or self._wanted():
            self._write_last(EPOCH, ends=ends)
        if self.stop.received is not None and not ends:
            raise self.stop.stopped(self.trainer)

    def batches_until_due(self) -> int:
        """See `between.Listener`."""
        if self.stop.received is not None or self._time_is_up():
            return 0
        every = self.when.every_n_steps
        return position(self.trainer).before_multiple(every) if every else NEVER

    def _wanted(self) -> bool:
        if self.stop.received is not None or self._time_is_up():
            return True
        every = self.when.every_n_steps
        # a module that steps by itself may pass the very step
        return every is not None and self.trainer.global_step // every > (self._step or 0) // every

    def _time_is_up(self) -> bool:
        minutes = self.when.every_n_minutes
        return minutes is not None and time.monotonic() - self._saved_at >= 60 * minutes

    def _put_back(self) -> None:
        assert self._from is not None
        set_left_out(self.trainer, self._from["left_out"])
        set_random_state(self._from["random"])
        self._from = None

    def _write_last(self, kind: str, *, ends: bool = False) -> None:
        """Write `last.ckpt`; before it the best that it knows of, which is then never older than it says."""
        self._write_best()
        with self._last_pace.taken():
            checkpoint = self._checkpoint("last", kind)
            if ends:
                self.writer.update(weights_sha256=weights_sha256(checkpoint["state_dict"]))
            self._publish("last", checkpoint, self.trainer.global_step)
            self._step, self._saved_at = self.trainer.global_step, time.monotonic()

    def _write_best(self) -> None:
        """Write `best.ckpt`, where there is a better one than the file."""
        held, self._held = self._held, None
        if held is not None:
            with self._best_pace.taken():
                self._publish("best", held, int(held["global_step"]))
                self.writer.update(best=self.best)

    def _publish(self, name: str, checkpoint: Mapping[str, Any], step: int) -> None:
        self.writer.refuse_if_taken_over()
        data = serialised(checkpoint)
        if not self._readable:
            refuse_unreadable(data)
            self._readable = True
        path = self.writer.checkpoints / f"{name}.ckpt"
        digest = publish(path, data, step=step, former=self._step, keep_last=self.when.keep_last)
        self.writer.event("checkpointed", name=name, step=step, sha256=digest)
        for tell in self.saved:
            tell()

    def _checkpoint(self, name: str, kind: str | None) -> dict[str, Any]:
        """The state as Lightning gathers it; whoever is asked for one may draw from the generators, and what follows does not see it."""
        before = random_state()
        if kind is not None:
            self._whole = {
                "kind": kind,
                "random": before,
                "left_out": left_out(self.trainer, within=kind != EPOCH),
                "place": self.place.state(within=kind != EPOCH),
                "lines": _lines(self.writer.path / "metrics.jsonl"),
            }
        gathered: list[dict[str, Any]] = []
        try:
            self.trainer.save_checkpoint(self.writer.checkpoints / f"{name}.ckpt", storage_options=gathered.append)
        finally:
            self._whole = None
            set_random_state(before)
        return gathered[0]


def _callbacks(trainer: pl.Trainer) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined] # set by Lightning in passing
    return callbacks


def _lines(path: Path) -> int:
    """How many lines of metrics there are: those after them are written again."""
    return path.read_bytes().count(b"\n") if path.is_file() else 0
