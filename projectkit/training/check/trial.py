"""Short trainings of a copy, inside Lightning's own Trainer, so that a team's own LightningModule is trained as it will be."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers.logger import DummyLogger
from torch import Tensor

from projectkit.training.check.subject import Subject, cloned

GRADIENT_STEPS = 4  # whose gradients are looked at: layers that begin at zero get theirs in the second


@dataclass
class Trial:
    """How a short training went."""

    task: Any  # the copy, as it is afterwards
    losses: list[float] = field(default_factory=list)  # before each step; empty where the task gives none
    rates: list[float] = field(default_factory=list)
    rate: float = math.nan  # the highest that optimiser and schedule will use
    gradients: dict[str, float | None] = field(default_factory=dict)  # parameter -> largest norm; None: never any
    missing: list[str] = field(default_factory=list)  # parameters that are to be trained and no optimiser has
    foreign: int = 0  # parameters that an optimiser has and the task has not
    seconds: float = 0.0  # of the steps
    ended: bool = True  # False: the time was up
    enough: bool = False  # what was asked for is reached
    problem: Exception | None = None

    @property
    def step_s(self) -> float:
        """Seconds a step; the first is left out, which warms up."""
        return self.seconds / max(1, len(self.rates) - 1)


def train_copy(
    subject: Subject,
    task: Any,
    batches: Sequence[Any],
    *,
    steps: int,
    seconds: float,
    rate: Callable[[int, float], float] | None = None,
    enough: Callable[[Trial], bool] | None = None,
) -> Trial:
    """Train a copy for some steps; schedulers stand still.

    Args:
        subject: whose device, precision and clipping are used.
        task: the copy; it is changed.
        batches: in turns.
        steps: at most.
        seconds: after which no further step is made.
        rate: of step i, given the config's; None: the config's highest throughout.
        enough: asked after each step.

    Returns:
        What happened. An exception of the task or its optimiser is its `problem`.
    """
    trial = Trial(task)
    recorder = _Recorder(trial, seconds, rate, enough)
    arguments = dict(subject.trainer)
    if not task.automatic_optimization:  # Lightning refuses to clip what it does not step
        arguments.pop("gradient_clip_val", None)
        arguments.pop("gradient_clip_algorithm", None)
    with tempfile.TemporaryDirectory() as nowhere:
        try:
            trainer = pl.Trainer(
                **arguments,
                max_epochs=1,
                max_steps=steps,
                limit_val_batches=0,
                num_sanity_val_steps=0,
                logger=DummyLogger(),
                callbacks=[recorder],
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                default_root_dir=nowhere,
            )
            trainer.fit(task, train_dataloaders=_Turns(batches, steps, recorder))
        except Exception as error:  # noqa: BLE001 - whatever a team's code raises is what is to be told
            trial.problem = error
    task.to(subject.device)
    return trial


class _Turns:
    """A loader that gives copies of some batches in turns, until it is enough."""

    def __init__(self, batches: Sequence[Any], steps: int, recorder: _Recorder) -> None:
        self._batches, self._steps, self._recorder = batches, steps, recorder

    def __iter__(self) -> Iterator[Any]:
        for step in range(self._steps):
            if self._recorder.done:
                return
            yield cloned(self._batches[step % len(self._batches)])


class _Recorder(pl.Callback):
    def __init__(
        self,
        trial: Trial,
        seconds: float,
        rate: Callable[[int, float], float] | None,
        enough: Callable[[Trial], bool] | None,
    ) -> None:
        self.trial = trial
        self.done = False
        self._seconds, self._rate, self._enough = seconds, rate, enough
        self._began = self._first = time.perf_counter()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: optimisers and schedulers are there."""
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self.trial.rate = max((_highest(group) for group in groups), default=math.nan)
        held = {id(parameter) for group in groups for parameter in group["params"]}
        named = {id(parameter): name for name, parameter in pl_module.named_parameters()}
        trained = {id(parameter): name for name, parameter in pl_module.named_parameters() if parameter.requires_grad}
        self.trial.missing = [name for key, name in trained.items() if key not in held]
        self.trial.foreign = len(held - set(named))
        self.trial.gradients = dict.fromkeys(trained.values())
        if pl_module.automatic_optimization:  # who steps by hand may ask for a scheduler
            trainer.strategy.lr_scheduler_configs = []
        for group in groups:  # groups of different rates keep their proportion
            group["check_factor"] = _highest(group) / self.trial.rate if self.trial.rate > 0 else 1.0

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Lightning's hook: the rate of this step."""
        rate = self.trial.rate if self._rate is None else self._rate(batch_idx, self.trial.rate)
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["check_factor"]
        self.trial.rates.append(rate)

    def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: gradients are there and not clipped."""
        if len(self.trial.rates) > GRADIENT_STEPS:
            return
        known = self.trial.gradients
        for name, parameter in pl_module.named_parameters():
            if parameter.grad is not None and parameter.requires_grad:
                norm = float(parameter.grad.detach().float().norm())
                before = known.get(name)
                known[name] = norm if before is None or not norm <= before else before

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Lightning's hook: the loss, and whether to go on; one batch was fetched ahead, whose step does not count."""
        if self.done:
            return
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor) and loss.numel() == 1:
            self.trial.losses.append(float(loss))
        now = time.perf_counter()
        if len(self.trial.rates) == 1:
            self._first = now
        self.trial.seconds = now - self._first
        self.trial.ended = now - self._began < self._seconds
        ends = bool(self.trial.losses) and not math.isfinite(self.trial.losses[-1])
        self.trial.enough = self._enough is not None and self._enough(self.trial)
        self.done = ends or not self.trial.ended or self.trial.enough


def _highest(group: dict[str, Any]) -> float:
    """The highest rate of a parameter group over the training: OneCycleLR and CyclicLR begin far below theirs."""
    rates = [group.get(name) for name in ("max_lr", "initial_lr", "lr")]
    return max(float(each) for each in rates if isinstance(each, int | float | Tensor))
