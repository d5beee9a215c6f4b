"""projectkit: the framework of a deep-learning course's team projects.

`import projectkit as pk` costs nothing: each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from projectkit import datasets as datasets
    from projectkit.evaluation import evaluate as evaluate
    from projectkit.runs import load_run as load_run
    from projectkit.training import Trainer as Trainer
    from projectkit.training import train as train

_HOMES = {
    "Trainer": "projectkit.training",
    "train": "projectkit.training",
    "evaluate": "projectkit.evaluation",
    "load_run": "projectkit.runs",
}
_ROOMS = (
    "attacks",
    "data",
    "datasets",
    "evaluation",
    "figures",
    "metrics",
    "models",
    "poster",
    "runs",
    "tasks",
    "training",
)

__all__ = ["Trainer", "__version__", "datasets", "evaluate", "load_run", "train"]


def __getattr__(name: str) -> Any:
    if name in ("train", "evaluate"):
        from projectkit.machine import cpu_policy

        cpu_policy().prepare()  # before torch is imported
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"projectkit.{name}")
    raise AttributeError(f"module 'projectkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS})
