"""Who owns a run folder: one process at a time, also where several machines share the folder.

Every time that a run is written, from its creation or from a resume on, is a session with a folder of its own:

| file | is |
|---|---|
| sessions/0001/ | the claim: a folder gets that name for one process only, on every file system, and has its files by then |
| sessions/0001/process.json | which process it is, see process.py |
| sessions/0001/heartbeat | touched every 10 s while the session goes on, removed when it ends |
| sessions/0001/reserve | room on the disk for the run's last status, given back for it |

Whether an owner goes on is asked of the system where it ran on this machine. Otherwise its heartbeat tells, by the file server's clock
alone: both ends of the silence are times that the server set, so the clocks of two machines need not agree. No file lock is used. An
owner that was silent for two minutes can lose its run to another; it finds out by the newer session (`refuse_if_taken_over`).
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from projectkit.errors import UserError, WorkError
from projectkit.runs.files import atomic_write, read_json, to_json
from projectkit.runs.process import goes_on, this_process

HEARTBEAT_S = 10.0
SILENT_S = 120.0  # a network file system may show a time that is a minute old
RESERVE_BYTES = 2**16  # of run.json and one line of events.jsonl, several times over
_CLOCK_HOLDS_S = 60.0

_clocks: dict[int, tuple[float, float]] = {}  # by file system: what its clock is ahead of ours, and when that was asked


class OwnedError(UserError):
    """Another process goes on with the run."""


class TakenOverError(WorkError):
    """Another process has gone on with the run in the meantime."""

    reason = "taken_over"


class Session:
    """This process's claim on a run folder; made by `claim`.

    Args:
        run: the run folder.
        number: from 1.
    """

    def __init__(self, run: Path, number: int) -> None:
        self.number = number
        self.path = _folder(run, number)
        self._next = _folder(run, number + 1)
        self._process = os.getpid()
        self._ended = threading.Event()

    @classmethod
    def claim(cls, run: Path, number: int) -> Session:
        """Take the run.

        Args:
            run: the run folder.
            number: one more than that of the session that was found to be over, 1 for a new run.

        Raises:
            OwnedError: another process was faster.
            OSError: the folder cannot be written.
        """
        session = cls(run, number)
        # with its files first: a claim that does not say whose it is would look like one that goes on
        folder = session.path.with_name(f".{secrets.token_hex(6)}.tmp")
        folder.parent.mkdir(exist_ok=True)
        folder.mkdir()
        try:
            reserve = secrets.token_bytes(RESERVE_BYTES)  # no file system makes it smaller
            atomic_write(folder / "reserve", reserve)
            (folder / "heartbeat").touch()
            atomic_write(folder / "process.json", to_json(this_process()) + b"\n")
            try:
                folder.rename(session.path)  # a folder that is there and not empty is not replaced
            except OSError:
                if not session.path.exists():
                    raise
                if not _has(session.path / "reserve", reserve):  # a file server may do it and lose its answer
                    raise _going_on(run) from None
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with suppress(OSError):
            (_folder(run, number - 1) / "reserve").unlink(missing_ok=True)  # of a process that was killed
        threading.Thread(target=_beat, args=(session.path / "heartbeat", session._ended), daemon=True).start()
        return session

    def ends_with(self, writer: Any) -> None:
        """A writer that nobody holds any more can write no more, so the claim ends with it."""
        weakref.finalize(writer, self.close)

    @property
    def taken_over(self) -> bool:
        """Whether a newer session was begun."""
        return self._next.exists()

    def give_back_reserve(self) -> None:
        """Make room for the last words on a disk that is full."""
        with suppress(OSError):
            (self.path / "reserve").unlink(missing_ok=True)

    def close(self) -> None:
        """End the claim; nothing happens where it is ended, or in a forked process, which only has a copy of it."""
        if os.getpid() != self._process or self._ended.is_set():
            return
        self._ended.set()
        self.give_back_reserve()
        with suppress(OSError):
            (self.path / "heartbeat").unlink(missing_ok=True)


def newest_session(run: Path) -> int:
    """The number of the newest session, 0 where there is none."""
    try:
        names = [path.name for path in (run / "sessions").iterdir()]
    except OSError:
        return 0
    return max((int(name) for name in names if name.isdecimal()), default=0)


def is_owned(run: Path, number: int | None = None) -> bool:
    """Whether a process goes on writing the run, in its newest session or in that of a number."""
    number = newest_session(run) if number is None else number
    if number == 0:
        return False
    folder = _folder(run, number)
    try:
        process = read_json(folder / "process.json")
    except (OSError, ValueError):  # claimed a moment ago, or by a process that died at once
        return _is_fresh(folder, run)
    heartbeat = folder / "heartbeat"
    if not heartbeat.exists():
        return False
    known = goes_on(process)
    return _is_fresh(heartbeat, run) if known is None else known


def refuse_owned(run: Path) -> int:
    """The number of the run's newest session, which is over.

    Raises:
        OwnedError: it goes on.
    """
    number = newest_session(run)
    if is_owned(run, number):
        raise _going_on(run)
    return number


def _going_on(run: Path) -> OwnedError:
    remedy = "wait for it (a process that died on another machine counts as gone two minutes later), or train without --resume"
    try:
        process = read_json(_folder(run, newest_session(run)) / "process.json")
        owner = f" in process {process['pid']} on {process['host']}"
    except (OSError, ValueError, KeyError):
        owner = ""
    return OwnedError(f"the run is still going on{owner}", where=run.name, remedy=remedy)


def _beat(heartbeat: Path, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_S):
        with suppress(OSError):  # a file server that is away for a moment; a run folder that was moved
            os.utime(heartbeat)  # without times, so that the server sets its own


def _is_fresh(path: Path, run: Path) -> bool:
    """Whether a file or folder of the run was touched lately, by the clock of its file system; yes where that cannot be asked."""
    try:
        if path.is_dir():
            touched = path.stat().st_mtime
        else:
            with path.open("rb") as file:  # to open a file makes a network file system look for its times anew
                touched = os.fstat(file.fileno()).st_mtime
        return _now(run) - touched < SILENT_S
    except FileNotFoundError:
        return False  # ended at this moment
    except OSError:
        return True


def _now(run: Path) -> float:
    """The time on the clock that gives the files of a run their times."""
    device, here = run.stat().st_dev, time.monotonic()
    ahead, asked = _clocks.get(device, (0.0, -_CLOCK_HOLDS_S))
    if here - asked >= _CLOCK_HOLDS_S:
        probe = run.parent / f".{secrets.token_hex(6)}.tmp"
        try:
            probe.touch(exist_ok=False)
            ahead = probe.stat().st_mtime - here
        finally:
            probe.unlink(missing_ok=True)
        _clocks[device] = ahead, here
    return ahead + here


def _has(file: Path, content: bytes) -> bool:
    try:
        return file.read_bytes() == content
    except OSError:
        return False


def _folder(run: Path, number: int) -> Path:
    return run / "sessions" / f"{number:04d}"
