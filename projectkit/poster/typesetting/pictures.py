"""Pictures that a poster shows: read from inside the project only, and only what print and archive can hold.

A small file can become a large picture (a bomb): sizes are read from the head of a file, before anything decodes it, and what decodes it
later is a process with limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import UserError
from projectkit.poster.source.files import is_file, lies_in

_KINDS = {
    ".svg": b"<",
    ".png": b"\x89PNG",
    ".jpg": b"\xff\xd8",
    ".jpeg": b"\xff\xd8",
    ".gif": b"GIF8",
    ".webp": b"RIFF",
}
_MOST_BYTES = 30_000_000
_MOST_PIXELS = 64_000_000  # a telephone's largest photograph has 50 million; A0 at 150 pixels an inch has 35 million
_MOST_SVG_BYTES = 10_000_000
_MOST_ELEMENTS = 200_000  # a figure of 10,000 points has some 20,000
_DEEPEST = 200
_LONGEST_ENTITY = 200  # drawing programs abbreviate names of namespaces by entities


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
    if not lies_in(path, within):
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
    if not is_file(path):
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
    problem = _problem_of_svg(content) if suffix == ".svg" else _problem_of_pixels(path)
    if problem is not None:
        what, remedy = problem
        raise UserError(f"the picture {named} {what}", where=where, remedy=remedy)
    return Picture(content, suffix, named, where)


def _problem_of_pixels(path: Path) -> tuple[str, str] | None:
    """What is wrong and what to do; None where the picture can be decoded, as far as its head tells."""
    import warnings

    from PIL import Image

    remedy = f"save it with at most {_MOST_PIXELS // 1_000_000} million pixels"
    with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
        try:
            with Image.open(path) as image:
                (width, height), mode = image.size, image.mode
        except Image.DecompressionBombError:
            return "has far too many pixels", remedy
        except (OSError, ValueError, SyntaxError):  # whatever its first bytes say, no reader knows it
            return "cannot be decoded: its head is damaged", "save it again as SVG or PNG"
    if width * height > _MOST_PIXELS:
        return f"has {width} x {height} pixels", remedy
    if mode == "CMYK":
        return (
            "is in the colours of a print shop (CMYK), which an archival PDF holds with a profile only",
            "save it in RGB",
        )
    return None


class _RefusedError(Exception):
    """What an SVG holds that it must not: what, remedy."""


def _problem_of_svg(content: bytes) -> tuple[str, str] | None:
    """The same of an SVG: it may abbreviate and nest, but not without end, and shows nothing that is not in it."""
    from xml.parsers import expat

    if len(content) > _MOST_SVG_BYTES:
        return f"is larger than {_MOST_SVG_BYTES // 1_000_000} MB", "save it as PNG"
    parser = expat.ParserCreate()
    count, depth = 0, 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count, depth
        count, depth = count + 1, depth + 1
        if count > _MOST_ELEMENTS or depth > _DEEPEST:
            raise _RefusedError("has too many elements, or nests them too deeply", "save it as PNG")
        for key in ("href", "xlink:href"):
            if name.rpartition(":")[2] == "image" and not attributes.get(key, "data:").startswith("data:"):
                raise _RefusedError(
                    f"shows another file, {attributes[key][:80]}", "embed that picture, or save all of it as PNG"
                )

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def entity(name: str, _: bool, value: str | None, *__: object) -> None:
        if value is None or "&" in value or "%" in value or len(value) > _LONGEST_ENTITY:
            raise _RefusedError(f"declares the entity {name}", "save it as plain SVG, or as PNG")

    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = start, end, entity
    try:
        parser.Parse(content, True)
    except _RefusedError as refused:
        what, remedy = refused.args
        return what, remedy
    except expat.ExpatError as error:
        return f"cannot be decoded: {error}", "save it again as SVG or PNG"
    return None
