"""Two runs or more side by side: the settings that differ beside the numbers that differ, and whether they may be compared at all.

Numbers are compared like with like: those of evaluations on the same samples, with their intervals, and those that training logged at the
best checkpoint. What makes a comparison unfair (other data, another split, other code) is found in the records and named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from projectkit.errors import ProjectkitError, UserError
from projectkit.runs.files import as_float
from projectkit.runs.reader import Run
from projectkit.runs.values import flat

# settings that are not the question: a name, and what is done beside the training
_NOT_COMPARED = ("name", "tracking", "checkpoint")
# what was resolved on the machine, where it decides the bits or the speed
_RESOLVED = ("device", "precision", "threads", "loop", "step", "micro_batches")
_VERSIONS = ("dl-projectkit", "torch", "pytorch-lightning", "numpy")
_SAMPLES = ("name", "class_path", "target", "card_digest", "files_digest", "samples_digest")
_SPLIT = ("split", "split_seed", "folds", "fold", "split_digest")


@dataclass(frozen=True)
class Line:
    """A setting or a number of every run that is compared; None where a run does not have it.

    Args:
        key: its dotted key, or `val/f1_macro`.
        values: one a run, in the runs' order.
        low: lower ends of the 95% intervals; empty where there are none.
        high: upper ends.
        best: which run is the best, as an index; None where direction or values are not known, or equal.
    """

    key: str
    values: tuple[Any, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    best: int | None = None

    @property
    def apart(self) -> bool:
        """Whether the intervals of at least two runs do not overlap, so that chance alone hardly explains the difference."""
        ends = [
            (low, high) for low, high in zip(self.low, self.high, strict=True) if low is not None and high is not None
        ]
        return len(ends) > 1 and max(low for low, _ in ends) > min(high for _, high in ends)


@dataclass(frozen=True)
class Comparison:
    """What differs between runs.

    Args:
        runs: in the order in which they were given.
        unfair: why their numbers cannot be compared as they stand, a clause each; empty where they can.
        settings: keys of the config, and what was resolved, where they differ.
        evaluated: numbers of evaluations on the same samples, by `<subset>/<metric>`.
        logged: numbers of the best checkpoints as training logged them (of the last epoch where nothing was monitored).
        alike: how many settings are the same in all of them.
    """

    runs: tuple[Run, ...]
    unfair: tuple[str, ...]
    settings: tuple[Line, ...]
    evaluated: tuple[Line, ...]
    logged: tuple[Line, ...]
    alike: int = field(default=0)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        ids = [run.id for run in self.runs]
        return {
            "runs": ids,
            "unfair": list(self.unfair),
            "settings": {line.key: list(line.values) for line in self.settings},
            "evaluated": {line.key: _numbers(line) for line in self.evaluated},
            "logged": {line.key: _numbers(line) for line in self.logged},
        }


def compare(runs: Sequence[Run]) -> Comparison:
    """Put runs beside one another.

    Raises:
        UserError: fewer than two different runs.
    """
    different = tuple({run.id: run for run in runs}.values())
    if len(different) < 2:
        named = f"only {different[0].id}" if different else "no run"
        raise UserError(f"two runs are needed to compare, and there is {named}", remedy="see `projectkit runs list`")
    settings = [_settings(run) for run in different]
    lines = _lines(settings)
    changed = tuple(line for line in lines if any(value != line.values[0] for value in line.values))
    return Comparison(
        different,
        tuple(_unfair(different)),
        changed,
        tuple(_evaluated(different)),
        tuple(_logged(different)),
        alike=len(lines) - len(changed),
    )


def _settings(run: Run) -> dict[str, Any]:
    try:
        config = run.config()
    except ProjectkitError:  # a run that died before it was whole still has a record
        config = {}
    found = {key: value for key, value in flat(config) if key.partition(".")[0] not in _NOT_COMPARED}
    # a config may leave target and split to the data set: what it came to is compared
    found |= {f"data.{key}": run.part("data")[key] for key in ("target", "split") if key in run.part("data")}
    resolved = {f"resolved.{key}": run.part("resolved")[key] for key in _RESOLVED if key in run.part("resolved")}
    return found | resolved | {f"versions.{name}": run.part("versions").get(name) for name in _VERSIONS}


def _lines(found: Sequence[Mapping[str, Any]]) -> list[Line]:
    keys = dict.fromkeys(key for each in found for key in each)
    return [Line(key, tuple(each.get(key) for each in found)) for key in keys]


def _unfair(runs: Sequence[Run]) -> list[str]:
    """Each reason why a difference of numbers need not be one of settings."""
    reasons = []
    if names := _differ(runs, "data", _SAMPLES):
        what = "other data" if names & {"name", "class_path"} else "other samples of the same data set"
        reasons.append(f"{what} ({_told(runs, 'data', names)})")
    elif names := _differ(runs, "data", _SPLIT):
        reasons.append(f"another split ({_told(runs, 'data', names)})")
    reasons += _other_code(runs)
    if names := _differ(runs, "versions", ("torch", "dl-projectkit")):
        reasons.append(f"other versions ({_told(runs, 'versions', names)})")
    for run in runs:
        # to train longer is no other training: `settings` shows how long
        if forced := [line for line in run.forced_changes() if not line.startswith("trainer.max_")]:
            reasons.append(f"{run.id} was changed on its way ({'; '.join(forced)})")
    states = {run.status for run in runs}
    if states != {"finished"}:
        unfinished = [f"{run.id} is {run.status}" for run in runs if run.status != "finished"]
        reasons.append(f"not all of them finished ({', '.join(unfinished)})")
    return reasons


def _differ(runs: Sequence[Run], part: str, keys: Sequence[str]) -> set[str]:
    """Keys of a part of the record that differ; what one of the runs did not record yet is no difference."""
    found = {key: {str(run.part(part)[key]) for run in runs if run.part(part).get(key) is not None} for key in keys}
    return {key for key, values in found.items() if len(values) > 1}


def _told(runs: Sequence[Run], part: str, names: set[str]) -> str:
    return "; ".join(
        f"{name}: {', '.join(dict.fromkeys(str(run.part(part).get(name))[:12] for run in runs))}"
        for name in sorted(names)
    )


def _other_code(runs: Sequence[Run]) -> list[str]:
    """The team's code by its digest; older runs know the commit and what was changed since, other files than code included."""
    digests = {run.record.get("code_digest") for run in runs}
    if None not in digests:
        return ["other code of the team"] if len(digests) > 1 else []
    states = {(run.part("git").get("commit"), run.part("git").get("diff_sha256")) for run in runs}
    if any(commit is None for commit, _ in states):
        return ["the code of a run is not known"]
    return ["another commit, or other uncommitted changes"] if len(states) > 1 else []


