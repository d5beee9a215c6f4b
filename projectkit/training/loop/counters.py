"""Lightning's counters, moved when somebody looks at them, at the latest at the end of a segment.

A batch moves a dozen counters in five objects, two attributes deep. The loop counts in one flat object instead, `Tally`, in the order
in which Lightning counts, so that whenever it is settled, be it because a `training_step` asked for `self.global_step` or because
an exception ended the segment, the counters hold exactly what Lightning's would.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(slots=True)
class Tally:
    """What was counted since the counters were last settled."""

    fetched: int = 0  # batches taken from the loader past its fetcher
    ready: int = 0  # batches on their device
    started: int = 0
    processed: int = 0
    completed: int = 0
    step_ready: int = 0  # optimiser steps
    step_completed: int = 0
    zero_ready: int = 0  # gradients set to nothing; more often than steps with LBFGS
    zero_started: int = 0
    zero_completed: int = 0
    scheduled_ready: int = 0  # steps of learning rate schedulers
    scheduled_completed: int = 0
    stepped: int = 0  # batches after which the optimiser stepped: the step of the loggers

    def settle(self, loop: dict[str, Any], fetcher: Any, iterator: Any) -> None:
        """Move the counters by what was counted, and count from nothing again.

        Args:
            loop: the epoch loop's own dictionary.
            fetcher: whose count of batches, and with it the end of the epoch, is moved.
            iterator: of the combined loader, which numbers the batches; None where batches came through the fetcher.
        """
        if self.fetched and iterator is not None:
            fetcher.fetched += self.fetched
            fetcher.done = fetcher.fetched >= fetcher.length
            iterator._idx += self.fetched
            loop["batch_progress"].is_last_batch = fetcher.done
        for side in (loop["batch_progress"].total, loop["batch_progress"].current):
            side.ready += self.ready
            side.started += self.started
            side.processed += self.processed
            side.completed += self.completed
        optimiser = loop["automatic_optimization"].optim_progress.optimizer
        for side in (optimiser.step.total, optimiser.step.current):
            side.ready += self.step_ready
            side.completed += self.step_completed
        for side in (optimiser.zero_grad.total, optimiser.zero_grad.current):
            side.ready += self.zero_ready
            side.started += self.zero_started
            side.completed += self.zero_completed
        for side in (loop["scheduler_progress"].total, loop["scheduler_progress"].current):
            side.ready += self.scheduled_ready
            side.completed += self.scheduled_completed
        loop["_batches_that_stepped"] += self.stepped
        for name in COUNTS:
            setattr(self, name, 0)


COUNTS = tuple(field.name for field in fields(Tally))


class Settled:
    """An attribute of the epoch loop that is brought up to date when somebody reads it while batches run.

    Args:
        by: the method of what runs that brings it up to date.
    """

    def __init__(self, by: str) -> None:
        self.by = by
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, loop: Any, owner: type | None = None) -> Any:
        if loop is None:
            return self
        running = loop.__dict__.get("running")
        if running is not None:
            getattr(running, self.by)()
        return loop.__dict__[self.name]

    def __set__(self, loop: Any, value: Any) -> None:
        loop.__dict__[self.name] = value
