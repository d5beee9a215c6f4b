"""How a run's steps are run: what is settled by config or record, how it is put into force, and the lines that say it.

| setting | values | |
|---|---|---|
| `threads` | a number | of torch, on the CPU |
| `fused` | true, false | the optimiser's update of all parameters as one kernel |
| `memory_format` | `contiguous`, `channels_last` | of convolutions' weights |
| `step` | `eager`, `compiled`, `whole`, `graph` | what runs a step; see `loop/program.py` |

The config's word counts first, then what the repeated or resumed run recorded; the rest is left to `tuner.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import nn

from projectkit.config import SpeedConfig
from projectkit.errors import UserError
from projectkit.machine import CpuPolicy
from projectkit.tasks import OptimizerPlan
from projectkit.training.loop.position import NEVER
from projectkit.training.loop.program import StepProgram
from projectkit.training.loop.report import LoopReport
from projectkit.training.resolve import has_bf16

COMPILED = ("compiled", "whole")


@dataclass(frozen=True)
class Settings:
    """The settings of a run's steps; the defaults are what torch does by itself."""

    threads: int
    fused: bool = False
    memory_format: str = "contiguous"
    step: str = "eager"

    def record(self) -> dict[str, Any]:
        """As in the record's `resolved`."""
        return {**asdict(self), "compiled": self.step in COMPILED}


def settle(
    speed: SpeedConfig, recorded: Mapping[str, Any] | None, policy: CpuPolicy
) -> tuple[Settings, frozenset[str]]:
    """What is settled already, and which settings are open, to be measured.

    Args:
        speed: of the config.
        recorded: `resolved` of the run that is repeated or resumed, which leaves nothing open: it is to give the same bits; None for a new
            run.
        policy: how many threads this process may use.
    """
    usual = Settings(threads=policy.threads or torch.get_num_threads())
    settled = (
        usual
        if recorded is None
        else Settings(
            threads=int(recorded.get("threads") or usual.threads),
            fused=bool(recorded.get("fused", usual.fused)),
            memory_format=str(recorded.get("memory_format", usual.memory_format)),
            step=str(recorded.get("step", usual.step)),
        )
    )
    said: dict[str, Any] = {
        "threads": speed.threads,
        "fused": None if speed.fused == "auto" else speed.fused == "on",
        "memory_format": None if speed.memory_format == "auto" else speed.memory_format,
        "step": None if speed.step == "auto" else speed.step,
    }
    open_ = {name for name, value in said.items() if value is None}
    if recorded is not None or speed.tune == "off":
        open_.clear()
    if policy.chosen_by_user:
        open_.discard("threads")
    return replace(settled, **{name: value for name, value in said.items() if value is not None}), frozenset(open_)


def apply(settings: Settings, task: pl.LightningModule, accelerator: str, *, forced: bool) -> None:
    """Put threads, memory format and the fused optimiser into force, before the task is trained.

    Args:
        settings: to be applied.
        task: whose weights are laid out anew; its values stay.
        accelerator: that it is trained on.
        forced: whether the config demands the fused optimiser, rather than a measurement.

    Raises:
        UserError: it is demanded, and the task builds its own optimiser.
    """
    torch.set_num_threads(settings.threads)
    if accelerator == "cuda" and has_bf16():
        torch.set_float32_matmul_precision(
            "high"
        )  # TF32: float32 products with 10 bits, on the units that compute bf16
    if settings.memory_format == "channels_last":
        task.to(memory_format=torch.channels_last)
    plan = getattr(task, "plan", None)
    if isinstance(plan, OptimizerPlan):
        plan.fused = settings.fused
    elif settings.fused and forced:
        raise UserError(
            f"the optimiser is built by {type(task).__name__}",
            where="speed.fused",
            remedy="write speed.fused: auto, and fused=True in its configure_optimizers",
        )


def has_convolutions(task: nn.Module) -> bool:
    """Whether there are weights that channels_last lays out in another way."""
    return any(parameter.ndim == 4 for parameter in task.parameters())


def program_of(step: str) -> StepProgram | None:
    """What runs a step in place of the eager one."""
    if step == "eager":
        return None
    # imported when it is wanted: torch.compile's own imports take seconds
    file = importlib.import_module(f"projectkit.training.loop.{step}")
    program: StepProgram = getattr(file, f"{step.capitalize()}Step")()
    return program


class LoopNotice(Callback):
    """Tells once, after the first batch, which loop runs the training.

    Args:
        tell: is given the report.
    """

    def __init__(self, tell: Callable[[LoopReport], None]) -> None:
        self._tell: Callable[[LoopReport], None] | None = tell

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Lightning's hook: the loop has decided by now."""
        report = getattr(trainer, "loop_report", None)
        if self._tell is not None and report is not None:
            self._tell(report)
            self._tell = None

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        """See `loop/due.py`."""
        return 0 if self._tell is not None else NEVER
