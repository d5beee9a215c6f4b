"""Which optimiser and which scheduler a task trains with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from projectkit.errors import UserError

# the count that a scheduler needs, under the names that torch gives it
COUNTS = ("total_steps", "T_max", "total_iters")


def _adamw(parameters: Iterable[nn.Parameter]) -> Optimizer:
    return AdamW(parameters, lr=1e-3)


@dataclass
class OptimizerPlan:
    """An optimiser and, if wanted, a scheduler, still waiting for the parameters.

    Args:
        optimizer: makes the optimiser from the parameters; AdamW with a rate of 1e-3 unless given.
        scheduler: makes the scheduler from the optimiser and, where `count` names one, that count.
        count: the scheduler's parameter that is filled with the length of the training; see `missing_count`.
        interval: whether the scheduler moves every `step` or every `epoch`.
        monitor: the metric for a scheduler that watches one.
        filled: what was filled, for the run record.
        fused: whether the optimiser updates all parameters in one kernel, see `fused_form`.
    """

    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] = _adamw
    scheduler: Callable[..., LRScheduler] | None = None
    count: str | None = None
    interval: Literal["step", "epoch"] = "epoch"
    monitor: str | None = None
    filled: dict[str, int] = field(default_factory=dict)
    fused: bool = False

    def configure(
        self, parameters: Iterable[nn.Parameter], *, total_steps: float, max_epochs: int | None
    ) -> dict[str, Any]:
        """The dictionary that Lightning's `configure_optimizers` returns.

        Args:
            parameters: to optimise.
            total_steps: the trainer's estimate of the optimiser steps; infinite where nothing bounds the training.
            max_epochs: the trainer's bound.

        Raises:
            UserError: the scheduler needs a count and the training has no end, or the optimiser has no fused form.
        """
        optimizer = self.build(parameters)
        if self.scheduler is None:
            return {"optimizer": optimizer}
        self.filled = self._fill(total_steps if self.interval == "step" else float(max_epochs or -1))
        scheduler = self.scheduler(optimizer, **self.filled)
        settings: dict[str, Any] = {"scheduler": scheduler, "interval": self.interval, "frequency": 1}
        if self.monitor is not None:
            settings["monitor"] = self.monitor
        return {"optimizer": optimizer, "lr_scheduler": settings}

    def build(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """The optimiser alone.

        Raises:
            UserError: it is to be fused, and has no such form.
        """
        optimizer = self.optimizer(parameters)
        if not self.fused:
            return optimizer
        fused = fused_form(optimizer)
        if fused is None:
            remedy = "write speed.fused: auto, which takes it where it is there"
            raise UserError(f"{type(optimizer).__name__} has no fused form here", where="speed.fused", remedy=remedy)
        return fused

    def no_end(self, where: str) -> UserError:
        """The error for a count that cannot be filled, because nothing bounds the training."""
        return UserError(
            f"the training has no end from which the scheduler's {self.count} could be filled",
            where=where,
            remedy=f"write {self.count}: <number> there, or {self._bound()}",
        )

    def _fill(self, length: float) -> dict[str, int]:
        if self.count is None:
            return {}
        if length <= 0 or length == float("inf"):
            raise self.no_end("scheduler.init_args")
        return {self.count: int(length)}

    def _bound(self) -> str:
        if self.interval == "epoch":
            return "set trainer.max_epochs (trainer.max_steps is enough for scheduler.interval=step)"
        return "set trainer.max_epochs or trainer.max_steps"


def fused_form(optimizer: Optimizer) -> Optimizer | None:
    """The same optimiser with one kernel for all parameters, which on a CPU makes AdamW's step about a third shorter.

    Returns:
        None for an optimiser that torch has no such form of, or whose way of computing was chosen already (`foreach`, `capturable`,
        `differentiable`, `fused`); and for parameters that the kernel does not take.
    """
    accepted = inspect.signature(type(optimizer)).parameters
    chosen = any(optimizer.defaults.get(name) for name in ("foreach", "capturable", "differentiable"))
    ours = type(optimizer).__module__.startswith("torch.optim.")
    if "fused" not in accepted or optimizer.defaults.get("fused") is not None or chosen or not ours:
        return None
    arguments = {name: value for name, value in optimizer.defaults.items() if name in accepted}
    groups = [{**group, "fused": True} for group in optimizer.param_groups]
    try:
        return type(optimizer)(groups, **{**arguments, "fused": True})
    except (RuntimeError, ValueError):  # torch's own words for a device or a type that the kernel lacks
        return None


def missing_count(scheduler: type[LRScheduler], given: Collection[str]) -> str | None:
    """The parameter of a scheduler that wants the length of the training and was not given, or None."""
    # OneCycleLR takes epochs and steps_per_epoch in place of total_steps
    if {*given} & {*COUNTS, "epochs", "steps_per_epoch"}:
        return None
    return next((name for name in inspect.signature(scheduler).parameters if name in COUNTS), None)
