"""A run once more, from its record: whether it gives the same bits, and if not, where the two part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from projectkit.errors import ProjectkitError, UserError
from projectkit.runs import Run
from projectkit.training.checkpoint_files import load_checkpoint, weights_sha256
from projectkit.training.fit import train
from projectkit.training.resume import refuse_baseline

NO_METRIC = frozenset({"step", "epoch", "time"})


@dataclass(frozen=True)
class Parting:
    """The first number in which two runs differ; `was` and `is_` are None where one of them does not have it."""

    step: int
    metric: str
    was: float | None
    is_: float | None


@dataclass(frozen=True)
class Comparison:
    """How a run came out beside the one that it repeats.

    Args:
        identical: every logged number and every weight, bit for bit.
        parting: where the numbers part; None where they do not.
        explained: whether something recorded was not as it was, so that a difference is no surprise.
    """

    identical: bool
    parting: Parting | None
    explained: bool

    @property
    def line(self) -> str:
        """For the user."""
        if self.identical:
            return "identical: every logged number and every weight is the same"
        why = "; something was not as it was then, see the events" if self.explained else ""
        if self.parting is None:
            return f"the logged numbers are the same, the weights at the end are not{why}"
        step, metric, was, is_ = self.parting.step, self.parting.metric, self.parting.was, self.parting.is_
        if was is None or is_ is None:
            return f"they part at step {step}: {metric} was logged in one of them alone{why}"
        return f"they part at step {step}: {metric} was {was:.9g} and is {is_:.9g}, {abs(was - is_):.3g} apart{why}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        parting = (
            None if self.parting is None else {name.rstrip("_"): value for name, value in asdict(self.parting).items()}
        )
        return {"identical": self.identical, "explained": self.explained, "parting": parting, "line": self.line}


def repeat(
    run: Run, *, force: bool = False, command: Sequence[str] | None = None, console: Console | None = None
) -> tuple[Run, Comparison]:
    """Train a run again with what was resolved then, as a new run, and compare the two.

    Args:
        run: that finished.
        force: also where code, data or versions are not what they were.
        command: the command line for the record.
        console: where progress is shown.

    Raises:
        UserError: it did not finish, or something is not as it was.
    """
    refuse_baseline(run)
    if run.status != "finished":
        raise UserError(
            f"the run is {run.status}, and only one that finished has an end to compare",
            where=run.id,
            remedy=f"type `projectkit train --resume {run.id}` first",
        )
    again = train(run.path / "config.yaml", repeats=run, force=force, command=command, console=console)
    return again, compare(run, again)


def compare(first: Run, second: Run) -> Comparison:
    """Compare two runs by their logged numbers and the digests of their weights."""
    parting = _parting(first.metrics(), second.metrics())
    weights = [_weights(run) for run in (first, second)]
    same_weights = None not in weights and weights[0] == weights[1]
    explained = bool(first.forced_changes()) or any(
        change.get("forced") or change.get("what") == "machine"
        for event in second.events()
        if event.get("event") == "changed"
        for change in event.get("changes", [])
    )
    return Comparison(parting is None and same_weights, parting, explained)


def _parting(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> Parting | None:
    for index in range(max(len(first), len(second))):
        one: Mapping[str, Any] = first[index] if index < len(first) else {}
        two: Mapping[str, Any] = second[index] if index < len(second) else {}
        step = int({**two, **one}.get("step", 0))
        for metric in sorted((one.keys() | two.keys()) - NO_METRIC):
            was, is_ = one.get(metric), two.get(metric)
            if not _same(was, is_):
                return Parting(step, metric, was, is_)
        if one.get("step") != two.get("step"):
            return Parting(step, "step", one.get("step"), two.get("step"))
    return None


def _same(was: float | None, is_: float | None) -> bool:
    if was is None or is_ is None:
        return was is is_
    return was == is_ or (math.isnan(was) and math.isnan(is_))


def _weights(run: Run) -> str | None:
    """The digest that the run recorded at its end; of an older one, that of its last checkpoint."""
    recorded = run.record.get("weights_sha256")
    if recorded:
        return str(recorded)
    try:
        return weights_sha256(load_checkpoint(run.checkpoint("last"))["state_dict"])
    except ProjectkitError:
        return None
