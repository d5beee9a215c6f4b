"""A run's curves, read from `metrics.jsonl` as far as it goes and read on from there: what is watched live is not read twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from projectkit.runs.files import as_float
from projectkit.runs.page.thinning import Curve

_CHUNK = 1 << 22  # bytes read at once
_TAIL = 64  # bytes before the place where reading stopped; other ones there mean that the file was rewound
_EPOCHS = 1000  # epochs whose last step is told


class Curves:
    """Every metric of one run.

    Args:
        path: the run's `metrics.jsonl`, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._tail = b""
        self._forget()

    def read(self) -> None:
        """Read what was written since the last call; from the start where the file was rewound to a checkpoint."""
        try:
            with self.path.open("rb") as file:
                if not self._continues(file):
                    self._forget()
                file.seek(self._offset)
                rest = b""
                while chunk := file.read(_CHUNK):
                    whole, newline, torn = (rest + chunk).rpartition(b"\n")
                    rest = torn
                    if newline:
                        self._take(whole)
                        self._offset += len(whole) + 1
                        self._tail = (self._tail + whole[-_TAIL:] + newline)[-_TAIL:]
        except FileNotFoundError:
            self._forget()

    def document(self) -> dict[str, Any]:
        """What the page draws: `curves` by name, `epochs` as pairs of epochs done and their last step, and the newest `step`."""
        ends = sorted(self._epoch_ends.items())
        every = -(-len(ends) // _EPOCHS) or 1
        shown = [*ends[:-1:every], *ends[-1:]]
        return {
            "lines": self._lines,
            "step": self._step,
            "epochs": [[epoch + 1, step] for epoch, step in shown],
            "curves": {name: curve.points() for name, curve in self._curves.items()},
        }

    def _forget(self) -> None:
        self._offset = 0
        self._tail = b""
        self._lines = 0
        self._step = 0
        self._curves: dict[str, Curve] = {}
        self._epoch_ends: dict[int, int] = {}

    def _continues(self, file: Any) -> bool:
        if os.fstat(file.fileno()).st_size < self._offset:
            return False
        file.seek(self._offset - len(self._tail))
        return bool(file.read(len(self._tail)) == self._tail)

    def _take(self, whole: bytes) -> None:
        curves, ends = self._curves, self._epoch_ends
        for line in _objects(whole):
            step, epoch, time = line.get("step"), line.get("epoch"), as_float(line.get("time"))
            if not isinstance(step, int) or not isinstance(epoch, int):
                continue
            self._lines += 1
            self._step = max(self._step, step)
            ends[epoch] = step
            for name, written in line.items():
                if name in ("step", "epoch", "time"):
                    continue
                value = written if type(written) is float else as_float(written)
                if value is not None:
                    if name not in curves:
                        curves[name] = Curve()
                    curves[name].add(step, time or 0.0, value)


def _objects(whole: bytes) -> Iterator[dict[str, Any]]:
    """The objects of some lines; one that is damaged is left out."""
    lines = whole.split(b"\n")
    try:
        parsed = json.loads(b"[" + b",".join(lines) + b"]")  # half the time of one call a line
        if len(parsed) != len(lines):  # a damaged line that happens to read as two
            raise ValueError
    except ValueError:
        parsed = []
        for line in lines:
            try:
                parsed.append(json.loads(line))
            except ValueError:
                continue
    yield from (each for each in parsed if isinstance(each, dict))
