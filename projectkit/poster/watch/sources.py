"""The files that a poster is made from, and whether they changed. They are asked for, not listened to: that works the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from projectkit.poster.themes.reading import VARIABLE
from projectkit.project import Project

# Of a run only what a poster reads: the log of a training that goes on grows all the time.
_OF_A_RUN = ("run.json", "audit.json", "model.json")
_FOLDERS_OF_A_RUN = ("evaluation", "evaluation/figures")
_MOST_FILES = 5000

Snapshot = Mapping[str, tuple[int, int]]  # path -> time of the last change in ns, bytes


def snapshot(folder: Path, project: Project) -> Snapshot:
    """The state of all files that a poster may be made from.

    Args:
        folder: the poster's.
        project: whose runs it may show.
    """
    found: dict[str, tuple[int, int]] = {}
    for entry in _files(folder, project):
        try:
            state = entry.stat()
        except OSError:  # gone between two looks, as while an editor saves
            continue
        found[entry.path] = (state.st_mtime_ns, state.st_size)
        if len(found) >= _MOST_FILES:
            break
    return found


def changed(before: Snapshot, after: Snapshot) -> set[str]:
    """Paths that came, went, or were written."""
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}


def _files(folder: Path, project: Project) -> Iterator[os.DirEntry[str]]:
    yield from _below(folder, without=folder / "build")
    for themes in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        yield from _below(Path(themes))
    for runs in (project.runs, project.results):
        for run in _entries(runs):
            if run.is_dir():
                yield from (entry for entry in _entries(run.path) if entry.name in _OF_A_RUN)
                for name in _FOLDERS_OF_A_RUN:
                    yield from (entry for entry in _entries(Path(run.path) / name) if entry.is_file())
    yield from _entries(project.ledger)


def _below(folder: Path, without: Path | None = None) -> Iterator[os.DirEntry[str]]:
    for entry in _entries(folder):
        if entry.name.startswith(".") or Path(entry.path) == without:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path))
        else:
            yield entry


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
