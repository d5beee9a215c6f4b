"""`projectkit train`: from a config to a finished run.

The order matters: everything that the user can have got wrong (config, classes, data, device) is found before the run folder is
made; from then on, whatever happens ends in the record.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console

from projectkit.config import Config, LoadedConfig, Places, config_to_dict, config_to_yaml, load_config
from projectkit.data import DataModule
from projectkit.errors import ProjectkitError
from projectkit.machine import CpuPolicy, cpu_policy
from projectkit.project import Project, find_project, require_project
from projectkit.runs import OwnedError, Run, RunWriter, newest_session, read_run, refuse_masked
from projectkit.training.assemble import Assembly, assemble
from projectkit.training.changes import (
    Change,
    as_recorded,
    config_changes,
    data_changes,
    refuse,
    surrounding_changes,
)
from projectkit.training.checkpoint_files import load_checkpoint, newest_whole
from projectkit.training.data_record import data_record
from projectkit.training.decide import decide, take_up_input
from projectkit.training.loop.clock import Clock
from projectkit.training.resolve import resolve
from projectkit.training.resume import (
    bring_back,
    find_resumable,
    forced_config,
    named_run,
    nearest_unfinished,
    other_data,
    position,
)
from projectkit.training.screen import quiet, show, steady
from projectkit.training.session import Session
from projectkit.training.signals import StopOnSignal
from projectkit.training.tracking import refuse_missing_packages


def train(
    config: Path | str = "configs/train.yaml",
    overrides: Sequence[str] = (),
    *,
    resume: str | None = None,
    repeats: Run | None = None,
    force: bool = False,
    command: Sequence[str] | None = None,
    console: Console | None = None,
) -> Run:
    """Train what a config describes.

    Args:
        config: the YAML file; one inside a run folder repeats that run with what was resolved then.
        overrides: `key=value`, as on the command line.
        resume: a run to go on with, or `auto`: the newest unfinished run of this config, else a new one.
        repeats: the run that this one is to be compared with, whose config this is; see `repeat.py`.
        force: go on with a run, or repeat it, though config, code, data or versions are not what they were; the record says what.
        command: the command line for the record.
        console: where progress is shown; None shows nothing.

    Returns:
        The finished run.

    Raises:
        UserError: the config, a class, an argument, the data's name or the device is wrong; nothing has been written.
        WorkError: the training failed; the run folder says why.
        StoppedError: a signal stopped it; the run can be resumed.
    """
    once = partial(_train, config, overrides, repeats=repeats, force=force, command=command, console=console)
    try:
        return once(resume=resume)
    except OwnedError as error:
        if resume != "auto":
            raise
        show(console, f"note: {error.where} was taken up by another process at this moment; a new run is started")
    return once(resume=None)


def _train(
    config: Path | str,
    overrides: Sequence[str],
    *,
    resume: str | None,
    repeats: Run | None,
    force: bool,
    command: Sequence[str] | None,
    console: Console | None,
) -> Run:
    # The project of the config's folder, so that a config named from elsewhere works
    project = find_project(Path(config).parent) or require_project()
    loaded = load_config(config, overrides)
    with placed(loaded.places), StopOnSignal() as stop:
        refuse_masked(config_to_dict(loaded.config))
        refuse_missing_packages(loaded.config)
        for line in bring_back(resume, loaded.config, project) if resume else ():
            show(console, line)
        steady(console)
        former = _former_run(resume, loaded, project, console, force=force)
        seen = _session(former) if former else None
        # read here, because a damaged checkpoint is an error before anything is written
        damaged: list[str] = []
        path = newest_whole(former, damaged.append) if former else None
        checkpoint = load_checkpoint(path) if path else None
        start = position(path, checkpoint) if path and checkpoint else None
        repeated = former or repeats or _run_of(loaded.path)
        recorded = repeated.part("resolved") if repeated else None
        resolved = resolve(loaded.config, recorded)
        policy = cpu_policy()
        changes = _changes(former, repeats, loaded.config, project, policy, force=force)
        late = policy.prepare() if loaded.config.speed.tune == "auto" and loaded.config.data.name else ()
        quiet()
        pl.seed_everything(loaded.config.seed, workers=True, verbose=False)
        assembly = assemble(loaded, project, checkpoint and checkpoint.get(DataModule.__qualname__))
        if (known := former or repeats) is not None:
            data = data_changes(known, assembly.catalogued)
            changes += refuse(known, data, force=force, remedy=f"{other_data(assembly.catalogued)}, or add --force")
        take_up_input(loaded.config, assembly.catalogued, resolved, recorded)
        _load_data(assembly)
        decided = decide(loaded.config, assembly, resolved, recorded, policy)
        resolved.update(decided.values, filled=assembly.filled)
        begins = [f"{former.id} died before its first checkpoint and begins again"] if former and not start else []
        for note in (*loaded.notes, *begins, *(change.line for change in changes), *_too_late(late)):
            show(console, f"note: {note}")
        if decided.line:
            show(console, decided.line)
        with stop.held():  # a folder that is made is made whole
            if former is not None:
                writer = RunWriter.resume(former.path, command=command, after=seen)
                writer.rewind(start.step if start else 0, start.lines if start else 0)
                if forced_config(changes):
                    writer.replace_config(config_to_yaml(loaded.config))
            else:
                writer = _new_run(loaded.config, assembly, project, resolved, repeats, command)
            if changes:
                writer.event("changed", changes=as_recorded(changes))
        show(
            console,
            f"run {writer.id}{f' goes on after step {start.step}' if start else ''}; curves: projectkit runs open",
        )
        clock = Clock(former.seconds if former is not None else None)
        session = Session(
            loaded.config,
            assembly,
            writer=writer,
            resolved=resolved,
            project=project,
            console=console,
            clock=clock,
            stop=stop,
        )
        for message in damaged:
            session.warn(message)
        if decided.warning is not None:  # not for the screen: what is wrong with a model is told when it is trained
            writer.event("warned", message=decided.warning)
        session.run(start)
        return read_run(writer.path)


@contextlib.contextmanager
def placed(places: Places) -> Iterator[None]:
    """The rooms below name the key that is wrong; here it is known where that key was written."""
    try:
        yield
    except ProjectkitError as error:
        key = error.where or ""
        if re.fullmatch(r"\w+(\.\w+)*", key) and key.partition(".")[0] in Config.__dataclass_fields__:
            error.where = places.of(key)
        raise


def _former_run(
    resume: str | None, loaded: LoadedConfig, project: Project, console: Console | None, *, force: bool
) -> Run | None:
    if resume is None:
        return None
    if resume != "auto":
        return named_run(resume, loaded.config, project, force=force)
    found = find_resumable(loaded.config, project)
    if found is None and (near := nearest_unfinished(loaded.config, project)) is not None:
        show(console, f"note: {near}")
    return found


def _changes(
    former: Run | None, repeats: Run | None, config: Config, project: Project, policy: CpuPolicy, *, force: bool
) -> list[Change]:
    """What is no longer as it was; refused where it must be, before anything is loaded."""
    known = former or repeats
    if known is None:
        return []
    threads = policy.threads if policy.chosen_by_user else None
    found = [*config_changes(known, config), *surrounding_changes(known, project, threads)]
    if former and {change.what for change in found if change.refused} == {"config"}:
        remedy = (
            f"`projectkit train --resume {former.id}` goes on with the run's own config, --force with the one given"
        )
    else:
        remedy = (
            f"bring it back to what it was, or add --force to {'go on' if former else 'repeat the run'} all the same"
        )
    return refuse(known, found, force=force, remedy=remedy)


def _too_late(settings: Sequence[str]) -> list[str]:
    what = "training slows down beside other programs"
    return [f"torch was imported before {' and '.join(settings)} could be set: {what}"] if settings else []


def _session(former: Run) -> int:
    """The number of the session that a run was last written in; asked before its checkpoint is read."""
    number = newest_session(former.path)
    if read_run(former.path).status != former.status:
        raise OwnedError("the run was taken up at this moment", where=former.id, remedy="wait for it")
    return number


def _run_of(path: Path) -> Run | None:
    """The run whose own `config.yaml` this is."""
    return read_run(path.parent) if path.name == "config.yaml" and (path.parent / "run.json").is_file() else None


def _load_data(assembly: Assembly) -> None:
    """Read, check and encode before a run folder exists."""
    if assembly.catalogued is not None:
        assembly.catalogued.setup("fit")


def _new_run(
    config: Config,
    assembly: Assembly,
    project: Project,
    resolved: dict[str, Any],
    repeats: Run | None,
    command: Sequence[str] | None,
) -> RunWriter:
    return RunWriter.create(
        project.runs,
        config.name,
        kind="smoke" if config.trainer.fast_dev_run else config.kind,  # a few batches are no result
        config_yaml=config_to_yaml(config),
        command=command,
        seed=config.seed,
        source=project.root,
        data=data_record(config, assembly.catalogued),
        resolved=resolved,
        monitor=asdict(config.monitor) if config.monitor else None,
        **({"repeats": repeats.id} if repeats else {}),
    )
