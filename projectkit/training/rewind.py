"""The place in the training data: how a training that goes on in the middle of an epoch finds its next batch.

| loader | how |
|---|---|
| of the catalogue (`BatchSampler`) | the order is a function of (seed, epoch), and begins anywhere |
| with `state_dict` and `load_state_dict`, such as torchdata's `StatefulDataLoader` | is asked for its state and given it |
| `DataLoader` over a map-style set, without processes | from generators as they were when the epoch began, rows are drawn and not read |
| any other | from such generators, batches are read again and thrown away |

The last two are exact as far as what a loader gives follows from the generators of the process, its own, and `set_epoch`. What keeps from
that can be seen in part (`doubts`), and is said when the training starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from projectkit.data.batches import BatchSampler as OurSampler
from projectkit.training.own_generators import own_generators
from projectkit.training.random_state import random_state, set_random_state

if TYPE_CHECKING:  # on a version of Lightning without these names a training still runs, in Lightning's own loop
    from projectkit.training.loop.lightning_names import Fetcher

# their order follows from a generator or `set_epoch`
KNOWN_SAMPLERS = (
    BatchSampler,
    DistributedSampler,
    OurSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


class Place:
    """Notes what the loaders' order followed from when an epoch began, and goes back to a place in it.

    Args:
        trainer: whose training loaders these are.
    """

    def __init__(self, trainer: pl.Trainer) -> None:
        self.trainer = trainer
        self._noted: dict[str, Any] = {}

    def note(self, moment: str) -> None:
        """Note the generators before the loaders are made (`loaders`), before an epoch's iterator, and before its first `batches`."""
        if moment == "iterator":
            self._noted.clear()
        if moment == "loaders" or self._needs_generators():
            self._noted[moment] = self._generators()

    def state(self, *, within: bool) -> dict[str, Any]:
        """For a checkpoint; `within`: an epoch has been begun."""
        loaders = self._loaders()
        return {
            "own": [_own_generators(loader) for loader in loaders] if self._needs_generators() else [],
            "noted": self._noted if within and self._needs_generators() else {},
            "stateful": [_plain(loader.state_dict()) for loader in loaders if _is_stateful(loader)],
            "held": self._held() if within else [],
        }

    def before_loaders(self, state: Mapping[str, Any]) -> None:
        """Make loaders of a first epoch that was begun from the generators that they were made from."""
        noted = state["noted"]
        if "loaders" in noted and "iterator" not in noted:
            self._noted = dict(noted)
            set_random_state(noted["loaders"]["random"])

    def go_to(self, state: Mapping[str, Any], fetcher: Fetcher, batches: int) -> None:
        """Have the fetcher give the batch that is to come after so many of the epoch.

        Loaders with a state have been given it by Lightning, when they were made.
        """
        noted = state["noted"]
        self._noted = dict(noted)
        if not noted:
            return
        if "iterator" in noted:  # not of a first epoch, whose iterator was made with the loaders
            self._set(noted["iterator"])
            iter(fetcher)
        self._set(noted["batches"])
        if not _skip_rows(fetcher, batches):
            for _ in range(batches):
                next(fetcher)
            fetcher.fetched -= batches  # Lightning adds them itself
            if state["held"]:  # read ahead of the state that the generators had, and so not the one that was read again
                fetcher.__dict__["batches"] = [tuple(held) for held in state["held"]]

    def between_epochs(self, state: Mapping[str, Any]) -> None:
        """Put the loaders into the state in which the next epoch finds them."""
        loaders = self._loaders()
        for loader, own in zip(loaders, state["own"], strict=False):
            _set_own_generators(loader, own)
        for loader, kept in zip((each for each in loaders if _is_stateful(each)), state["stateful"], strict=False):
            loader.load_state_dict(kept)

    def set_own(self, state: Mapping[str, Any]) -> None:
        """The loaders' own generators as they were; those of the process are somebody else's."""
        for loader, own in zip(self._loaders(), state["own"], strict=False):
            _set_own_generators(loader, own)

    def is_theirs(self) -> bool:
        """Whether the module takes batches out of the iterator by itself, so that nobody else knows the place in an epoch."""
        fetcher = self.trainer.fit_loop._data_fetcher
        return fetcher is not None and hasattr(fetcher, "iterator_wrapper")

    def doubts(self) -> list[str]:
        """What cannot be made exact when this training goes on after a death, one line each."""
        found: list[str] = []
        for loader in self._loaders():
            name = type(loader).__name__
            if _is_ours(loader):
                continue
            if _is_stateful(loader):
                if getattr(loader, "num_workers", 0):
                    found.append(f"{name} keeps its place, and not what its workers draw at random")
                continue
            if not isinstance(loader, DataLoader):
                found.append(f"{name} is not a DataLoader: {AGAIN}")
                continue
            if isinstance(loader.dataset, IterableDataset):
                found.append(f"{type(loader.dataset).__name__} is a stream: {AGAIN}")
            if not loader.num_workers:  # a process of its own begins each epoch with the dataset as it was made
                found += [
                    f"the state of {path} is not kept: draw from torch's, numpy's or Python's generator of the process"
                    for path in own_generators(loader.dataset, type(loader.dataset).__name__)
                ]
            elif loader.persistent_workers:
                found.append(
                    f"{name} has persistent workers: what they draw at random goes on from epoch to epoch, and is not kept"
                )
            found += [
                f"the order of {type(each).__name__} is kept only if it follows from set_epoch or torch's, numpy's and Python's generators"
                for each in _samplers(loader)
                if not isinstance(each, KNOWN_SAMPLERS) and not _is_stateful(each)
            ]
        return list(dict.fromkeys(found))

    def _held(self) -> list[Any]:
        """The batch that was read ahead, where a loader has no length: only then it is seen that another one comes."""
        held = getattr(self.trainer.fit_loop._data_fetcher, "batches", [])
        return [list(each) for each in held] if is_plain(held) else []

    def _loaders(self) -> list[Any]:
        combined = self.trainer.fit_loop._combined_loader
        return [] if combined is None else list(combined.flattened)

    def _needs_generators(self) -> bool:
        return any(not _is_ours(loader) and not _is_stateful(loader) for loader in self._loaders())

    def _generators(self) -> dict[str, Any]:
        return {"random": random_state(), "own": [_own_generators(loader) for loader in self._loaders()]}

    def _set(self, noted: Mapping[str, Any]) -> None:
        set_random_state(noted["random"])
        for loader, own in zip(self._loaders(), noted["own"], strict=False):
            _set_own_generators(loader, own)


