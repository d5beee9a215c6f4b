"""One copy of a run on a slow or shared disk, such as Google Drive: written in place, usable only as a whole.

A copy is a run folder with one file more, `backup.json`: the digest of every other file, and its own. It is emptied before the first
file is touched and written after the last one, so that a copy that was cut short is told from a whole one on any file system: nothing
here needs links, locks, times or a rename. What holds the former state meanwhile is a second copy; see `backup.py`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from projectkit.runs.files import read_json, read_lines, to_json

MANIFEST = "backup.json"
_SCHEMA = 1
_LEFT_OUT = ("predictions", "page")  # made again by a command
_PRIVATE = ("heartbeat", "reserve")  # of the process that writes the run: without them a copy belongs to nobody
_LAST = ("metrics.jsonl", "events.jsonl", "checkpoints/digests.jsonl", "run.json")


class DamagedError(Exception):
    """A file does not have the digest that was recorded for it; the message names it."""


@dataclass(frozen=True)
class Copy:
    """A whole copy, as its manifest describes it.

    Args:
        path: its folder.
        count: which copy of the run it is; the higher of two is the later one.
        writer: who wrote it, a word drawn for each process.
        step: of the checkpoint in it; -1 without one.
        status: of the run when it was copied.
        files: path inside the folder -> SHA-256.
    """

    path: Path
    count: int
    writer: str
    step: int
    status: str
    files: Mapping[str, str]


def read_copy(path: Path) -> Copy | None:
    """What a copy's manifest says; None where there is no whole copy. The files themselves are checked by `bring_back`."""
    try:
        document = read_json(path / MANIFEST)
        digest = document.pop("sha256")
        whole = document.get("schema") == _SCHEMA and digest == _digest(to_json(document))
        if not whole or not all(map(_stays_inside, document["files"])):
            return None
        fields = (document[name] for name in ("count", "writer", "step", "status", "files"))
        return Copy(path, *fields)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def newest_step(run: Path) -> int:
    """Optimiser steps of the newest checkpoint that a run recorded to go on from, else of its last metrics; -1 before the first."""
    digests = [line for line in _saved(run) if line.get("name") != "best"]
    return _last_step(digests or read_lines(run / "metrics.jsonl"))


