"""Reading a poster's text files: UTF-8, of a sensible size, and from inside the folder that they belong to."""

from __future__ import annotations

import os
import re
from pathlib import Path

from projectkit.errors import UserError

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # no font has them, and a terminal obeys them
_MOST_BYTES = 1_000_000  # a poster holds some 5 kB of text; more is a wrong file


def shown(path: Path, root: Path) -> str:
    """A path as errors show it: from the project's root, where it lies below it."""
    try:
        named = path.relative_to(root).as_posix()
    except ValueError:
        named = str(path)
    return os.fsencode(named).decode("utf-8", "backslashreplace")  # a file's name need not be text


def lies_in(path: Path, folder: Path) -> bool:
    """Whether a path leads into a folder, symbolic links followed; one that can be no path, or a loop of links, leads nowhere."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether there is a file: no folder, no pipe, nothing of a name that no system takes."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_text(file: Path, within: Path, named: str) -> str:
    """The text of a file.

    Args:
        file: the file.
        within: the folder that it must lie in, symbolic links followed.
        named: as errors show it.

    Raises:
        UserError: it is none, lies outside, is too large for a poster's text, is not written in UTF-8, or has control characters.
    """
    if not lies_in(file, within):
        raise UserError("leads out of the project", where=named, remedy="copy the file itself into the poster's folder")
    if not is_file(file):  # reading a pipe would wait for ever
        raise UserError("is not a file", where=named, remedy="rename it, or put a text file there")
    if file.stat().st_size > _MOST_BYTES:
        raise UserError(
            "larger than a megabyte, which is no poster's text", where=named, remedy="move what is not text elsewhere"
        )
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError("not written in UTF-8", where=named, remedy="save it as UTF-8 in your editor") from error
    control = CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise UserError(f"a control character, U+{ord(control[0]):04X}", where=f"{named}:{line}", remedy="take it out")
    return text