AGAIN = "a resumed run reads it again up to its place, which is exact only if each pass gives the same"


def _is_ours(loader: Any) -> bool:
    return isinstance(getattr(loader, "sampler", None), OurSampler)


def _is_stateful(thing: Any) -> bool:
    return all(callable(getattr(thing, name, None)) for name in ("state_dict", "load_state_dict"))


def _samplers(loader: Any) -> Iterator[Any]:
    """The sampler and the batch sampler of a loader, and what they draw from themselves; each once."""
    seen: list[Any] = []
    waiting = [getattr(loader, "batch_sampler", None), getattr(loader, "sampler", None)]
    while waiting:
        each = waiting.pop()
        # torch gives every loader of a stream a sampler of its own that has no order
        if each is None or any(each is other for other in seen) or type(each).__name__ == "_InfiniteConstantSampler":
            continue
        seen.append(each)
        waiting += [getattr(each, "sampler", None), getattr(each, "batch_sampler", None)]
    return iter(seen)


def _own_generators(loader: Any) -> list[Any]:
    """The states of the generators that were given to a loader and its samplers, and of samplers that have one."""
    states: list[Any] = []
    for each in (loader, *_samplers(loader)):
        generator = getattr(each, "generator", None)
        states.append(generator.get_state() if isinstance(generator, torch.Generator) else None)
        states.append(_plain(each.state_dict()) if each is not loader and _is_stateful(each) else None)
    return states


def _set_own_generators(loader: Any, states: list[Any]) -> None:
    given = iter(states)
    for each in (loader, *_samplers(loader)):
        generator, state = next(given, None), next(given, None)
        if generator is not None and isinstance(getattr(each, "generator", None), torch.Generator):
            each.generator.set_state(generator.cpu())
        if state is not None:
            each.load_state_dict(state)


def _skip_rows(fetcher: Fetcher, batches: int) -> bool:
    """Draw the rows of batches and do not read them, where the rows alone decide what comes next."""
    from projectkit.training.loop.lightning_names import single_iterator

    alone = single_iterator(fetcher)
    if alone is None or fetcher.length is None:
        return False
    iterator: Any = alone[0]
    rows = getattr(iterator, "_sampler_iter", None)  # torch's: of a loader without processes nothing was drawn ahead
    (loader,) = fetcher.combined_loader.flattened
    reads = isinstance(loader, DataLoader) and (loader.num_workers or isinstance(loader.dataset, IterableDataset))
    if rows is None or reads:
        return False
    for _ in range(batches):
        next(rows)
    iterator._num_yielded += batches
    alone[1]._idx += batches
    return True


def is_plain(value: Any) -> bool:
    """Whether a checkpoint can hold a value."""
    if isinstance(value, Mapping):
        return type(value) is dict and all(map(is_plain, value.values()))
    if isinstance(value, list | tuple):
        return type(value) in (list, tuple) and all(map(is_plain, value))
    return value is None or type(value) in (bool, int, float, str, bytes, torch.Tensor)


def _plain(state: Any) -> Any:
    """A state that can be read back without running code; a mapping of another class becomes a plain one."""
    if isinstance(state, Mapping):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [_plain(value) for value in state]
    return state