def _evaluated(runs: Sequence[Run]) -> list[Line]:
    documents = []
    for run in runs:
        try:
            found = run.evaluations()
            documents.append({subset: each for subset, each in found.items() if not run.outdated(each)})
        except ProjectkitError:
            documents.append({})
    lines = []
    for subset in dict.fromkeys(subset for each in documents for subset in each):
        there = [each.get(subset, {}) for each in documents]
        same = {
            (run.part("data").get("split_digest"), each.get("n")) for run, each in zip(runs, there, strict=True) if each
        }
        if sum(map(bool, there)) < 2 or len(same) > 1:
            continue
        metrics = [each.get("metrics", {}) for each in there]
        for name in dict.fromkeys(name for each in metrics for name in each):
            entries = [each.get(name, {}) for each in metrics]
            values, low, high = (
                tuple(as_float(entry.get(key)) for entry in entries) for key in ("value", "low", "high")
            )
            ends = (low, high) if any(end is not None for end in low) else ((), ())
            lines.append(Line(f"{subset}/{name}", values, *ends, best=_best(values, name, None)))
    return lines


def _logged(runs: Sequence[Run]) -> list[Line]:
    numbers = [{key: value for key, value in (run.best or run.last).items() if "/" in key} for run in runs]
    modes = {run.monitor.get("metric"): run.monitor.get("mode") for run in reversed(runs)}  # the first one decides
    lines = [line for line in _lines(numbers) if sum(value is not None for value in line.values) > 1]
    return [Line(line.key, line.values, best=_best(line.values, line.key, modes.get(line.key))) for line in lines]


def _best(values: Sequence[float | None], name: str, mode: str | None) -> int | None:
    """Which value is the best: less is better of losses and errors."""
    less = mode == "min" or (mode is None and name.rpartition("/")[2] in ("loss", "ece"))
    known = [value for value in values if value is not None and not math.isnan(value)]
    if len(set(known)) < 2:
        return None
    wanted = min(known) if less else max(known)
    return values.index(wanted) if known.count(wanted) == 1 else None


def _numbers(line: Line) -> dict[str, Any]:
    intervals = {"low": list(line.low), "high": list(line.high), "apart": line.apart} if line.low else {}
    return {"values": list(line.values), **intervals, "best": line.best}
