"""Which settings run a model's steps fastest on this machine: measured on copies, in a second or two, and kept.

| file | part |
|---|---|
| speed.py | the settings, and what config and record say of them |
| workbench.py | copies of a task that are trained for a few steps, with the clock on |
| verdicts.py | measurements that are kept between runs |

No switch is always right: on one machine channels_last took .71 of a CNN's time, a compiled char-CNN 1.9 times that of the eager one. Each
is tried against what has won so far, the two in turn, some ten steps each; the plainer one stays unless the other is faster beyond the
noise. Compiling costs seconds to minutes, so it is tried only where the steps that remain would repay it.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
import torch

from projectkit.config import Config, TrainerConfig
from projectkit.machine import WAITING, busy_seconds, cpu_name, lacking_for_compilation
from projectkit.tasks.optimisation import fused_form
from projectkit.training import verdicts
from projectkit.training.loop.compiler import missing_compiler, words_of
from projectkit.training.loop.shapes import tensors_of
from projectkit.training.speed import Settings, has_convolutions
from projectkit.training.workbench import RefusedError, Workbench, can_be_measured, ratio_of, untouched

SHARE = 0.1  # of the training's own time that measuring may take
LEAST_S = 0.2  # what it takes at least
MOST_S = 3.0  # and at most, without compiling
GAIN = 0.95  # a setting is taken where a step takes less than this of the plainer one's time
THREADS_GAIN = 0.8  # more threads are taken where a step takes less than this of the time: they hold more cores, and wait for each other
COMPILE_S = {"whole": 20.0, "compiled": 30.0, "graph": 1.0}  # until it has been measured; an MLP's whole step takes 2 s
HOPED = 0.6  # share of the eager step's time that a program is hoped to take, until it has been measured
WARM = 0.5  # share of the first compile that a later one takes, with its code kept: a quarter was measured, a half is cautious
QUIET = 0.25  # cores that other programs may take while a verdict is found that is kept


@dataclass(frozen=True)
class Tuning:
    """The settings of a training, and how they came about."""

    settings: Settings
    line: str  # for the screen
    record: dict[str, Any] = field(default_factory=dict)  # for the run's record
    warning: str | None = None


class StepTuner:
    """Finds the settings for one training.

    Args:
        bench: with the task, a batch, and what the trainer is told.
        settings: those that are settled; the open ones as torch has them.
        open_: names of the settings that may be chosen.
        steps: that the training has; infinite where nothing bounds it.
        limit_s: seconds after which it is stopped.
    """

    def __init__(
        self, bench: Workbench, settings: Settings, open_: Collection[str], *, steps: float, limit_s: float = math.inf
    ) -> None:
        self.bench = bench
        # a program that the config demands is not compiled again for each threads, optimiser and format that is tried
        self.plain = replace(settings, step="eager")
        self.demanded = settings.step
        self.open = frozenset(open_)
        self.steps = steps
        self.limit_s = limit_s
        self.known: dict[str, Any] = {}
        self.measured = False
        self._why = ""  # why no program runs the steps

    def tune(self) -> Tuning:
        """Measure what is not known yet, and choose. The task stays untouched, and no error comes from here."""
        began, before = time.perf_counter(), _others_s()
        try:
            with untouched():
                name = self._digest()
                self.known = verdicts.read(name)
                settings = self._choose()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong on a copy, the task can be trained as it is
            return _failed(replace(self.plain, step=self.demanded), error)
        seconds = time.perf_counter() - began
        # beside another program fewer threads win than on a quiet machine
        if self.measured and _others_s() - before < QUIET * seconds:
            verdicts.keep(name, self.known)
        record = {**self.known, "seconds": round(seconds, 3), "now": self.measured}
        settings = replace(settings, step=settings.step if "step" in self.open else self.demanded)
        return Tuning(settings, self._line(settings), {name: each for name, each in record.items() if name != "digest"})

    def _digest(self) -> str:
        facts = {
            "trainer": sorted((name, str(value)) for name, value in self.bench.trainer.items()),
            "settled": sorted(asdict(self.plain).items()),
            "open": sorted(self.open),
            "device": _device_name(self.bench.device),
            "waiting": [os.environ.get(name) for name in WAITING],
            "compiler": lacking_for_compilation(),
        }
        return verdicts.digest(self.bench.task, tensors_of(self.bench.batch), self.bench.optimizer(), facts)

    def _choose(self) -> Settings:
        if "taken" not in self.known:
            with closing(self.bench.contender(self.plain)) as contender:
                contender.first()
                self.known["plain_s"] = contender.slice(3)
        remaining_s = min(self.steps * self.known["plain_s"], self.limit_s)
        budget_s = min(MOST_S, SHARE * remaining_s)
        if "taken" not in self.known:
            if (
                budget_s < LEAST_S
            ):  # a training of a few seconds, in which threads that wait for each other would still be seen
                return self._with_fewest_threads(budget_s, {})[0]
            self._measure_settings(budget_s)
        settings = replace(self.plain, **self.known["taken"])
        if "step" not in self.open:
            return settings
        return replace(settings, step=self._program(settings, remaining_s * self.known["ratio"]))

    def _measure_settings(self, budget_s: float) -> None:
        """Threads, then the fused optimiser, then the memory format: each against the best so far."""
        self.measured = True
        tried = self._alternatives()
        each_s = budget_s / (len(tried) + 2)
        ratios: dict[str, float] = {}
        best, ratio = self._with_fewest_threads(each_s, ratios)
        for name, value in tried:
            other = replace(best, **{name: value})
            found, clear = self._ratio(other, best, each_s)
            ratios[f"{name} {value}"] = round(found, 3)
            if clear and found < GAIN:
                best, ratio = other, ratio * found
        taken = {name: value for name, value in asdict(best).items() if name in self.open and name != "step"}
        self.known.update(taken=taken, ratio=round(ratio, 4), ratios=ratios)

    def _with_fewest_threads(self, each_s: float, ratios: dict[str, float]) -> tuple[Settings, float]:
        """The fewest threads that are not much slower than the fastest number of them, halved again and again."""
        best, ratio, fastest = self.plain, 1.0, 1.0
        if "threads" not in self.open or self.bench.device.type != "cpu":
            return best, ratio
        while best.threads > 1:
            fewer = replace(best, threads=best.threads // 2)
            found, _ = self._ratio(fewer, best, each_s)
            ratios[f"threads {fewer.threads}"] = round(found, 3)
            fastest = min(fastest, ratio * found)
            if fastest < THREADS_GAIN * ratio * found:
                break
            best, ratio = fewer, ratio * found
        return best, ratio

    def _alternatives(self) -> list[tuple[str, Any]]:
        """What is tried of the other settings."""
        tried: list[tuple[str, Any]] = []
        if "fused" in self.open and fused_form(self.bench.optimizer()) is not None:
            tried.append(("fused", True))
        if "memory_format" in self.open and has_convolutions(self.bench.task):
            tried.append(("memory_format", "channels_last"))
        return tried

    def _ratio(self, other: Settings, plain: Settings, seconds: float) -> tuple[float, bool]:
        with closing(self.bench.contender(other)) as one, closing(self.bench.contender(plain)) as two:
            one.first()
            two.first()
            return ratio_of(one, two, seconds)

    def _program(self, settings: Settings, remaining_s: float) -> str:
        """The program that runs the steps, or `eager`; measured where the hope of it pays."""
        lacking = missing_compiler(self.bench.device)
        programs = self.known.setdefault("programs", {})
        best, saved_s = "eager", 0.0
        for name in self._programs():
            if lacking is not None and name != "graph":
                self._why = lacking
                continue
            if name not in programs and best == "eager":
                if remaining_s * (1 - HOPED) < COMPILE_S[name]:
                    self._why = "compiling would take longer than it saves"
                    continue
                programs[name] = self._measured(replace(settings, step=name))
            found = programs.get(name, {})
            if "refused" in found:
                self._why = found["refused"]
            elif found and found["ratio"] < GAIN:
                saves_s = remaining_s * (1 - found["ratio"]) - WARM * found["first_s"]
                self._why = "compiling takes longer than it saves"
                if saves_s > saved_s:
                    best, saved_s = name, saves_s
            elif found:
                self._why = f"the step {name} takes {found['ratio']:.2f} of the eager one's time"
        return best

    def _programs(self) -> Iterable[str]:
        return ("graph", "whole", "compiled") if self.bench.device.type == "cuda" else ("whole", "compiled")

    def _measured(self, settings: Settings) -> dict[str, Any]:
        self.measured = True
        try:
            with closing(self.bench.contender(settings)) as program:
                first_s = program.first()
                with closing(self.bench.contender(replace(settings, step="eager"))) as eager:
                    eager.first()
                    found, clear = ratio_of(program, eager, MOST_S)
        except RefusedError as error:
            return {"refused": str(error)}
        return {"ratio": round(found if clear else max(found, 1.0), 4), "first_s": round(first_s, 2)}

    def _line(self, settings: Settings) -> str:
        """Such as `tuned: fused AdamW, 1 thread, whole step compiled (0.52 of eager, repays after 900 of 12,000 steps)`."""
        if "taken" not in self.known:
            return ""
        plain_s, ratio = self.known["plain_s"], self.known["ratio"]
        parts = [f"fused {type(self.bench.optimizer()).__name__}"] if settings.fused else []
        parts += ["channels_last"] if settings.memory_format == "channels_last" else []
        if self.bench.device.type == "cpu":
            parts.append(f"{settings.threads} thread{'s' * (settings.threads != 1)}")
        if ratio < GAIN:
            parts[-1] += f" ({ratio:.2f} of plain)"
        if settings.step != "eager" and "step" in self.open:
            program = self.known["programs"][settings.step]
            repaid = WARM * program["first_s"] / (plain_s * ratio * (1 - program["ratio"]))
            steps = f" of {self.steps:,.0f}" if math.isfinite(self.steps) else ""
            shown = {"whole": "whole step compiled", "compiled": "model compiled", "graph": "step as a CUDA graph"}
            parts.append(
                f"{shown[settings.step]} ({program['ratio']:.2f} of eager, repays after {repaid:,.0f}{steps} steps)"
            )
        elif self._why:
            parts.append(f"eager steps: {self._why}")
        return f"tuned: {', '.join(parts)}"


def tune(
    config: Config,
    resolved: Mapping[str, Any],
    settings: Settings,
    open_: Collection[str],
    *,
    task: pl.LightningModule,
    loader: Callable[[], Any] | None,
) -> Tuning:
    """Tune the steps of the training that a config describes.

    Args:
        config: of the run.
        resolved: accelerator, devices and precision.
        settings: those that are settled.
        open_: names of the settings that may be chosen.
        task: to be trained, before it is.
        loader: makes the loader of the training batches; None where only Lightning can make it, and nothing is measured.
    """
    if not open_ or config.trainer.fast_dev_run or loader is None:
        return Tuning(settings, "")
    if not can_be_measured(task):
        open_ = frozenset(open_) & {"threads"}  # its optimiser and the layout of its weights are its own
    trainer = {name: resolved[name] for name in ("accelerator", "devices", "precision")}
    trainer |= {name: getattr(config.trainer, name) for name in ("gradient_clip_val", "gradient_clip_algorithm")}
    if config.trainer.gradient_clip_val and resolved["precision"] == "16-mixed":
        open_ = frozenset(open_) - {"fused"}  # which Lightning refuses together with clipping and a gradient scaler
    if (config.trainer.accumulate_grad_batches or 1) > 1:
        open_ = frozenset(open_) - {"step"}  # which no program covers
    try:
        with untouched():
            batches = loader()
            bench = Workbench(task, next(iter(batches)), trainer)
            steps = planned_steps(config.trainer, len(batches))
    except Exception as error:  # noqa: BLE001 - what is wrong with the data is told where it is trained on
        return _failed(settings, error)
    limit_s = limit_in_seconds(config.trainer.max_time)
    return StepTuner(bench, settings, open_, steps=steps, limit_s=limit_s).tune()


def planned_steps(trainer: TrainerConfig, batches: int) -> float:
    """Optimiser steps that a training has from its beginning; infinite where neither epochs nor steps bound it.

    Args:
        trainer: of the config.
        batches: of an epoch, before the config limits them.
    """
    for limit in (trainer.limit_train_batches, trainer.overfit_batches or None):
        if limit is not None:
            batches = int(batches * limit) if isinstance(limit, float) else min(batches, limit)
    epochs = math.inf if trainer.max_epochs in (None, -1) else float(trainer.max_epochs or 0)
    steps = epochs * math.ceil(batches / (trainer.accumulate_grad_batches or 1))
    return steps if trainer.max_steps in (None, -1) else min(steps, float(trainer.max_steps or 0))


def limit_in_seconds(max_time: str | Mapping[str, int] | None) -> float:
    """What `max_time` stands for; infinite where there is none.

    Args:
        max_time: as Lightning has it: DD:HH:MM:SS, or the arguments of a timedelta.
    """
    if max_time is None:
        return math.inf
    if isinstance(max_time, str):
        max_time = dict(zip(("days", "hours", "minutes", "seconds"), map(int, max_time.split(":")), strict=True))
    return timedelta(**max_time).total_seconds()


def _failed(settings: Settings, error: Exception) -> Tuning:
    said = words_of(error)
    return Tuning(settings, "", {"error": said}, f"the steps were not tuned ({said}), plain ones are run")


def _others_s() -> float:
    """Processor time of all other programs so far, in seconds; 0 where the system does not say."""
    busy = busy_seconds()
    return 0.0 if busy is None else busy - time.process_time()


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type} {cpu_name()}"
