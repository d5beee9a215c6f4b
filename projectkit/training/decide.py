"""How the steps of a run are run: decided from config, record and measurement, and put into force before the training starts.

`resolve.py` decides where a run is trained, this file how: what config and record settle (`speed.py`), what fits (`memory.py`), and what is
fastest (`tuner.py`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from projectkit.config import Config
from projectkit.data import DataModule
from projectkit.machine import WAITING, CpuPolicy, available_memory
from projectkit.training.assemble import Assembly
from projectkit.training.loop.shapes import samples_of
from projectkit.training.memory import need_of, refuse_too_large
from projectkit.training.speed import apply, settle
from projectkit.training.tuner import tune
from projectkit.training.workbench import can_be_measured, untouched

KEPT = ("tuning", "micro_batches")  # of a resumed run's record what is not decided anew


@dataclass(frozen=True)
class Decided:
    """What `resolved` gets, and what a person is told."""

    values: dict[str, Any]
    line: str
    warning: str | None


def take_up_input(
    config: Config, data: DataModule | None, resolved: Mapping[str, Any], recorded: Mapping[str, Any] | None
) -> None:
    """Say where batches are wanted, whose memory decides how they come; before data is loaded.

    A repeated or resumed run's batches come as they came then, where the config leaves it open.

    Args:
        config: of the run.
        data: of the catalogue; None: the team's own, which decides for itself.
        resolved: accelerator and devices.
        recorded: `resolved` of the run that is repeated or resumed.
    """
    if data is None:
        return
    devices = resolved["devices"]
    index = devices[0] if isinstance(devices, list) else 0
    data.device = torch.device(f"{resolved['accelerator']}:{index}") if resolved["accelerator"] == "cuda" else None
    if recorded is None:
        return
    if config.data.input == "auto" and recorded.get("input"):
        data.input = str(recorded["input"])
    if config.data.buckets == "auto":
        data.buckets = str(recorded.get("buckets") or "off")  # a version without them had none


def decide(
    config: Config,
    assembly: Assembly,
    resolved: Mapping[str, Any],
    recorded: Mapping[str, Any] | None,
    policy: CpuPolicy,
) -> Decided:
    """Decide how steps are run, and put it into force; the data is loaded.

    Args:
        config: of the run.
        assembly: what it stands for.
        resolved: device and precision.
        recorded: `resolved` of the run that is repeated or resumed.
        policy: how many threads this process may use.

    Raises:
        UserError: the training cannot fit into the memory, or the config demands what the optimiser lacks.
    """
    if recorded is not None and recorded.get("accelerator") != resolved["accelerator"]:
        recorded = None  # what was decided for another device is not this one's
    data, task = assembly.catalogued, assembly.task
    settings, undecided = settle(config.speed, recorded, policy)
    torch.set_num_threads(settings.threads)
    if resolved["accelerator"] == "cpu":
        _refuse_too_large(config, assembly)
    loader = data.train_dataloader if data is not None else None
    tuned = tune(config, resolved, settings, undecided, task=task, loader=loader)
    apply(tuned.settings, task, resolved["accelerator"], forced=config.speed.fused == "on")
    values = {name: recorded[name] for name in KEPT if name in recorded} if recorded is not None else {}
    values |= tuned.settings.record()
    if tuned.record:
        values["tuning"] = tuned.record
    values["waiting"] = {
        name: os.environ[name] for name in WAITING if name in os.environ
    }  # of threads; changes no result
    if data is not None:
        values |= {"input": data.input, "buckets": data.buckets}
    return Decided(values, tuned.line, tuned.warning)


def fixed_shapes(data: DataModule | None) -> bool:
    """Whether every full batch has one shape, so that cuDNN's search for the fastest algorithm is made once."""
    return data is not None and data.card.modality in ("image", "series", "tabular")


def _refuse_too_large(config: Config, assembly: Assembly) -> None:
    data, task = assembly.catalogued, assembly.task
    available = available_memory()
    if data is None or not can_be_measured(task) or available is None:
        return
    plan: Any = task.plan
    try:
        with untouched():
            batch = next(iter(data.train_dataloader()))
            need = need_of(task, batch, plan.build, available)
    except Exception:  # noqa: BLE001 - what is wrong with model or data is told when they are trained
        return
    refuse_too_large(need, samples_of(batch), available)
