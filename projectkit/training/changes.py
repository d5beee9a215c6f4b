"""What is no longer as it was when a run was started: a run that goes on, or is repeated, with another is not the same run.

| differs | then |
|---|---|
| config, but for `FREE` keys; the team's code; data; torch, numpy, Lightning, this library | refused without `--force`, recorded with it |
| the machine (processor, GPU of the same kind), Python | noted: the last bits may differ, and the result is as good |
| threads that OMP_NUM_THREADS asks for | noted: those of the run are used; `speed.threads` is a key of the config |

A machine is not refused: a cluster puts a job that was preempted on whatever node is free, and a night is lost if it stops there. Versions
are: who changes them can change them back, and another version may read a checkpoint's states in another way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from projectkit.config import Config, config_to_dict
from projectkit.data import DataModule
from projectkit.errors import UserError
from projectkit.project import Project
from projectkit.runs import Run, same_value
from projectkit.runs.code import code_digest
from projectkit.runs.provenance import hardware, versions

FREE = ("checkpoint.", "tracking.", "data.num_workers")  # change no result
REFUSED_VERSIONS = ("torch", "numpy", "pytorch-lightning", "torchmetrics", "dl-projectkit")
SHOWN = 3  # of many


@dataclass(frozen=True)
class Change:
    """Something that is not as it was.

    Args:
        what: config, code, data, threads, versions or machine.
        line: for the user, such as `optimizer.init_args.lr (0.01, now 0.5)`.
        refused: whether it takes `--force`.
    """

    what: str
    line: str
    refused: bool = True


def config_changes(run: Run, config: Config) -> list[Change]:
    """The keys in which a run's config differs from this one, but for those that change no result."""
    former, now = _flat(run.config()), _flat(config_to_dict(config))
    usual = _flat(config_to_dict(Config()))  # what a key stands for that the run's version of the library did not know
    changes = []
    for key in sorted(former.keys() | now.keys()):
        was, is_ = former.get(key, usual.get(key)), now.get(key, usual.get(key))
        if not key.startswith(FREE) and not same_value(was, is_):
            changes.append(Change("config", f"{key} ({_shown(was)}, now {_shown(is_)})"))
    return changes


def surrounding_changes(run: Run, project: Project, threads: int | None) -> list[Change]:
    """Code, versions, machine.

    Args:
        run: that goes on or is repeated.
        project: of the team.
        threads: that the user's environment asks for; None where it does not.
    """
    changes = []
    recorded = run.record.get("code_digest")
    if recorded and recorded != code_digest(project.root, project.package):
        changes.append(Change("code", f"the Python files of {project.package or project.root.name} have changed"))
    former, now = run.part("versions"), versions()
    for name in sorted(former.keys() & now.keys()):
        if former[name] != now[name]:
            refused = name in REFUSED_VERSIONS
            changes.append(Change("versions", f"{name} was {former[name]} and is {now[name]}", refused))
    resolved, machine = run.part("resolved"), hardware()
    used = resolved.get("threads")
    if threads is not None and used and int(used) != threads:
        changes.append(Change("threads", f"the run's {used} threads are used, not {threads} of OMP_NUM_THREADS", False))
    was, is_ = run.part("hardware").get("cpu"), machine["cpu"]
    if was and was != is_ and resolved.get("accelerator") == "cpu":
        changes.append(Change("machine", f"the processor was {was} and is {is_}", False))
    device = resolved.get("device")
    if resolved.get("accelerator") == "cuda" and device and torch.cuda.is_available():
        here = torch.cuda.get_device_name()
        if device != here:
            changes.append(Change("machine", f"the GPU was {device} and is {here}", False))
    return changes


def data_changes(run: Run, data: DataModule | None) -> list[Change]:
    """The files, the rows, or the way in which they are read; of data of the team's own nothing is known."""
    if data is None:
        return []
    recorded = run.part("data")
    changes = []
    for what, then, now in (
        ("files", recorded.get("files_digest"), data.card.files_digest),
        ("split", recorded.get("split_digest"), data.split.digest),
        # other names or another order of the classes, other columns: the same rows of the same files, read in another way
        ("samples", recorded.get("samples_digest"), data.samples_digest),
    ):
        if then and then != now:
            have = "has" if what == "split" else "have"
            line = f"the {what} of '{data.card_name}' {have} the digest {now[:12]}, not {then[:12]}, which the run was trained on"
            changes.append(Change("data", line))
    return changes


def refuse(run: Run, changes: Iterable[Change], *, force: bool, remedy: str) -> list[Change]:
    """Refuse what takes `--force`, unless it was given.

    Returns:
        What is to be told and recorded.

    Raises:
        UserError: something differs; the message names what.
    """
    found = list(changes)
    refused = [change for change in found if change.refused]
    if refused and not force:
        keys = [change.line for change in refused if change.what == "config"]
        others = [change.line for change in refused if change.what != "config"]
        listed = [f"the config differs from the run's: {_some(keys)}"] if keys else []
        raise UserError("; ".join([*listed, *others]), where=run.id, remedy=remedy)
    return found


def as_recorded(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """For an event."""
    return [{"what": change.what, "line": change.line, "forced": change.refused} for change in changes]


def _some(lines: list[str]) -> str:
    more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return ", ".join(lines[:SHOWN]) + more


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping):
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in items:
        flat.update(_flat(item, f"{prefix}.{key}" if prefix else str(key)))
    return flat
