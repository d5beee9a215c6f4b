"""A machine that does something else beside: how much slower an epoch becomes when one other process keeps a core busy.

How threads wait is read when torch is loaded, so each setting trains in a process of its own, which is told when.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pairs import Comparison

from projectkit.machine import PATIENT, WAITING, cpu_policy

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "as torch has it": {},
    "patient": PATIENT,
    "one": {"OMP_NUM_THREADS": "1"},
}
OURS = {"mlp": "one", "images": "patient"}  # what the tuner takes on two cores, where it is quiet


class Worker:
    """A process that trains an epoch whenever it is asked to.

    Args:
        workload: of `workloads.py`.
        environment: set before torch is loaded.
    """

    def __init__(self, workload: str, environment: Mapping[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if name not in (*WAITING, "OMP_NUM_THREADS")}
        threads = {"OMP_NUM_THREADS": str(cpu_policy().threads or os.cpu_count())}
        self.process = subprocess.Popen(
            [sys.executable, __file__, workload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
            env={**clean, **threads, **environment},
            cwd=Path(__file__).parent,
        )

    def epoch(self) -> float:
        """Seconds of one epoch."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def busy_process() -> Iterator[None]:
    """Another process that computes without a pause."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def slowdown(workload: str, environment: Mapping[str, str], rounds: int) -> Comparison:
    """Epochs on a quiet machine, once more, and beside a busy process, in turn."""
    with Worker(workload, environment) as worker:
        worker.epoch()
        measured: dict[str, list[float]] = {"quiet": [], "quiet (A/A)": [], "busy": []}
        for _ in range(rounds):
            measured["quiet"].append(worker.epoch())
            measured["quiet (A/A)"].append(worker.epoch())
            with busy_process():
                measured["busy"].append(worker.epoch())
    return Comparison(measured)


def main(workload: str) -> None:
    """Train an epoch for each line that comes in."""
    import contenders
    import workloads

    measure = contenders.ours_task(getattr(workloads, workload)().full_batches(100 if workload == "mlp" else 8))
    measure()
    for _ in sys.stdin:
        print(measure(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
