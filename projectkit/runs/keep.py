"""Keeping a run: its small files, copied to `results/<id>/` to be committed, for partners and fresh clones."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from projectkit.errors import UserError, WorkError
from projectkit.project import Project
from projectkit.runs.files import append_line, atomic_write, read_lines, replace_folder, to_json
from projectkit.runs.notes import copy_notes
from projectkit.runs.reader import Run

# Named one by one: whatever else lies in the folder (weights, predictions, W&B files) does not get into git.
_FILES = ("run.json", "config.yaml", "metrics.jsonl", "events.jsonl", "source.diff", "audit.json", "model.json")
_FOLDERS = ("evaluation/*.json", "evaluation/figures/*.svg", "evaluation/figures/*.json", "notes/*.json")
_METRICS_BYTES = 2 * 2**20  # of metrics.jsonl in git: some ten thousand lines, more than a plot has room for


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
        copy_notes(target, fresh)  # a partner's came with git into the former copy only
        replace_folder(fresh, target, old)
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
    paths += [path for pattern in _FOLDERS for path in sorted(source.glob(pattern)) if not path.name.startswith(".")]
    for path in paths:
        if path.is_file() and not path.is_symlink():  # a run from elsewhere may link to a private key
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    metrics = target / "metrics.jsonl"
    if metrics.is_file() and metrics.stat().st_size > _METRICS_BYTES:
        _thin(metrics, target / "events.jsonl")


def _thin(metrics: Path, events: Path) -> None:
    """Leave out lines that hold training metrics alone, evenly, until the rest is small enough; the history says so.

    Every validation stays, and so do the first and the last line. The run itself has all of them.
    """
    lines = read_lines(metrics)
    kept = [_is_sparse(line) or index in (0, len(lines) - 1) for index, line in enumerate(lines)]
    size = [len(to_json(line)) + 1 for line in lines]
    stay = sum(length for length, stays in zip(size, kept, strict=True) if stays)
    every = -(-(sum(size) - stay) // max(1, _METRICS_BYTES - stay))  # rounded up
    chosen = [line for index, line in enumerate(lines) if kept[index] or index % every == 0]
    atomic_write(metrics, b"".join(to_json(line) + b"\n" for line in chosen))
    append_line(
        events, {"time": datetime.now(UTC).isoformat(), "event": "thinned", "lines": len(chosen), "of": len(lines)}
    )


def _is_sparse(line: Mapping[str, Any]) -> bool:
    return any(not name.startswith("train/") for name in line.keys() - {"step", "epoch", "time"})
