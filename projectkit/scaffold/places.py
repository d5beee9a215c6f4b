"""The folders that a project needs, as `projectkit doctor` looks at them: disk, store, backup, mirror, own cards, withheld labels."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from projectkit.errors import ProjectkitError
from projectkit.findings import Finding, Status

DISK_ERROR_GIB = 1.0
DISK_WARNING_GIB = 5.0
"""A few dozen runs with checkpoints of small models; torch itself takes 1 to 6 GiB."""


def disk() -> Iterator[Finding]:
    """Is there room for runs?"""
    yield _space("disk", Path.cwd())


def store() -> Iterator[Finding]:
    """Can data be brought into the shared store, or at least be read from it?"""
    from projectkit.datasets.storage.locks import check_schema
    from projectkit.datasets.storage.store import store_root

    root = store_root()
    advice = "set PROJECTKIT_STORE=<a folder that you may write>"
    folder = next(folder for folder in (root, *root.parents) if folder.exists())
    try:
        check_schema(root)
    except ProjectkitError as error:
        yield Finding("store", "error", str(root), error.what, error.remedy or advice)
        return
    if not folder.is_dir():
        yield Finding("store", "error", str(root), f"{folder} is not a folder", advice)
    elif _writable(folder):
        space = _space("store", folder)
        message = f"writable, {space.message}"
        yield Finding("store", space.status, str(root), message, space.advice and advice, space.evidence)
    elif folder == root:
        message = "you may read it, not write it: the data sets that are in it can be used"
        yield Finding("store", "note", str(root), message, f"ask for the others where it is kept, or {advice}")
    else:
        yield Finding("store", "error", str(root), "this folder cannot be made", advice)


def backup() -> Iterator[Finding]:
    """Is the folder there that checkpoints are copied to?"""
    value = os.environ.get("PROJECTKIT_BACKUP")
    if not value:
        yield Finding("backup", "ok", "PROJECTKIT_BACKUP", "not set: runs are nowhere but here")
        return
    folder = Path(value).expanduser()
    where = folder if folder.is_dir() else folder.parent  # it is made by the first copy, what lies above it is not
    if not where.is_dir():
        yield Finding("backup", "error", value, f"{where} is not there", "mount the drive, or correct the variable")
    elif not _writable(where):
        yield Finding("backup", "error", value, "this folder cannot be written", "set it to one that you may write")
    else:
        yield _space("backup", where)


def mirror() -> Iterator[Finding]:
    """Is the folder there that is looked in before the network?"""
    value = os.environ.get("PROJECTKIT_MIRROR")
    if not value:
        yield Finding("mirror", "ok", "PROJECTKIT_MIRROR", "not set: data comes from its pinned URLs")
    elif Path(value).expanduser().is_dir():
        yield Finding("mirror", "ok", value, "looked in before the network")
    else:
        advice = "set it to the folder that your course gave you, or unset it"
        yield Finding("mirror", "error", value, "PROJECTKIT_MIRROR is not a folder", advice)


def cards() -> Iterator[Finding]:
    """Can each card and subject of the team's and of the course's be read?"""
    from projectkit import datasets
    from projectkit.datasets.own.folders import found
    from projectkit.scaffold.subjects import list_subjects

    try:
        own, broken, subjects = found(), datasets.broken(), list_subjects()
    except ProjectkitError as error:
        yield Finding("cards", "error", error.where or "PROJECTKIT_CARDS", error.what, error.remedy or "")
        return
    for each in broken:
        yield Finding("cards", "error", each.where, each.message, each.advice)
    if not broken:
        message = f"{len(own)} data sets and {len(subjects)} subjects of the team or the course"
        where = os.environ.get("PROJECTKIT_CARDS") or "PROJECTKIT_CARDS"
        yield Finding("cards", "ok", where, message, evidence={"cards": sorted(own), "subjects": len(subjects)})


def labels() -> Iterator[Finding]:
    """Is the staff's folder of withheld test labels there? A team has none."""
    value = os.environ.get("PROJECTKIT_LABELS")
    if not value:
        yield Finding("labels", "ok", "PROJECTKIT_LABELS", "not set: only the staff need it, for withheld test labels")
    elif Path(value).expanduser().is_dir():
        yield Finding("labels", "ok", value, "withheld test labels are looked for here")
    else:
        yield Finding("labels", "error", value, "PROJECTKIT_LABELS is not a folder", "correct it or unset it")


def _space(subject: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / 2**30
    status: Status = "ok"
    if free < DISK_WARNING_GIB:
        status = "error" if free < DISK_ERROR_GIB else "warning"
    advice = (
        "make room, or set PROJECTKIT_RUNS, PROJECTKIT_STORE or PROJECTKIT_BACKUP to a folder on another disk"
        if status != "ok"
        else ""
    )
    return Finding(subject, status, str(folder), f"{free:.1f} GiB free", advice, {"free_gib": round(free, 2)})


def _writable(folder: Path) -> bool:
    """By writing: permission bits do not know of read-only mounts, quotas and Windows' lists."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
