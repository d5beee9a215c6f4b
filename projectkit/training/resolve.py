"""What `auto` becomes on this machine; the answer goes into the record, and a repeated run takes it from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from projectkit.config import Config
from projectkit.errors import UserError


def resolve(config: Config, recorded: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Decide device and precision.

    Args:
        config: with `auto` where the user left it.
        recorded: `resolved` of the run that is repeated or resumed; its decisions are applied where the config says `auto`.

    Returns:
        `accelerator`, `device`, `devices`, `precision`: plain values. How the steps are run is settled in `speed.py`.

    Raises:
        UserError: a device is asked for that this machine lacks, or what the device cannot do. There is no silent change.
    """
    recorded = recorded or {}
    accelerator = config.trainer.accelerator or "auto"
    if accelerator == "auto":
        accelerator = str(recorded.get("accelerator") or best_accelerator())
    elif accelerator == "gpu":
        accelerator = "mps" if torch.backends.mps.is_available() else "cuda"
    _refuse_missing(accelerator)
    precision = config.trainer.precision or "auto"
    if precision == "auto":
        # a precision that was decided for another device is not this one's
        decided = recorded.get("precision") if recorded.get("accelerator") == accelerator else None
        precision = str(decided or _precision(accelerator))
    if accelerator == "cpu" and str(precision) in ("16", "16-mixed"):
        raise UserError(
            "a CPU does not train in 16-bit floats",
            where="trainer.precision",
            remedy="write trainer.precision=auto, or bf16-mixed, which a CPU has but is slow at",
        )
    devices = config.trainer.devices
    several = len(devices) > 1 if isinstance(devices, list) else devices not in (None, 1, "1", "auto")
    if several or (config.trainer.num_nodes or 1) > 1:
        raise UserError(
            "a run is trained on one device",
            where="trainer.devices",
            remedy="write trainer.devices=1, or trainer.devices=[1] for the second GPU",
        )
    if isinstance(devices, list) and accelerator == "cuda" and devices[0] >= torch.cuda.device_count():
        raise UserError(
            f"there is no GPU number {devices[0]}; torch sees {torch.cuda.device_count()}, numbered from 0",
            where="trainer.devices",
            remedy="write trainer.devices=1 for the first",
        )
    return {
        "accelerator": accelerator,
        "device": torch.cuda.get_device_name() if accelerator == "cuda" else accelerator,
        "devices": devices if isinstance(devices, list) and accelerator != "cpu" else 1,  # cores have no numbers
        "precision": precision,
    }


def resolve_for_evaluation(recorded: Mapping[str, Any]) -> torch.device:
    """The run's threads, and its device where this machine has it: what was trained on a GPU can be measured on a laptop."""
    torch.set_num_threads(int(recorded.get("threads") or torch.get_num_threads()))
    return torch.device("cpu" if recorded.get("accelerator") == "cpu" else best_accelerator())


def best_accelerator() -> str:
    """`cuda`, `mps` or `cpu`: the first that this machine has."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _refuse_missing(accelerator: str) -> None:
    gpus = {
        "cuda": ("an NVIDIA GPU", torch.cuda.is_available()),
        "mps": ("an Apple GPU", torch.backends.mps.is_available()),
    }
    name, there = gpus.get(accelerator, ("", True))
    if not there:
        raise UserError(
            f"{name} is asked for and torch sees none",
            where="trainer.accelerator",
            remedy="write trainer.accelerator=cpu, or run `projectkit doctor` to see why",
        )


def has_bf16() -> bool:
    """Whether the GPU computes in bf16 and TF32 by itself; torch says yes for a T4 too, because it can emulate bf16."""
    return torch.cuda.get_device_capability()[0] >= 8


def _precision(accelerator: str) -> str:
    if accelerator != "cuda":
        return "32-true"  # bf16 autocast costs 1.4x to 1.7x on a CPU without AMX
    return "bf16-mixed" if has_bf16() else "16-mixed"
