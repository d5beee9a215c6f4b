"""Keeping a run: its small files, copied to `results/<id>/` to be committed, for partners and fresh clones."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from projectkit.errors import UserError, WorkError
from projectkit.project import Project
from projectkit.runs.reader import Run

# Named one by one: whatever else lies in the folder (weights, predictions, W&B files) does not get into git.
_FILES = ("run.json", "config.yaml", "metrics.jsonl", "events.jsonl", "source.diff", "audit.json")
_EVALUATION = ("evaluation/*.json", "evaluation/figures/*.svg")


def keep_run(run: Run, project: Project) -> Path:
    """Copy a run to `results/<id>/`; a copy that is there is brought up to date.

    Returns:
        The folder in `results/`.

    Raises:
        UserError: the run is still going on, or cannot be read.
        WorkError: the folder cannot be written; an older copy is untouched.
    """
    if run.status in ("running", "unreadable"):
        remedy = "keep it when it has ended" if run.status == "running" else run.problem
        raise UserError(f"the run is {run.status}, so it cannot be kept", where=run.id, remedy=remedy)
    target = project.results / run.id
    if run.path == target.resolve():
        return target
    fresh, old = (project.results / f".{secrets.token_hex(6)}.tmp" for _ in range(2))
    try:
        _copy(run.path, fresh)
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise WorkError(
            f"the run cannot be copied: {error.strerror or error}",
            where=str(target),
            remedy="free some space and keep it again",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    paths = [source / name for name in _FILES]
    paths += [path for pattern in _EVALUATION for path in sorted(source.glob(pattern)) if not path.name.startswith(".")]
    for path in paths:
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
