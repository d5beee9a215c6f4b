"""How a run's time was spent: start, data, forward, backward, optimiser, hooks, logging, validation, checkpoints.

What has a beginning and an end of its own (a validation, a checkpoint, a line of the log, the wall time of a segment) is measured
exactly. How the steps of a segment divide into their phases is not: looking at the clock between forward and backward would cost more
than a small model's phase, and make a GPU wait. Single batches are timed in phases instead, the segments' wall time is divided in their
proportions, and where none was timed it stays whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from projectkit.runs import describe_time

# the parts of a batch that a segment runs as well; `step` is a program that runs all of them as one
STEP_PHASES = ("waiting", "data", "forward", "backward", "optimizer", "step")
MEASURED_S = 5e-4  # less would be written as 0.0
PHASES = ("start", *STEP_PHASES, "hooks", "logging", "validation", "checkpoints", "other")


class Clock:
    """Adds up seconds by phase; it starts when it is made.

    Phases are exclusive: what is spent in an inner one (the checkpoint at the end of a validation) does not count for the outer one.

    Args:
        former: seconds by phase of the run's earlier sessions, see `Run.seconds`.
    """

    def __init__(self, former: Mapping[str, float] | None = None) -> None:
        self.former: dict[str, float] = dict(former or {})
        self._exact: dict[str, float] = {}
        self._sampled: dict[str, float] = {}  # proportions of a step
        self._hooks_sampled = 0.0
        self._segments_s = 0.0  # to be divided
        self._singles_s = 0.0  # the same, with hooks
        self._open: list[float] = []  # seconds of inner phases, one entry for each phase that is open
        self._closed: list[tuple[float, float]] = []  # when phases began and how long they took, since the last step
        self._start_s: float | None = None
        self._began = time.perf_counter()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time inside `with` for a phase, without what inner phases count for themselves."""
        began = time.perf_counter()
        self._open.append(0.0)
        try:
            yield
        finally:
            inner = self._open.pop()
            seconds = time.perf_counter() - began
            self.add(name, seconds - inner)
            if self._open:
                self._open[-1] += seconds
            else:
                self._closed.append((began, seconds))

    def add(self, phase: str, seconds: float) -> None:
        """Count seconds that were measured elsewhere."""
        self._exact[phase] = self._exact.get(phase, 0.0) + seconds

    def started(self) -> None:
        """Everything before this call was the start; without it, everything before the first step was."""
        if self._start_s is None:
            self._start_s = time.perf_counter() - self._began - sum(self._exact.values())

    def sample(self, seconds: Mapping[str, float]) -> None:
        """Count one batch that was timed in phases, and divide the segments as it was divided.

        Args:
            seconds: of each phase of the batch, names of `STEP_PHASES` and `hooks`; the batch is not given to `steps` again.
        """
        inside = self._inside(sum(seconds.values()))
        # a line of the log that a hook wrote counts as logging
        hooks = max(0.0, seconds.get("hooks", 0.0) - inside)
        self._hooks_sampled += hooks
        self.add("hooks", hooks)
        for name in seconds.keys() - {"hooks"}:
            self._sampled[name] = self._sampled.get(name, 0.0) + seconds[name]
            self.add(name, seconds[name])

    def steps(self, seconds: float, batches: int) -> None:
        """Count the wall time of batches that were not timed in phases.

        Args:
            seconds: from before the first fetch to after the last step; call this at once.
            batches: more than one are a segment, in which no hook runs.
        """
        seconds -= self._inside(seconds)
        if batches > 1:
            self._segments_s += seconds
        else:
            self._singles_s += seconds

    def report(self) -> dict[str, dict[str, float]]:
        """For the record: `seconds` by phase, former sessions included, and their `shares` of the whole, in [0, 1]."""
        now = time.perf_counter() - self._began
        seconds = dict(self._exact)
        if self._start_s is not None:
            seconds["start"] = seconds.get("start", 0.0) + self._start_s
        stepped = bool(self._segments_s or self._singles_s or self._sampled)
        for name, value in self._divided().items():
            seconds[name] = seconds.get(name, 0.0) + value
        rest = now - sum(seconds.values())
        # Lightning's own loop tells nothing of its steps: they are what nothing else was
        name = "other" if stepped or self._start_s is None else "step"
        seconds[name] = seconds.get(name, 0.0) + max(0.0, rest)
        for name, value in self.former.items():
            seconds[name] = seconds.get(name, 0.0) + value
        whole = sum(seconds.values())
        order = [*PHASES, *(name for name in seconds if name not in PHASES)]
        present = [name for name in order if seconds.get(name, 0.0) >= MEASURED_S]
        return {
            "seconds": {name: round(seconds[name], 3) for name in present},
            "shares": {name: round(seconds[name] / whole, 4) for name in present},
        }

    def durations(self) -> dict[str, Any]:
        """The report for the record, with `fit_s`, the seconds of all phases together."""
        report = self.report()
        return {"fit_s": round(sum(report["seconds"].values()), 3), **report}

    def line(self) -> str:
        """The line at the end of a training, such as `time: 12.4 s: 61% forward and backward, 20% validation, 9% optimiser`."""
        return f"time: {describe_time(self.report()['seconds'])}"

    def _inside(self, seconds: float) -> float:
        """How much of the last `seconds` was counted by phases already; also where the start ends."""
        began = time.perf_counter() - seconds
        inside = sum(taken for start, taken in self._closed if start >= began)
        self._closed.clear()
        if self._start_s is None:
            self._start_s = began - self._began - sum(self._exact.values()) + inside
        return inside

    def _divided(self) -> dict[str, float]:
        divided: dict[str, float] = {}
        for whole, hooks in ((self._segments_s, 0.0), (self._singles_s, self._hooks_sampled)):
            parts = {**self._sampled, "hooks": hooks} if hooks else self._sampled
            sampled = sum(parts.values())
            shares = {name: part / sampled for name, part in parts.items()} if sampled else {"step": 1.0}
            for name, share in shares.items():
                divided[name] = divided.get(name, 0.0) + whole * share
        return divided
