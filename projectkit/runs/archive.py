"""Putting runs away: archived (hidden, lighter), in the trash, and back. Nothing but `empty_trash` deletes a file.

The trash is a hidden folder beside the runs, so that putting a run there is one rename, however large its checkpoints are:
`.trash/runs/<id>/` (whole runs), `.trash/results/<id>/` (kept copies), `.trash/checkpoints/<id>/` (weights taken from a run that stays).
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import UserError, WorkError
from projectkit.project import Project
from projectkit.runs.find import TRASH, match_id
from projectkit.runs.notes import mark_archived
from projectkit.runs.reader import Run

_CHECKPOINTS = "checkpoints"
_WHOLE = ("runs", "results")


@dataclass(frozen=True)
class PutAway:
    """What was put into the trash: the run's id, how many files, and their bytes."""

    id: str
    files: int
    bytes: int


def remove_run(run: Run, project: Project, *, force: bool = False) -> PutAway:
    """Put a run into the trash, with its kept copy where there is one.

    Args:
        run: any run that nobody writes, also one that cannot be read.
        project: whose run it is.
        force: also a run that is kept, whose figures partner and poster may use.

    Raises:
        UserError: the run goes on, lies elsewhere, or is kept and `force` is not given; nothing was moved.
        WorkError: a folder cannot be moved.
    """
    refuse_removal(run, project, force=force)
    copies = {path.resolve() for path in (run.path, run.kept) if path is not None}
    files, size = _counted(*copies)
    for path in sorted(copies):
        room = "results" if path.parent == project.results.resolve() else "runs"
        _move(path, _trash(project) / room / run.id)
    return PutAway(run.id, files, size)


def refuse_removal(run: Run, project: Project, *, force: bool = False) -> None:
    """What `remove_run` asks first.

    Raises:
        UserError: the run goes on, lies elsewhere, or is kept and `force` is not given.
    """
    _refuse_running(run)
    if run.path.resolve().parent not in (
        project.runs.resolve(),
        project.results.resolve(),
    ):  # such as a partner's, by a link
        raise UserError(
            f"the run lies in {run.path.parent}, from where it could not be brought back",
            where=run.id,
            remedy="remove it there, or the link to it in runs/",
        )
    if run.kept is not None and not force:
        raise UserError(
            "this run is kept in results/, where partner and poster find it",
            where=run.id,
            remedy="add --force to remove both copies, or --checkpoints to remove its weights only",
        )


def remove_checkpoints(run: Run, project: Project) -> PutAway:
    """Put a run's weights into the trash; its record, metrics and predictions stay.

    Raises:
        UserError: the run goes on, or lies elsewhere.
        WorkError: a file cannot be moved.
    """
    refuse_removal(run, project, force=True)
    return _put_weights_away(run, project, sorted((run.path / _CHECKPOINTS).glob("*")))


def archive_run(run: Run, project: Project) -> PutAway:
    """Hide a run from lists, and put those weights into the trash that only served to go on with it.

    Of a finished run that has `best.ckpt` the other checkpoints go; of any other one `last.ckpt` stays, without which it cannot be resumed.

    Raises:
        UserError: the run goes on, or cannot be read.
        WorkError: its folder cannot be written.
    """
    _refuse_running(run)
    if run.status == "unreadable":
        remedy = "mend it, or remove it with `projectkit runs rm`"
        raise UserError("the run cannot be read, so it cannot be archived", where=run.id, remedy=remedy)
    mark_archived(run, True)
    folder = run.path / _CHECKPOINTS
    served = run.status == "finished" and (folder / "best.ckpt").is_file()
    stay = {"best.ckpt", "digests.jsonl"} if served else {"best.ckpt", "last.ckpt", "digests.jsonl"}
    return _put_weights_away(run, project, [path for path in sorted(folder.glob("*")) if path.name not in stay])


def unarchive_run(run: Run, project: Project) -> PutAway:
    """Show a run in lists again, and bring back the weights that are still in the trash.

    Raises:
        WorkError: its folder cannot be written.
    """
    mark_archived(run, False)
    return _bring_weights_back(run.path, project)


