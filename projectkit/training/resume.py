"""Which run a training goes on with, and from where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit.config import Config
from projectkit.data import DataModule
from projectkit.errors import UserError
from projectkit.project import Project
from projectkit.runs import Run, backup_folder, find_run, free_for_this_job, list_runs, restore_runs
from projectkit.training.changes import Change, config_changes, data_changes, surrounding_changes
from projectkit.training.checkpoint_files import has_checkpoint

LONGER = ("trainer.max_epochs ", "trainer.max_steps ", "trainer.max_time ")
LOOKED_AT = 20  # unfinished runs, for one whose config is nearest


def find_resumable(config: Config, project: Project) -> Run | None:
    """The newest run of this config that did not finish; None where a new run is to be started.

    A run whose process is gone, as when a cluster killed it, reads as interrupted. One that died before its first checkpoint begins
    again, unless the code or the versions are others by now: nothing is lost then with a new run.
    """
    same = (run for run in _unfinished(project) if not config_changes(run, config))
    return next(free_for_this_job(run for run in same if has_checkpoint(run) or _may_begin_again(run, project)), None)


def nearest_unfinished(config: Config, project: Project) -> str | None:
    """What is to be said where `auto` finds no run of this config, and there is an unfinished one of another."""
    kept = (run for run in _unfinished(project) if has_checkpoint(run))
    runs = [run for run, _ in zip(kept, range(LOOKED_AT), strict=False) if run.name == config.name]
    if not runs:
        return None
    changes, run = min(((config_changes(run, config), run) for run in runs), key=lambda pair: len(pair[0]))
    keys = ", ".join(change.line for change in changes[:3]) + (" and more" if len(changes) > 3 else "")
    return (
        f"a new run is started, because the unfinished {run.id} has another config: {keys}; "
        f"`projectkit train --resume {run.id}` goes on with it, and with its own config"
    )


def named_run(name: str, config: Config, project: Project, *, force: bool) -> Run:
    """The run that is to go on, where it can.

    Raises:
        UserError: there is none, another process goes on with it, it is finished and not asked to train longer, or nothing was kept.
    """
    run = find_run(name, project)
    refuse_baseline(run)
    if run.status == "running":
        raise UserError(
            "the run is still going on", where=run.id, remedy="wait for it, or start a new run without --resume"
        )
    if run.status == "finished":
        changes = config_changes(run, config)
        longer = any(change.line.startswith(LONGER) for change in changes)
        _refuse_ended_scheduler(run)
        if not changes or (longer and not force) or (force and not longer):
            epochs = (1 if longer else 2) * (config.trainer.max_epochs or 1)
            raise UserError(
                "the run is finished",
                where=run.id,
                remedy=f"to train it longer type `projectkit train --resume {run.id} --force "
                f"trainer.max_epochs={epochs}`, else start a new run",
            )
    if not has_checkpoint(run) and (run.status == "finished" or not _is_at_home(run, project)):
        raise UserError(
            "the run has no checkpoint to go on from: its weights were removed, or it is a kept copy",
            where=run.id,
            remedy=f"start it again: `projectkit train {run.path / 'config.yaml'}`",
        )
    return run


def refuse_baseline(run: Run) -> None:
    """Refuse a run that was fitted and not trained.

    Raises:
        UserError: it is a baseline.
    """
    if run.kind == "baseline":
        remedy = f"`projectkit baseline --only {run.name}` fits it again"
        raise UserError("a baseline is fitted and not trained", where=run.id, remedy=remedy)


def bring_back(resume: str, config: Config, project: Project) -> list[str]:
    """Fetch from `PROJECTKIT_BACKUP` what can be gone on with and is not here, or not as far.

    Args:
        resume: a run, or `auto`.
        config: of the training.
        project: where the run is to lie.

    Returns:
        What was brought back, and what could not be: a line for the user each.
    """
    folder = backup_folder()
    if folder is None:
        return []

    def wanted(run: Run) -> bool:
        return not config_changes(run, config) if resume == "auto" else resume.strip().lower() in run.id

    return [each.line for each in restore_runs(folder, project.runs, wanted=wanted)]


def refuse_other_data(run: Run, data: DataModule | None) -> None:
    """A run is measured on the data that it was trained on: the same files, rows and way to read them.

    Raises:
        UserError: one of them is another one now, as another version of a card or of the library may have it.
    """
    for change in data_changes(run, data):
        raise UserError(change.line, where=run.id, remedy=other_data(data))


def other_data(data: DataModule | None) -> str:
    """What to do where the data is not what it was."""
    name = "" if data is None else data.card_name
    return f"try `projectkit data verify {name}`, use the library's version of the run, or train again"


def forced_config(changes: Iterable[Change]) -> bool:
    """Whether a run goes on with another config than its own."""
    return any(change.what == "config" for change in changes)


@dataclass(frozen=True)
class Position:
    """Where a training goes on.

    Args:
        path: of the checkpoint.
        step: optimiser steps done.
        epoch: whole epochs done.
        batch: batches done of the epoch that was begun.
        lines: of metrics that were written by then.
    """

    path: Path
    step: int
    epoch: int
    batch: int
    lines: int | None


def position(path: Path, checkpoint: Mapping[str, Any]) -> Position:
    """Where a checkpoint's training goes on: Lightning restores its counters, but not the place in the data.

    Raises:
        UserError: an older version of the library wrote it, and it does not hold all that is needed.
    """
    whole = checkpoint["callbacks"].get("Checkpoints", {}).get("whole")
    if whole is None:
        raise UserError(
            "this checkpoint does not hold all that a training needs to go on: an older version of the library wrote it",
            where=str(path),
            remedy="finish the run with the version that its run.json names, or train again without --resume",
        )
    loop = checkpoint["loops"]["fit_loop"]
    batches = loop["epoch_loop.batch_progress"]
    return Position(
        path=path,
        step=int(checkpoint["global_step"]),
        epoch=int(loop["epoch_progress"]["current"]["processed"]),
        batch=0 if whole["kind"] == "epoch" else int(batches["current"]["ready"]),
        lines=int(whole["lines"]),
    )


def _unfinished(project: Project) -> Iterable[Run]:
    ended = (run for run in list_runs(project) if run.status in ("interrupted", "failed") and run.kind != "baseline")
    return (run for run in ended if _is_at_home(run, project))


def _may_begin_again(run: Run, project: Project) -> bool:
    """Whether a run that left no checkpoint died by no fault of its own, and would do the same again."""
    others = (change for change in surrounding_changes(run, project, None) if change.refused)
    return run.status == "interrupted" and next(others, None) is None


def _is_at_home(run: Run, project: Project) -> bool:
    """Whether a run lies among those that are trained; a kept copy is only looked at."""
    return run.path.parent == project.runs.resolve()


def _refuse_ended_scheduler(run: Run) -> None:
    filled = run.part("resolved").get("filled")
    counts = filled.get("scheduler", {}) if isinstance(filled, Mapping) else {}
    for name, count in counts.items():
        if isinstance(count, int):
            raise UserError(
                f"the run is finished, and its scheduler was planned to end there ({name} {count})",
                where=run.id,
                remedy="start a new run with a higher trainer.max_epochs, for which the rates are planned anew",
            )
