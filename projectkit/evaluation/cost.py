"""What a prediction costs: time for one sample and for 256, and memory, on real samples of the evaluated subset.

Time runs from a batch on the device to its scores in the host's memory: reading and encoding are not in it, waiting for the device is.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from projectkit.data import DataModule
from projectkit.evaluation.predict import Batch, mover, scorer, subset_loader
from projectkit.runs.memory import peak_memory_mib
from projectkit.training import Assembly

SIZES = (1, 256)  # samples of a batch: an answer at once, and a day's log at night
_DIFFERENT = {1: 64, 256: 4}  # batches that take turns: texts differ in length
_WARM_UP_S = 0.05
_BUDGET_S = 0.3  # for each size
_LEAST, _MOST = 3, 400  # repeats
_LEAST_FOR_P95 = 20  # fewer have no twentieth
_MIB = 2**20


def cost_of(assembly: Assembly, subset: str, device: torch.device) -> dict[str, Any]:
    """Latency and memory of a network.

    Args:
        assembly: with the weights restored.
        subset: whose samples are predicted.
        device: to compute on.

    Returns:
        `device`, `threads`, `parameters`; `latency_ms`: size of the batch -> `median`, `p95` (None under 20 repeats) and `repeats`;
        `memory_mib`: `weights`, `activations` (size of the batch -> the most that lay beside the weights and the batch at one moment:
        on a CUDA device by its allocator, else the tensors alive, without the scratch memory of single operators), and `process_peak`.
        A subset of fewer than 256 samples is one batch, named by its size; one that does not fit the device is left out.
    """
    score_of = scorer(assembly, device)
    latency: dict[str, Any] = {}
    activations: dict[str, float] = {}
    with torch.inference_mode():
        for size, batches in _batches(assembly, subset, device).items():
            try:
                activations[str(size)] = round(_activations(assembly, score_of, batches[0], device) / _MIB, 6)
                latency[str(size)] = _latency(score_of, batches, device)
            except torch.OutOfMemoryError:
                activations.pop(str(size), None)
    weights = [*assembly.task.parameters(), *assembly.task.buffers()]
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "parameters": sum(each.numel() for each in assembly.task.parameters()),
        "latency_ms": latency,
        "memory_mib": {
            "weights": round(sum(each.numel() * each.element_size() for each in weights) / _MIB, 6),
            "activations": activations,
            "process_peak": peak_memory_mib(),
        },
    }


def _batches(assembly: Assembly, subset: str, device: torch.device) -> dict[int, list[Batch]]:
    """Size -> batches of that many real samples, on the device."""
    move = mover(assembly, device)
    if isinstance(assembly.data, DataModule):
        found = {size: _of_size(assembly.data, subset, size, move) for size in SIZES}
    else:
        found = _cut(assembly.data, subset, move)
    return {len(batches[0][1]): batches for batches in found.values()}


def _of_size(data: DataModule, subset: str, size: int, move: Callable[[Any], Batch]) -> list[Batch]:
    """As the data module would batch them: a text is padded to the longest of its batch."""
    usual = data.batch_size
    data.batch_size = size
    try:
        batches = [move(batch) for batch in islice(data.subset_dataloader(subset), _DIFFERENT[size])]
    finally:
        data.batch_size = usual
    return [batch for batch in batches if len(batch[1]) == len(batches[0][1])]


def _cut(data: pl.LightningDataModule, subset: str, move: Callable[[Any], Batch]) -> dict[int, list[Batch]]:
    """From a team's own loader: its batches cut and joined where they are pairs of tensors, else as they come."""
    gathered: list[Batch] = []
    rows = 0
    loader: Iterable[Any] = subset_loader(data, subset)
    for loaded in loader:
        gathered.append(move(loaded))
        rows += len(gathered[-1][1])
        if rows >= SIZES[-1]:
            break
    inputs = [batch[0] for batch in gathered]
    pairs = all(len(batch) == 2 for batch in gathered)
    if not pairs or not all(isinstance(x, Tensor) and x.shape[1:] == inputs[0].shape[1:] for x in inputs):
        return {0: gathered[:1]}
    x, y = torch.cat(inputs), torch.cat([batch[1] for batch in gathered])
    return {
        size: [(x[start : start + size], y[start : start + size]) for start in range(0, len(x) - size + 1, size)][
            : _DIFFERENT[size]
        ]
        or [(x, y)]
        for size in SIZES
    }


def _latency(
    score_of: Callable[[Batch, int], Any], batches: Sequence[Batch], device: torch.device
) -> dict[str, float | int | None]:
    """Milliseconds, once clocks, caches and allocators have settled."""
    times: list[float] = []
    began = time.perf_counter()
    warm = None
    while True:
        batch = batches[len(times) % len(batches)]
        _synchronise(device)
        start = time.perf_counter()
        score_of(batch, 0).cpu()
        end = time.perf_counter()
        if warm is None:
            if end - began >= _WARM_UP_S:
                warm = end
            continue
        times.append(end - start)
        if len(times) >= _MOST or (len(times) >= _LEAST and end - warm >= _BUDGET_S):
            break
    return {
        "median": round(1e3 * float(np.median(times)), 4),
        "p95": round(1e3 * float(np.quantile(times, 0.95)), 4) if len(times) >= _LEAST_FOR_P95 else None,
        "repeats": len(times),
    }


def _activations(
    assembly: Assembly, score_of: Callable[[Batch, int], Any], batch: Batch, device: torch.device
) -> float:
    """Bytes."""
    if device.type == "cuda":
        _synchronise(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        score_of(batch, 0)
        _synchronise(device)
        return float(torch.cuda.max_memory_allocated(device) - before)
    there = [*assembly.task.parameters(), *assembly.task.buffers(), *tree_leaves(batch)]
    dense = [each for each in there if isinstance(each, Tensor) and each.layout == torch.strided]
    with _TensorsAlive(dense) as alive:
        score_of(batch, 0)
    return float(alive.peak)


class _TensorsAlive(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves this class untyped
    """The most bytes of tensors that were alive at one moment, those that were there before left out."""

    def __init__(self, there: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._now = 0
        self._known = {each.untyped_storage().data_ptr() for each in there}

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        made = function(*arguments, **(keywords or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor) and each.layout == torch.strided:  # others have no storage of their own
                self._count(each.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        address, size = storage.data_ptr(), storage.nbytes()
        if address in self._known or not size:
            return
        self._known.add(address)
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._freed, address, size)

    def _freed(self, address: int, size: int) -> None:
        self._known.discard(address)
        self._now -= size


def _synchronise(device: torch.device) -> None:
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).synchronize()
