"""`PROJECTKIT_BACKUP=<folder>`: runs are on a fast disk that may be gone tomorrow, and copied to one that stays.

On Colab the folder is on Drive, on a cluster in the home or project space. After each checkpoint a thread copies the record and the newest
checkpoints there; the training never waits for it, but for `finish` at its end. Two copies take turns, so that one is whole while the
other is written:

| folder | holds |
|---|---|
| <folder>/<id>/ | a run folder, readable with PROJECTKIT_RUNS=<folder> |
| <folder>/.second/<id>/ | the other copy |

A new session calls `restore_runs`, which brings back what did not finish.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import UserError
from projectkit.runs import ids
from projectkit.runs.copies import Copy, CopyWriter, DamagedError, bring_back, newest_step, read_copy
from projectkit.runs.find import TRASH
from projectkit.runs.notes import copy_notes
from projectkit.runs.reader import Run, read_run

PATIENCE_S = 30.0
"""How long the end of a training waits for the last copy."""

_SECOND = ".second"


def backup_folder() -> Path | None:
    """`$PROJECTKIT_BACKUP`; None where it is not set."""
    named = os.environ.get("PROJECTKIT_BACKUP")
    return Path(named).expanduser().absolute() if named else None


class Backup:
    """Copies a run to a folder, in a thread of its own, whenever `later` is called.

    Whatever the folder does, nothing is raised here and nobody waits: what went wrong is in `warning`, and the next call tries again.

    Args:
        run: the run folder.
        folder: where copies go; its parent must be there, because a Drive that is not mounted is a folder that is missing.
    """

    def __init__(self, run: Path, folder: Path) -> None:
        self.run = run
        self.folder = folder
        self.warning: str | None = None  # the first thing that went wrong, in words for the user
        self._writer = CopyWriter(run, secrets.token_hex(8))
        self._others: frozenset[str] | None = None  # who had copied this run before
        self._asked = self._done = 0
        self._ends = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def later(self) -> None:
        """Copy the run's present state soon; one copy at a time, and the last state in any case."""
        with self._changed:
            self._asked += 1
            if self._thread is None:
                # a daemon: a folder that does not answer any more must not keep the process from ending
                self._thread = threading.Thread(target=self._work, name="projectkit-backup", daemon=True)
                self._thread.start()
            self._changed.notify()

    def finish(self, deadline_s: float = PATIENCE_S) -> None:
        """Copy the last state, to both copies, and end; what is not done by the deadline is given up, with a warning."""
        self.later()
        with self._changed:
            self._ends = True
            self._changed.notify()
        assert self._thread is not None
        self._thread.join(deadline_s)
        if self._thread.is_alive() and self._done < self._asked:
            self._warn(f"the last state was not copied to {self.folder} within {deadline_s:.0f} s")

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked > self._done or self._ends)
                asked, ends = self._asked, self._ends
            if not self._copied():
                if ends:
                    return
            elif ends:
                self._done = asked
                self._copied()  # the other copy: a run that has ended is found under its own name
                return
            with self._changed:
                self._done = asked

    def _copied(self) -> bool:
        """Write the older of the two copies, or the one that is not whole."""
        try:
            self._copy()
        except Exception as error:  # noqa: BLE001 - nothing that a copy meets may end the training, or end this thread without a word
            reason = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
            self._warn(f"the run could not be copied to {self.folder} ({reason})")
            return False
        return True

    def _copy(self) -> None:
        if not self.folder.parent.is_dir():
            raise FileNotFoundError(f"{self.folder.parent} is not there; is the drive mounted?")
        if self.folder.resolve() == self.run.parent.resolve():
            raise ValueError("this is the folder of the runs themselves: set PROJECTKIT_BACKUP to another one")
        places = places_of(self.folder, self.run.name)
        copies = [read_copy(place) for place in places]
        writers = {copy.writer for copy in copies if copy is not None}
        if self._others is None:
            self._others = frozenset(writers)
        if writers - self._others - {self._writer.writer}:
            raise ValueError("another session goes on with this run, and its copy is left alone")
        counts = [copy.count if copy is not None else -1 for copy in copies]
        place = places[0] if counts[0] <= counts[1] else places[1]
        self._writer.write(place, max(counts) + 1)

    def _warn(self, message: str) -> None:
        if self.warning is None:
            self.warning = f"{message}; the training is not affected, and the run itself is in {self.run}"


