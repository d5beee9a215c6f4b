"""Pictures that a poster shows: read from inside the project only, and only what print and archive can hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import UserError

_KINDS = {
    ".svg": b"<",
    ".png": b"\x89PNG",
    ".jpg": b"\xff\xd8",
    ".jpeg": b"\xff\xd8",
    ".gif": b"GIF8",
    ".webp": b"RIFF",
}
_MOST_BYTES = 30_000_000


@dataclass(frozen=True)
class Picture:
    """A picture to be staged.

    Args:
        content: the file's bytes.
        suffix: its kind, such as `.svg`.
        named: the path as the team wrote it.
        where: file and line that show it.
    """

    content: bytes
    suffix: str
    named: str
    where: str


def read_picture(path: Path, within: Path, where: str, *, named: str) -> Picture:
    """Read a picture.

    Args:
        path: the file.
        within: the folder that it must lie in, symbolic links followed.
        where: file and line, for errors.
        named: the path as the team wrote it.

    Raises:
        UserError: it is not there, lies outside, or is of a kind that cannot be shown.
    """
    if "://" in named:
        raise UserError(f"the picture {named} lies on the network", where=where, remedy="save it in poster/figures/")
    if not path.resolve().is_relative_to(within.resolve()):
        raise UserError(
            f"the picture {named} lies outside the project", where=where, remedy="copy it into poster/figures/"
        )
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        raise UserError(
            f"the picture {named} is a PDF, which an archival PDF cannot hold", where=where, remedy="save it as SVG"
        )
    if suffix not in _KINDS:
        raise UserError(
            f"the picture {named} is of a kind that cannot be shown", where=where, remedy="save it as SVG, PNG or JPEG"
        )
    if not path.is_file():
        raise UserError(
            f"there is no picture {named}", where=where, remedy=f"paths start at the poster's folder; looked for {path}"
        )
    if path.stat().st_size > _MOST_BYTES:
        raise UserError(
            f"the picture {named} is larger than {_MOST_BYTES // 1_000_000} MB", where=where, remedy="save it smaller"
        )
    content = path.read_bytes()
    if suffix != ".svg" and not content.startswith(_KINDS[suffix]):
        raise UserError(
            f"the picture {named} is not what its name says", where=where, remedy="save it again as PNG or SVG"
        )
    return Picture(content, suffix, named, where)
