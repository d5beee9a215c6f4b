"""Reading a poster's text files: UTF-8, of a sensible size, and from inside the folder that they belong to."""

from __future__ import annotations

from pathlib import Path

from projectkit.errors import UserError

_MOST_BYTES = 1_000_000  # a poster holds some 5 kB of text; more is a wrong file


def shown(path: Path, root: Path) -> str:
    """A path as errors show it: from the project's root, where it lies below it."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return str(path)


def read_text(file: Path, within: Path, named: str) -> str:
    """The text of a file.

    Args:
        file: the file.
        within: the folder that it must lie in, symbolic links followed.
        named: as errors show it.

    Raises:
        UserError: it lies outside, is too large for a poster's text, or is not written in UTF-8.
    """
    if not file.resolve().is_relative_to(within.resolve()):
        raise UserError("leads out of the project", where=named, remedy="copy the file itself into the poster's folder")
    if file.stat().st_size > _MOST_BYTES:
        raise UserError(
            "larger than a megabyte, which is no poster's text", where=named, remedy="move what is not text elsewhere"
        )
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError("not written in UTF-8", where=named, remedy="save it as UTF-8 in your editor") from error
