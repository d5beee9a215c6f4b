"""Copies of a task that are trained on one batch with the clock on: what `tuner.py` measures with.

A copy has weights, buffers, optimiser and trainer of its own. It is trained by the eager step written down here, without a loop around it,
or by one of the programs of `loop/`. Of a team's own LightningModule only forward and backward pass are run: what else its steps do is not
known.
"""

from __future__ import annotations

import copy
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from projectkit.tasks import OptimizerPlan
from projectkit.training.loop.program import PureTask, StepProgram
from projectkit.training.loop.shapes import samples_of, tensors_of
from projectkit.training.random_state import random_state, set_random_state
from projectkit.training.speed import Settings, program_of

ROUNDS = 10
WARM_UP = 2  # steps before the clock is looked at
SLICE_S = 0.005  # a slice of steps lasts at least so long: the clock and a change of threads cost microseconds
PRECISE = time.get_clock_info("process_time").resolution < 1e-6  # 16 ms on Windows
FIRST_STEPS = 6  # of a program, until it has been compiled and compared with the eager step


class RefusedError(Exception):
    """A program that does not run this task, with its reason."""


class Workbench:
    """Where copies of a task are made and timed.

    Args:
        task: it is copied and stays as it is.
        batch: `(x, y)`, on any device.
        trainer: Lightning's arguments for precision, clipping and device.
    """

    def __init__(self, task: pl.LightningModule, batch: Any, trainer: Mapping[str, Any]) -> None:
        self.task = task
        self.trainer = dict(trainer)
        self.whole = can_be_measured(task)
        self.device: torch.device = self._trainer().strategy.root_device
        self.batch = _moved(batch, self.device)

    def optimizer(self) -> Optimizer:
        """The task's, over its own parameters; it has no state and is not stepped. A stand-in where the task builds its own."""
        return self._optimizer_of(self.task)

    def contender(self, settings: Settings) -> Contender:
        """A copy that is trained with these settings.

        Raises:
            RefusedError: the program does not run it.
        """
        return Contender(self, settings)

    def prepared(self, settings: Settings) -> tuple[Any, Optimizer, pl.Trainer]:
        """A copy of the task, its optimiser, and a trainer that has both."""
        task: Any = copy.deepcopy(self.task).to(self.device).train()
        if settings.memory_format == "channels_last":
            task.to(memory_format=torch.channels_last)
        if self.whole:
            task.plan.fused = settings.fused
        optimizer = self._optimizer_of(task)
        trainer = self._trainer()
        trainer.strategy.connect(task)
        trainer.strategy.optimizers = [optimizer]
        task.trainer = trainer
        return task, optimizer, trainer

    def _optimizer_of(self, task: Any) -> Optimizer:
        optimizer: Optimizer = task.plan.build(_trained(task)) if self.whole else torch.optim.SGD(_trained(task))
        return optimizer

    def _trainer(self) -> pl.Trainer:
        return pl.Trainer(
            **self.trainer,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )


