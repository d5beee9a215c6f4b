"""Which run a training goes on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit.config import Config, config_to_dict
from projectkit.data import DataModule
from projectkit.errors import UserError
from projectkit.project import Project
from projectkit.runs import Run, backup_folder, free_for_this_job, list_runs, restore_runs, same_value


def find_resumable(config: Config, project: Project) -> Run | None:
    """The newest run of exactly this config that did not finish and left a checkpoint; None where a new run is to be started.

    A run whose process is gone, as when a cluster killed it, reads as interrupted.
    """
    fitting = (
        run
        for run in list_runs(project)
        if run.status in ("interrupted", "failed")
        and (run.path / "checkpoints" / "last.ckpt").is_file()
        and not differences(run, config)
    )
    return next(free_for_this_job(fitting), None)


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
        return not differences(run, config) if resume == "auto" else resume.strip().lower() in run.id

    return [each.line for each in restore_runs(folder, project.runs, wanted=wanted)]


def refuse_other_config(run: Run, config: Config) -> None:
    """A run is continued with the config that it was started with.

    Raises:
        UserError: a key differs; the message names the first ones.
    """
    changed = differences(run, config)
    if changed:
        raise UserError(
            f"the config differs from the run's: {', '.join(changed[:3])}",
            where=run.id,
            remedy=f"type `projectkit train {run.path / 'config.yaml'} --resume {run.id}`, or train anew without --resume",
        )
    if run.status == "running":
        raise UserError(
            "the run is still going on", where=run.id, remedy="wait for it, or start a new run without --resume"
        )
    if run.status == "finished":
        raise UserError(
            "the run is finished",
            where=run.id,
            remedy="start a new run, with a higher trainer.max_epochs if it was too short",
        )


def refuse_other_data(run: Run, data: DataModule | None) -> None:
    """A run goes on with the data that it was trained on, and is measured on it: the same files, rows and way to read them.

    Raises:
        UserError: one of them is another one now, as another version of a card or of the library may have it.
    """
    if data is None:
        return
    recorded = run.part("data")
    for what, then, now in (
        ("files", recorded.get("files_digest"), data.card.files_digest),
        ("split", recorded.get("split_digest"), data.split.digest),
        # other names or another order of the classes, other columns: the same rows of the same files, read in another way
        ("samples", recorded.get("samples_digest"), data.samples_digest),
    ):
        if then and then != now:
            have = "has" if what == "split" else "have"
            raise UserError(
                f"the {what} of '{data.card_name}' {have} the digest {now[:12]}, not {then[:12]}, which the run was trained on",
                where=run.id,
                remedy=f"try `projectkit data verify {data.card_name}`, use the library's version of the run, or train again",
            )


def differences(run: Run, config: Config) -> list[str]:
    """The keys in which a run's config differs, dotted."""
    former, now = _flat(run.config()), _flat(config_to_dict(config))
    usual = _flat(config_to_dict(Config()))  # what a key stands for that the run's version of the library did not know
    return sorted(
        key
        for key in former.keys() | now.keys()
        if not same_value(former.get(key, usual.get(key)), now.get(key, usual.get(key)))
    )


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


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)  # type: ignore[assignment]
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in items:
        flat.update(_flat(item, f"{prefix}.{key}" if prefix else str(key)))
    return flat
