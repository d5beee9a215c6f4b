"""What the typesetter refuses, said in the team's words: which characters no font has and where they stand, which picture is broken."""

from __future__ import annotations

import json
import re
import tempfile
import time
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from projectkit.errors import UserError, WorkError
from projectkit.poster.source.values import Poster
from projectkit.poster.typesetting.fonts import packages_for
from projectkit.poster.typesetting.pictures import Picture
from projectkit.poster.typesetting.worker import LimitError, TypesettingError, Worker

_MISSING = re.compile(r"the text `(\".*?\")` could not be displayed")
_FORBIDDEN = re.compile(r"disallowed codepoint `(\".*?\")`")
_TOO_LONG = "a PDF string is longer than"
_MISSING_IN_FIGURE = re.compile(r"Glyph (\d+) ")  # matplotlib's words, where it would draw a box
_MOST_SHOWN = 8
_LIMIT_S = 10.0  # for one picture by itself
_LIMIT_OF_ALL_S = 30.0  # after which no further one is tried


class MissingCharactersError(UserError):
    """Characters that none of the fonts has; `shown` are the first of them."""

    shown = ""


@contextmanager
def explained(poster: Poster, pictures: Mapping[str, Picture]) -> Iterator[None]:
    """Turn an error of Typst, or a figure's missing character, into one that names the poster's own file and line.

    Raises:
        UserError: characters that no font has, or a picture that cannot be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", _MISSING_IN_FIGURE.pattern, UserWarning)
            yield
    except UserWarning as error:
        in_figure = _MISSING_IN_FIGURE.match(str(error))
        if in_figure is None:
            raise
        raise _missing(poster, chr(int(in_figure[1]))) from error
    except (TypesettingError, LimitError) as error:
        said = error.diagnostic if isinstance(error, TypesettingError) else ""
        missing = [_unquoted(quoted) for quoted in _MISSING.findall(said)]
        if missing:
            raise _missing(poster, "".join(missing)) from error
        for forbidden in _FORBIDDEN.findall(said):
            raise _forbidden(poster, _unquoted(forbidden)) from error
        if _TOO_LONG in said:
            what = "an alternative text, a name or a formula has more than 32,767 characters, which no PDF holds"
            raise UserError(what, where=poster.file, remedy="shorten it") from error
        deadline = time.monotonic() + _LIMIT_OF_ALL_S
        for name, picture in pictures.items():
            if time.monotonic() > deadline:
                break
            problem = _undecodable(name, picture)
            if problem is not None:
                what = f"the picture {picture.named} cannot be decoded: {problem}"
                raise UserError(what, where=picture.where, remedy="save it again as SVG or PNG") from error
        raise


def _undecodable(name: str, picture: Picture) -> str | None:
    """Why Typst cannot draw a picture by itself; None where it can."""
    with tempfile.TemporaryDirectory(prefix="poster-") as temporary, Worker(limit_s=_LIMIT_S) as worker:
        folder = Path(temporary).resolve()
        (folder / name).write_bytes(picture.content)
        (folder / "main.typ").write_text(f'#image("{name}")', encoding="utf-8")
        try:
            worker.ask("png", folder, (), system=False, main="main.typ", out=str(folder / "out.png"), ppi=36)
        except (TypesettingError, WorkError) as error:
            return error.what if isinstance(error, WorkError) else str(error)
    return None


def _unquoted(quoted: str) -> str:
    r"""The text inside Typst's quotes, whose escapes are \u{1f512} besides those of JSON."""
    plain = re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda code: chr(int(code[1], 16)), quoted)
    try:
        return str(json.loads(plain, strict=False))
    except ValueError:
        return plain.strip('"')


def _missing(poster: Poster, text: str) -> MissingCharactersError:
    characters = list(dict.fromkeys(character for character in text if not character.isspace()))
    named = [f"{character} (U+{ord(character):04X}, {_name(character)})" for character in characters[:_MOST_SHOWN]]
    more = f" and {len(characters) - _MOST_SHOWN} more" if len(characters) > _MOST_SHOWN else ""
    folder = Path(poster.file).parent.as_posix()
    packages = packages_for("".join(characters))
    remedy = f"put a font that has them (.otf or .ttf) into {folder}/fonts/"
    if packages:
        remedy = f"install one: `pip install {' '.join(packages)}`; or {remedy}"
    what = f"no font here has {', '.join(named)}{more}"
    error = MissingCharactersError(what, where=_place(poster, set(characters)), remedy=remedy)
    error.shown = "".join(characters[:_MOST_SHOWN])
    return error


def _forbidden(poster: Poster, character: str) -> UserError:
    what = f"U+{ord(character[:1] or chr(0)):04X}, a sign without a shape, which no archival PDF may hold"
    return UserError(what, where=_place(poster, set(character)), remedy="take it out")


def _name(character: str) -> str:
    return unicodedata.name(character, "unnamed").lower()


def _place(poster: Poster, characters: set[str]) -> str:
    """The first line of the sources that holds one of the characters."""
    folder = poster.folder
    for path in (folder / "poster.yaml", *sorted((folder / "sections").glob("*.md")), *sorted(folder.glob("*.bib"))):
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").split("\n"), start=1):
            if characters & set(line):
                return f"{Path(poster.file).parent.joinpath(path.relative_to(folder)).as_posix()}:{number}"
    return poster.file  # it came from a run: a label, a class name
