"""What was measured of a model on this machine, kept between runs, so that it is measured once.

A verdict is a small JSON file in the user's cache folder (`PROJECTKIT_CACHE`, else the system's), named by a digest of everything that the
measurements depend on. It holds measurements and not decisions: whether compiling repays itself is another question for a longer training.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from projectkit import __version__
from projectkit.runs.files import atomic_write, read_json, to_json

FORM = 1
"""Raised whenever what is measured, or how it is kept, changes; other forms are not read."""

_TOLD = ("lr", "initial_lr", "max_lr", "min_lr")  # of an optimiser's settings those that cost no time


def folder() -> Path:
    """Where verdicts are kept."""
    chosen = os.environ.get("PROJECTKIT_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve() / "tuned"
    return Path(
        platformdirs.user_cache_dir("projectkit-tuned", appauthor=False)
    )  # beside the store of the data sets, not in it


def digest(task: nn.Module, batch: Iterable[Tensor], optimizer: Optimizer, facts: Mapping[str, Any]) -> str:
    """SHA-256 of what the time of a step depends on: code and structure of the model, batch, optimiser, and facts of the machine.

    Args:
        task: code, structure, shapes and types count; values do not.
        batch: its tensors, whose shapes and types count; the length of token batches to the next power of two, since it varies.
        optimizer: its class and settings, without the learning rate.
        facts: further ones, plain values.
    """
    parts = [FORM, __version__, torch.__version__, repr(task)]
    parts += [(name, tuple(each.shape), str(each.dtype), each.requires_grad) for name, each in task.named_parameters()]
    parts += sorted({_code(type(module)) for module in task.modules()})
    parts += [_shape(each) for each in batch]
    settings = {name: value for name, value in optimizer.defaults.items() if name not in _TOLD}
    parts += [
        type(optimizer).__qualname__,
        sorted(settings.items()),
        len(optimizer.param_groups),
        sorted(facts.items()),
    ]
    return hashlib.sha256("\n".join(map(repr, parts)).encode("utf-8", "backslashreplace")).hexdigest()


def read(name: str) -> dict[str, Any]:
    """What is known under a digest; empty where there is nothing, or no file of ours."""
    try:
        known = read_json(folder() / f"{name}.json")
    except (OSError, ValueError):
        return {}
    return known if known.get("form") == FORM and known.get("digest") == name else {}


def keep(name: str, measured: Mapping[str, Any]) -> None:
    """Keep what was measured; a disk that refuses costs the next run a second, and is no trouble of this one."""
    with suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
        atomic_write(folder() / f"{name}.json", to_json({"form": FORM, "digest": name, **measured}, indent=1))


def _code(owner: type) -> str:
    """The text of a class; torch's own are known by torch's version."""
    if owner.__module__.partition(".")[0] in ("torch", "pytorch_lightning", "torchvision"):
        return owner.__qualname__
    with suppress(OSError, TypeError):  # a class that was typed into a notebook or made at run time has no file
        return inspect.getsource(owner)
    functions = [each.__code__.co_code.hex() for each in vars(owner).values() if inspect.isfunction(each)]
    return f"{owner.__qualname__} {functions}"


def _shape(tensor: Tensor) -> tuple[Any, ...]:
    sizes = list(tensor.shape)
    if not tensor.is_floating_point():
        sizes[1:] = [1 << (size - 1).bit_length() for size in sizes[1:]]
    return (*sizes, str(tensor.dtype), tensor.device.type)
