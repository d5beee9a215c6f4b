"""Cards of a team's and a course's own, found by their file's name.

A card is one file: `flows.yaml` (plain data, see `described.py`) or `flows.py` (a module with `CARD`, for everything else). It stands in
`cards/` of the team's repository or in a folder of `$PROJECTKIT_CARDS`. Listing the names reads no file; a Python card is imported when
it is asked for, under a private module name, so that it hides no other module.

| environment | meaning |
|---|---|
| `PROJECTKIT_CARDS` | folders with cards, separated as in PATH |
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from projectkit.config.places import shown
from projectkit.datasets.card import Card
from projectkit.datasets.own.described import read_card
from projectkit.errors import ProjectkitError, UserError
from projectkit.project import find_project

FOLDER = "cards"  # below the root of the team's repository
SUFFIXES = (".yaml", ".yml", ".py")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_OTHERS = ("subjects.yaml", "subjects.yml")  # a course folder may hold its proposed subjects too


def folders() -> list[Path]:
    """Where own cards may stand: the team's `cards/`, then those of `$PROJECTKIT_CARDS`.

    Raises:
        UserError: `$PROJECTKIT_CARDS` names a folder that is not there.
    """
    project = find_project()
    found = [project.root / FOLDER] if project is not None and (project.root / FOLDER).is_dir() else []
    for name in filter(None, os.environ.get("PROJECTKIT_CARDS", "").split(os.pathsep)):
        folder = Path(name).expanduser().resolve()
        if not folder.is_dir():
            raise UserError("no such folder", where=f"PROJECTKIT_CARDS={name}", remedy="correct it or unset it")
        if folder not in found:
            found.append(folder)
    return found


def found() -> dict[str, list[Path]]:
    """Card name -> the files of that name, sorted; more than one is refused by `own_card`.

    Files whose names start with `_` or `.` are helpers, not cards.
    """
    files: dict[str, list[Path]] = {}
    for folder in folders():
        for file in sorted(folder.iterdir()):
            if file.suffix in SUFFIXES and file.name not in _OTHERS and file.name[0] not in "_." and file.is_file():
                files.setdefault(file.stem, []).append(file)
    return dict(sorted(files.items()))


def own_card(name: str, files: Iterable[Path]) -> Card:
    """The card `name` that one of `files` holds.

    Args:
        name: the files' stem.
        files: as `found()` gives them.

    Raises:
        UserError: two files have the name, the name or the card is malformed, or a Python card cannot be imported.
    """
    file, *others = files
    if others:
        where = " and ".join(shown(each) for each in (file, *others))
        raise UserError(f"two cards are called '{name}'", where=where, remedy="rename one of them")
    check_name(name, where=shown(file))
    return _imported(file) if file.suffix == ".py" else read_card(file)


def check_name(name: str, *, where: str) -> None:
    """Refuse what is not the name of a card.

    Raises:
        UserError: it is not snake_case; the message proposes a name.
    """
    if not _NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "flows"
        better = better if better[0].isalpha() else f"data_{better}"
        raise UserError(
            f"'{name}' is not snake_case, as names of data sets are", where=where, remedy=f"call it {better}"
        )


def _imported(file: Path) -> Card:
    """The `CARD` of a Python file; its revision follows its source, so that a changed reader never meets an old cache."""
    where = shown(file)
    source = file.read_bytes().replace(b"\r\n", b"\n")
    digest = hashlib.sha256(source).hexdigest()
    module_name = f"_projectkit_own_card_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}_{digest[:8]}"
    module = sys.modules.get(module_name)
    if module is None:
        module = ModuleType(module_name)
        module.__file__ = str(file)
        sys.modules[module_name] = module  # dataclasses and pickle look their module up
        try:
            # not by a loader, which would leave a __pycache__ in the course's folder and trust it within one second
            exec(compile(source, str(file), "exec"), module.__dict__)
        except Exception as error:
            del sys.modules[module_name]
            if isinstance(error, ProjectkitError):
                raise
            what = f"cannot be imported ({type(error).__name__}: {error})"
            raise UserError(what, where=where, remedy=f"try `python {where}`, and mend it") from error
    card = getattr(module, "CARD", None)
    if not isinstance(card, Card):
        remedy = "write CARD = Card(...) at its top level, or let its name begin with `_` if it is no card"
        raise UserError("it defines no CARD", where=where, remedy=remedy)
    if card.name != file.stem:
        raise UserError(
            f"the card in it is called '{card.name}'",
            where=where,
            remedy=f'write name="{file.stem}", or rename the file',
        )
    return replace(card, folder=file.parent, revision=int(digest[:12], 16))