class CopyWriter:
    """Writes one run's copies. What has not changed since the last look is neither read nor written again.

    Args:
        run: the run folder.
        writer: who writes.
    """

    def __init__(self, run: Path, writer: str) -> None:
        self.run = run
        self.writer = writer
        self._known: dict[str, tuple[tuple[int, int, int], str]] = {}  # file -> (number, size, time of change), digest

    def write(self, path: Path, count: int) -> Copy:
        """Make the copy at `path` the run's present state.

        Raises:
            OSError: the folder is full, gone or cannot be written; there is no whole copy at `path` then.
            DamagedError: a checkpoint here is not what was saved.
        """
        there = read_copy(path)
        former = there.files if there else {}
        path.mkdir(parents=True, exist_ok=True)
        _write(path / MANIFEST, b"")
        files: dict[str, str] = {}
        for name in self._names():
            try:
                files[name] = self._copy(name, path, former.get(name))
            except FileNotFoundError:
                if not path.is_dir():
                    raise
        for name in former.keys() - files.keys():
            _remove(path / name)
        document = {
            "schema": _SCHEMA,
            "count": count,
            "writer": self.writer,
            # of the checkpoints in this copy: the digests were copied after them and may know of later ones
            "step": _last_step([line for line in _saved(path) if line.get("sha256") in files.values()]),
            "status": read_json(path / "run.json").get("status", "unknown"),
            "files": files,
        }
        _write(path / MANIFEST, to_json({**document, "sha256": _digest(to_json(document))}, indent=1))
        copy = read_copy(path)
        if copy is None:
            raise OSError(f"what was written to {path} cannot be read back")
        return copy

    def _names(self) -> Iterator[str]:
        """Files in the order that keeps a copy consistent while the run goes on.

        The checkpoints come first and the logs after them: lines that are newer than a checkpoint are cut off when a run goes on
        from it, lines that were missing could not be made up for. `last` comes before `best`, which is never behind it.
        """
        folder = self.run / "checkpoints"
        last = folder / "last.ckpt"
        if not last.is_file():  # it is being replaced at this moment; the one before it is there under another name
            steps = [path for path in folder.glob("step-*.ckpt") if path.stem[5:].isdecimal()]
            last = max(steps, key=lambda path: int(path.stem[5:]), default=last)
        yield from (f"checkpoints/{path.name}" for path in (last, folder / "best.ckpt") if path.is_file())
        yield from sorted(_record_files(self.run))
        yield from (name for name in _LAST if (self.run / name).is_file())

    def _copy(self, name: str, target: Path, former: str | None) -> str:
        source, place = self.run / name, target / name
        status = source.stat()
        key = (status.st_ino, status.st_size, status.st_mtime_ns)
        before = self._known.get(name)
        if before is not None and before == (key, former) and _size(place) == status.st_size:
            return before[1]
        # Read at once and closed: a file that stays open cannot be replaced on Windows, and Drive may take minutes.
        data = source.read_bytes()
        digest = _digest(data)
        if source.suffix == ".ckpt":
            self._refuse_damaged(name, digest)
        if digest != former or _size(place) != len(data):
            place.parent.mkdir(parents=True, exist_ok=True)
            _write(place, data)
        self._known[name] = (key, digest)
        return digest

    def _refuse_damaged(self, name: str, digest: str) -> None:
        saved = {line.get("sha256") for line in _saved(self.run)}
        if saved and digest not in saved:
            raise DamagedError(f"{name} does not have the digest that it was saved with")


def bring_back(copy: Copy, target: Path) -> None:
    """Copy a run back, into a folder that is not there yet.

    Raises:
        OSError: a file cannot be read or written.
        DamagedError: a file is not what was copied there.
    """
    for name, digest in copy.files.items():
        data = (copy.path / name).read_bytes()
        if _digest(data) != digest:
            raise DamagedError(f"{name} does not have the digest that it was copied with")
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(place, data)
    (target / "checkpoints").mkdir(exist_ok=True)


def _record_files(run: Path) -> Iterator[str]:
    """Every file but checkpoints, what a command makes again, and what belongs to the process that writes the run."""
    for folder, names, files in os.walk(run):
        inside = Path(folder).relative_to(run)
        left_out = (*_LEFT_OUT, "checkpoints") if inside == Path() else ()
        names[:] = [name for name in names if name not in left_out and not name.startswith(".")]
        for file in files:
            name = (inside / file).as_posix()
            private = file.startswith(".") or file.endswith(".tmp") or file in (*_PRIVATE, MANIFEST)
            # W&B makes links, which have no place on Drive
            if not private and name not in _LAST and not (run / name).is_symlink():
                yield name


def _saved(run: Path) -> list[dict[str, Any]]:
    """What training noted of each checkpoint before it was published: `sha256`, `name`, `step`."""
    return read_lines(run / "checkpoints" / "digests.jsonl")


def _last_step(lines: list[dict[str, Any]]) -> int:
    return max((line["step"] for line in lines if isinstance(line.get("step"), int)), default=-1)


def _stays_inside(name: str) -> bool:
    """A copy lies where others can write: no name in it leads out of its folder."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and not set(name) & {"\\", ":", "\0"}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        with suppress(
            OSError
        ):  # some mounted drives know no fsync; whether all has come is seen in the size, and by the digest
            os.fsync(file.fileno())
    if path.stat().st_size != len(data):
        raise OSError(f"{path.name} was cut short")


def _remove(path: Path) -> None:
    """Emptied first: Drive moves what is removed to its trash, where it still counts."""
    with suppress(FileNotFoundError):
        _write(path, b"")
        path.unlink()
