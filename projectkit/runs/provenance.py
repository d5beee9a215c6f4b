"""What a run stands on besides the team's code: the installed versions, the lock file, the machine; see git.py and code.py for the code."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from projectkit.machine import cpu_name

PACKAGES = (
    "dl-projectkit",
    "torch",
    "torchvision",
    "pytorch-lightning",
    "torchmetrics",
    "numpy",
    "scipy",
    "scikit-learn",
    "omegaconf",
    "wandb",
)
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pixi.lock", "requirements.lock", "requirements.txt")


@functools.cache  # what is loaded does not change
def versions() -> Mapping[str, str]:
    """Python's version and those of the packages that decide a run's numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return MappingProxyType(found)


def lock_file(folder: Path) -> dict[str, str] | None:
    """The project's lock file and its digest, None where it has none."""
    for name in _LOCKS:
        try:
            return {"file": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
        except OSError:
            continue
    return None


def hardware() -> dict[str, Any]:
    """The machine as far as the standard library knows it; training adds the accelerator."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"platform": platform.platform(), "cpu": cpu_name(), "cores": cores, "memory_gib": _memory_gib()}


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None  # Windows has no sysconf, and asking it needs a foreign call
