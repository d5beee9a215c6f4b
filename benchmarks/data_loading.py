"""How long a data set takes to load for the first and for the second time, and how much memory that needs, each in a process of its own.

`python benchmarks/data_loading.py fetch|load NAME` is that process: it prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Loading:
    """Seconds of the first load (parse and cache) and of the second one, MiB of the arrays, peak memory of each load over that."""

    first_s: float
    second_s: float
    array_mib: float
    first_ratio: float
    second_ratio: float


def measure(name: str) -> Loading:
    """Load a set twice from a fresh store, which is filled before the clock starts.

    Raises:
        CalledProcessError: the data cannot be had; its `stderr` says why.
    """
    with tempfile.TemporaryDirectory() as store:
        environment = {**os.environ, "PROJECTKIT_STORE": store}
        _child("fetch", name, environment)
        first, second = (_child("load", name, environment) for _ in range(2))
    array = first["array"]
    return Loading(
        first_s=first["seconds"],
        second_s=second["seconds"],
        array_mib=array / 2**20,
        first_ratio=first["peak"] / array,
        second_ratio=second["peak"] / array,
    )


def array_bytes(samples: Any) -> int:
    """Bytes of all columns of the samples."""
    x = samples.x
    parts = (
        [x]
        if isinstance(x, np.ndarray)
        else [getattr(x, name) for name in ("values", "offsets", "numeric", "categorical") if hasattr(x, name)]
    )
    columns = [*parts, samples.id, *samples.y.values(), samples.group, samples.time, samples.source, samples.copies]
    return sum(column.nbytes for column in columns if column is not None)


def _child(task: str, name: str, environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__)), task, name]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8")
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    return found


def _resident(field: str) -> int:
    """Bytes of this process's memory: `VmRSS` now, `VmHWM` at most so far. Linux alone tells."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), 0)


def _load(name: str) -> dict[str, Any]:
    from projectkit import datasets

    datasets.card(name)  # imports are no part of loading
    before, began = _resident("VmRSS"), time.perf_counter()
    samples = datasets.load(name)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "peak": max(0, _resident("VmHWM") - before), "array": array_bytes(samples)}


if __name__ == "__main__":
    if sys.argv[1] == "fetch":
        from projectkit import datasets

        datasets.fetch(sys.argv[2])
    else:
        print(json.dumps(_load(sys.argv[2])))