def restore_run(ref: str, project: Project) -> PutAway:
    """Bring a run, or the weights of one, back from the trash.

    Args:
        ref: the run's id or a part of it.
        project: whose trash it is.

    Raises:
        UserError: nothing of that name is in the trash, or a folder of that name is in the way.
        WorkError: a folder cannot be moved.
    """
    trash = _trash(project)
    known = sorted({path.name for room in (*_WHOLE, _CHECKPOINTS) for path in _entries(trash / room)})
    run_id = match_id(ref, known, empty="the trash is empty", see="see `projectkit runs rm --trash`", words=())
    targets = [
        (trash / room / run_id, root / run_id)
        for room, root in zip(_WHOLE, (project.runs, project.results), strict=True)
    ]
    targets = [(source, target) for source, target in targets if source.is_dir()]
    for _, target in targets:
        if target.exists():
            remedy = f"rename {target.name} there, then bring this one back"
            raise UserError("a run of this id is there", where=str(target), remedy=remedy)
    for source, target in targets:
        _move(source, target)
    files, size = _counted(*(target for _, target in targets))
    weights = _bring_weights_back(project.runs / run_id, project)
    return PutAway(run_id, files + weights.files, size + weights.bytes)


def trashed(project: Project) -> list[PutAway]:
    """What lies in the trash, by run, with the space that it takes."""
    found: dict[str, tuple[int, int]] = {}
    for room in (*_WHOLE, _CHECKPOINTS):
        for path in _entries(_trash(project) / room):
            before, now = found.get(path.name, (0, 0)), _counted(path)
            found[path.name] = (before[0] + now[0], before[1] + now[1])
    return [PutAway(run_id, *counts) for run_id, counts in sorted(found.items())]


def empty_trash(project: Project) -> list[PutAway]:
    """Delete for good what lies in the trash.

    Raises:
        WorkError: a file cannot be deleted.
    """
    gone = trashed(project)
    try:
        if gone:
            shutil.rmtree(_trash(project))
    except OSError as error:
        raise _cannot(error, _trash(project), "close what has a file of it open, and type it again") from error
    return gone


def folder_size(path: Path) -> int:
    """Bytes of all files below a folder."""
    return _counted(path)[1]


def _refuse_running(run: Run) -> None:
    if run.status == "running":
        remedy = "stop it first (Ctrl-C where it runs), then type this again"
        raise UserError("this run goes on", where=run.id, remedy=remedy)


def _put_weights_away(run: Run, project: Project, paths: list[Path]) -> PutAway:
    files = [path for path in paths if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    for path in files:
        _move(path, _trash(project) / _CHECKPOINTS / run.id / path.name)
    return PutAway(run.id, len(files), size)


def _bring_weights_back(folder: Path, project: Project) -> PutAway:
    source = _trash(project) / _CHECKPOINTS / folder.name
    files = [path for path in _entries(source, files=True) if not (folder / _CHECKPOINTS / path.name).exists()]
    size = sum(path.stat().st_size for path in files)
    for path in files if folder.is_dir() else []:
        _move(path, folder / _CHECKPOINTS / path.name)
    if source.is_dir() and not any(source.iterdir()):
        source.rmdir()
    return PutAway(folder.name, len(files), size)


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        while target.exists():  # the same run, removed and restored and removed: nothing in the trash is replaced
            target = target.with_name(f"{target.name}~")
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.move(source, target)  # results/ and the runs lie on two disks
    except OSError as error:
        raise _cannot(error, source, "close what has a file of it open, or free some space") from error


def _cannot(error: OSError, path: Path, remedy: str) -> WorkError:
    return WorkError(f"cannot be moved or deleted: {error.strerror or error}", where=str(path), remedy=remedy)


def _trash(project: Project) -> Path:
    return project.runs / TRASH


def _entries(folder: Path, *, files: bool = False) -> Iterator[Path]:
    try:
        yield from sorted(path for path in folder.iterdir() if path.is_file() == files)
    except OSError:
        return  # nothing was ever put there


def _counted(*folders: Path) -> tuple[int, int]:
    # the links that trackers make lead nowhere once the folder has moved: they are no files of the run's
    paths = (path for folder in folders for path in folder.rglob("*") if not path.is_symlink())
    sizes = [path.stat().st_size for path in paths if path.is_file()]
    return len(sizes), sum(sizes)
