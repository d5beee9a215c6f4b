"""Tags, notes and the mark `archived`: what people say about a run after it was recorded.

Each saying is one small file in the run's `notes/`, and what holds now follows from reading them in their order. Nothing is ever
rewritten, so two partners who tag one run on two machines, in git or on a shared folder, never meet in a conflict. A run that is kept has
its sayings in both copies.
"""

from __future__ import annotations

import getpass
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from projectkit.errors import UserError, WorkError, did_you_mean
from projectkit.runs.files import atomic_write, read_json, to_json
from projectkit.runs.masking import mask_text
from projectkit.runs.reader import Run

FOLDER = "notes"
SCHEMA = 1  # of a note's file
_TAG = re.compile(r"\w[\w.-]{0,31}")  # no comma and no space: tags are printed in one column
_LONGEST = 4000  # characters of a note: a page; more is a document of its own


@dataclass(frozen=True)
class Note:
    """A line of text about a run.

    Args:
        time: when it was written, UTC, ISO 8601.
        by: the author, as git or the system knows them.
        text: as it was typed, without secrets.
    """

    time: str
    by: str
    text: str


@dataclass(frozen=True)
class Marks:
    """What was said about a run and holds now: `tags` in alphabetical order, `notes` oldest first, whether it is `archived`."""

    tags: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    archived: bool = False


def marks_of(run: Run) -> Marks:
    """Everything that was said about a run; a file that cannot be read is passed over."""
    files: dict[str, Path] = {}
    for folder in _folders(run):
        try:
            files |= {path.name: path for path in folder.iterdir() if path.suffix == ".json" and path.name[0] != "."}
        except OSError:
            continue  # most runs have no notes
    tags: set[str] = set()
    notes: list[Note] = []
    archived = False
    for _, path in sorted(files.items()):  # a name begins with its time
        try:
            said = read_json(path)
        except (OSError, ValueError):
            continue
        tags = (tags | set(_words(said.get("add")))) - set(_words(said.get("remove")))
        if isinstance(said.get("text"), str):
            notes.append(Note(str(said.get("time", "")), str(said.get("by", "")), said["text"]))
        if isinstance(said.get("archived"), bool):
            archived = said["archived"]
    return Marks(tuple(sorted(tags)), tuple(notes), archived)


def tag_run(run: Run, add: Iterable[str], remove: Iterable[str] = ()) -> Marks:
    """Give a run tags, and take some away.

    Raises:
        UserError: a tag is no word, or one to be removed is not there; nothing was changed.
        WorkError: the run's folder cannot be written.
    """
    wanted, unwanted = sorted(set(add)), sorted(set(remove))
    for tag in (*wanted, *unwanted):
        if not _TAG.fullmatch(tag):
            rule = "a tag is one word of letters, digits, '_', '-' and '.', at most 32"
            raise UserError(f"{tag!r} cannot be a tag", where=run.id, remedy=rule)
    if both := sorted(set(wanted) & set(unwanted)):
        raise UserError(f"'{both[0]}' is to be added and to be removed", where=run.id, remedy="say one of the two")
    before = marks_of(run)
    for tag in unwanted:
        if tag not in before.tags:
            raise UserError(f"no tag '{tag}' on this run", where=run.id, remedy=did_you_mean(tag, before.tags))
    if wanted or unwanted:
        _say(run, {"add": wanted, "remove": unwanted})
    return marks_of(run)


def note_run(run: Run, text: str) -> Note:
    """Write a note about a run; keys and passwords in it are masked.

    Raises:
        UserError: there is no text, or more than a page of it.
        WorkError: the run's folder cannot be written.
    """
    said = mask_text(" ".join(text.split()))
    if not said:
        raise UserError("an empty note", where=run.id, remedy='type `projectkit runs note RUN "what you found"`')
    if len(said) > _LONGEST:
        what = f"a note of {len(said)} characters"
        raise UserError(
            what, where=run.id, remedy=f"at most {_LONGEST} fit; put the rest into a file of the repository"
        )
    document = _say(run, {"text": said})
    return Note(document["time"], document["by"], said)


def mark_archived(run: Run, archived: bool) -> None:
    """Hide a run from lists, or show it again.

    Raises:
        WorkError: the run's folder cannot be written.
    """
    if marks_of(run).archived != archived:
        _say(run, {"archived": archived})


def copy_notes(source: Path, target: Path) -> None:
    """Copy what was said about a run from one copy of its folder into another that does not have it; names never clash.

    Raises:
        OSError: `target` cannot be written.
    """
    for path in sorted(source.glob(f"{FOLDER}/*.json")):
        copy = target / FOLDER / path.name
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)


def _say(run: Run, what: Mapping[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC)
    document = {"schema": SCHEMA, "time": now.isoformat(timespec="seconds"), "by": _author(run.path), **what}
    name = f"{now:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(3)}.json"
    for folder in _folders(run):
        try:
            folder.mkdir(exist_ok=True)
            atomic_write(folder / name, to_json(document, indent=1) + b"\n")
        except OSError as error:
            raise WorkError(
                f"the note cannot be written: {error.strerror or error}",
                where=str(folder),
                remedy="free some space, or ask the owner of the folder for the right to write",
            ) from error
    return document


def _folders(run: Run) -> list[Path]:
    """Where the sayings of a run lie: in the run, and in its kept copy."""
    paths = [run.path] if run.kept is None or run.kept.resolve() == run.path else [run.path, run.kept]
    return [path / FOLDER for path in paths]


def _words(value: Any) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _author(folder: Path) -> str:
    command = ["git", "-C", str(folder), "config", "user.name"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=5, check=False)
        if name := done.stdout.strip():
            return name
    except (OSError, subprocess.TimeoutExpired):
        pass  # no git here: the system's name has to do
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no account has this process's number, as in some containers
        return "unknown"