class Contender:
    """One copy in training.

    Args:
        bench: where it is.
        settings: that it is trained with.
    """

    def __init__(self, bench: Workbench, settings: Settings) -> None:
        self.bench = bench
        self.settings = settings
        self.task, self.optimizer, self.trainer = bench.prepared(settings)
        self.program: StepProgram | None = program_of(settings.step)
        self._steps = 0
        torch.set_num_threads(settings.threads)
        refused = self.program.start(self.trainer) if self.program is not None else None
        if refused is not None:
            raise RefusedError(refused)

    def first(self) -> float:
        """Train until a program has been compiled; how many seconds that took.

        Raises:
            RefusedError: it gave up.
        """
        seconds = self.run(FIRST_STEPS if self.program is not None else WARM_UP)
        fallback = self.program.fallback if self.program is not None else None
        if fallback is not None:
            raise RefusedError(fallback)
        return seconds

    def run(self, count: int, clock: Callable[[], float] = time.perf_counter) -> float:
        """Train so many steps; how many seconds they took, by this clock."""
        step: Callable[[], Any] = self._programmed_step
        if self.program is None:
            step = self._eager_step if self.bench.whole else self._forward_and_backward
        self._wait()
        began = clock()
        for _ in range(count):
            step()
        self._wait()
        return clock() - began

    def slice(self, count: int, clock: Callable[[], float] = time.perf_counter) -> float:
        """Seconds a step, over `count` steps after one that is not counted: threads that begin anew have to be made."""
        torch.set_num_threads(self.settings.threads)
        self.run(1)
        return self.run(count, clock) / count

    def close(self) -> None:
        """Give back what a program holds."""
        if self.program is not None:
            self.program.finish()

    def _eager_step(self) -> None:
        self.optimizer.zero_grad()
        with self.trainer.precision_plugin.forward_context():
            loss, noted = self.task.loss_of(self.bench.batch)
        loss.backward()
        if self.trainer.gradient_clip_val:
            by = self.trainer.gradient_clip_algorithm
            clip = nn.utils.clip_grad_value_ if by == "value" else nn.utils.clip_grad_norm_
            clip(_trained(self.task), self.trainer.gradient_clip_val)
        self.optimizer.step()
        self.task.note_step(loss.detach(), noted, samples_of(self.bench.batch))

    def _forward_and_backward(self) -> None:
        self.optimizer.zero_grad()
        with self.trainer.precision_plugin.forward_context():
            output = self.task(self.bench.batch[0])
        torch.stack([part.float().mean() for part in tensors_of(output) if part.requires_grad]).sum().backward()  # type: ignore[no-untyped-call] # torch has no type for it

    def _programmed_step(self) -> None:
        assert self.program is not None
        self.program.step(self.bench.batch, self._steps)
        self._steps += 1

    def _wait(self) -> None:
        if self.bench.device.type == "cuda":
            torch.cuda.synchronize(self.bench.device)
        elif self.bench.device.type == "mps":
            torch.mps.synchronize()


def ratio_of(other: Contender, plain: Contender, seconds: float) -> tuple[float, bool]:
    """How long a step of one takes against one of the other, in slices that take turns.

    Args:
        other: the one that has to be faster to be taken.
        plain: the one that it is compared with.
        seconds: after which no further round begins; three rounds are made in any case.

    Returns:
        The median of the ratios; and whether it is faster beyond the noise: in three rounds of four.
    """
    ends = time.perf_counter() + seconds
    clock = time.perf_counter
    if PRECISE and plain.bench.device.type == "cpu" and plain.settings.threads == other.settings.threads == 1:
        clock = time.process_time  # on one thread the processor's time is the step's, whoever else is at work
    count = max(1, round(SLICE_S / max(1e-6, plain.slice(2, clock))))
    other.slice(count)
    ratios: list[float] = []
    while len(ratios) < ROUNDS and (len(ratios) < 3 or time.perf_counter() < ends):
        if len(ratios) % 2:
            first = plain.slice(count, clock)
            ratios.append(other.slice(count, clock) / first)
        else:
            first = other.slice(count, clock)
            ratios.append(first / plain.slice(count, clock))
    upper = sorted(ratios)[math.ceil(0.75 * len(ratios)) - 1]
    return statistics.median(ratios), upper < 1.0


def can_be_measured(task: pl.LightningModule) -> bool:
    """Whether whole steps of a task can be run on a copy."""
    return isinstance(task, PureTask) and isinstance(getattr(task, "plan", None), OptimizerPlan)


@contextmanager
def untouched() -> Iterator[None]:
    """Put threads and every generator back to where they were, and keep warnings about copies to itself."""
    threads, state = torch.get_num_threads(), random_state()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
        set_random_state(state)


def _trained(task: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in task.parameters() if parameter.requires_grad]


def _moved(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device)
    return type(batch)(_moved(part, device) for part in batch)