@dataclass(frozen=True)
class Restored:
    """A run that was brought back, or the reason why it could not be.

    Args:
        id: the run's id.
        path: its folder; None where it could not be brought back.
        line: what happened, in words for the user.
    """

    id: str
    path: Path | None
    line: str


def places_of(folder: Path, run_id: str) -> tuple[Path, Path]:
    """Where the two copies of a run lie."""
    return folder / run_id, folder / _SECOND / run_id


def restore_runs(folder: Path, runs_root: Path, *, wanted: Callable[[Run], bool] | None = None) -> list[Restored]:
    """Bring back unfinished runs that are not here, or whose checkpoint here is older.

    Args:
        folder: `$PROJECTKIT_BACKUP`.
        runs_root: where runs lie here.
        wanted: which of them; default all.

    Returns:
        What was brought back, and what could not be; empty where there is nothing to do or no backup.
    """
    restored = []
    for run_id in sorted({name for root in (folder, folder / _SECOND) for name in _run_names(root)}):
        copies = [copy for place in places_of(folder, run_id) if (copy := read_copy(place)) is not None]
        copies.sort(key=lambda copy: copy.count, reverse=True)
        if copies and copies[0].status != "finished" and _older(runs_root / run_id, copies[0].step):
            outcome = _restore(run_id, copies, runs_root, wanted)
            restored += [outcome] if outcome else []
    return restored


def _restore(run_id: str, copies: list[Copy], runs_root: Path, wanted: Callable[[Run], bool] | None) -> Restored | None:
    problem = ""
    for copy in copies:
        if not _older(runs_root / run_id, copy.step):
            break
        try:
            if wanted is not None and not wanted(read_run(copy.path)):
                return None
            if not _replace(copy, runs_root / run_id):
                return None
            return Restored(run_id, runs_root / run_id, f"{run_id} is back from {copy.path}, up to step {copy.step}")
        except (OSError, UserError, DamagedError) as error:
            problem = problem or str(error)
    if not problem:
        return None
    return Restored(run_id, None, f"{run_id} could not be brought back from {copies[0].path}: {problem}")


def _replace(copy: Copy, target: Path) -> bool:
    """Put a copy where a run is to lie, whole or not at all.

    Returns:
        False where another process was faster: what it brought back may be trained already, and is left alone.
    """
    fresh, old = (target.with_name(f".{secrets.token_hex(6)}.tmp") for _ in range(2))
    was_here = target.exists()
    try:
        fresh.mkdir(parents=True)
        bring_back(copy, fresh)
        if was_here:
            if not _older(target, copy.step):
                return False
            copy_notes(target, fresh)  # tags and notes may be younger than the copy
            target.rename(old)
        try:
            fresh.rename(target)  # fails where a folder is there that is not empty
        except OSError:
            if old.exists():
                old.rename(target)
            elif target.exists():
                return False
            raise
        shutil.rmtree(old, ignore_errors=True)
        return True
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _older(run: Path, step: int) -> bool:
    """Whether a copy of this step may come here: in place of nothing, or of an unfinished run that nobody trains."""
    if not run.exists():
        return not (run.parent / TRASH / "runs" / run.name).exists()  # what somebody removed stays away
    try:
        here = read_run(run)
    except UserError:  # written by a newer version, or damaged: somebody should look at it
        return False
    return here.status != "finished" and not here.alive and newest_step(run) < step


def _run_names(root: Path) -> list[str]:
    try:
        return [path.name for path in root.iterdir() if ids.PATTERN.fullmatch(path.name)]
    except OSError:
        return []
