"""Random generators that a team's own objects hold: no checkpoint has their state, so a training that goes on draws otherwise."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import torch

_KINDS = (np.random.Generator, np.random.RandomState, random.Random, torch.Generator)
_OF_THE_PROCESS = (torch.default_generator, random.seed.__self__, getattr(np.random.mtrand, "_rand", None))  # type: ignore[attr-defined]
_DEEPEST = 4  # a dataset's transform, its list, a transform in it, its generator
_MOST = 100  # attributes of one object, or things in one list: more is data


def own_generators(thing: Any, name: str) -> Iterator[str]:
    """The paths of the generators that are reached from an object by its attributes, such as `Rows.transform.rng`."""
    seen: set[int] = set()
    waiting = [(thing, name, 0)]
    while waiting:
        each, path, depth = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, _KINDS):
            if not any(each is kept for kept in _OF_THE_PROCESS):
                yield path
        elif depth < _DEEPEST:
            waiting += [(inner, f"{path}{step}", depth + 1) for step, inner in _inside(each)]


def _inside(thing: Any) -> list[tuple[str, Any]]:
    if isinstance(thing, list | tuple):
        found = [(f"[{number}]", each) for number, each in enumerate(thing[:_MOST])]
    elif type(thing) is dict and len(thing) <= _MOST:
        found = [(f"[{key!r}]", each) for key, each in thing.items()]
    elif isinstance(thing, type | ModuleType | torch.Tensor | np.ndarray) or not isinstance(
        getattr(thing, "__dict__", None), Mapping
    ):
        return []
    else:
        found = [(f".{key}", each) for key, each in list(vars(thing).items())[:_MOST]]
    return [
        (step, each) for step, each in found if each is not None and type(each) not in (bool, int, float, str, bytes)
    ]
