"""The theme and the logos of a poster, from `theme` and `logos` in poster.yaml.

`theme` is one of ours (`classic`), a folder with a `theme.yaml` (a path with a slash, from the poster's folder, inside the project),
or the name of such a folder in one of those that `$PROJECTKIT_THEMES` names (several are divided as in `$PATH`). A folder holds:

    theme.yaml    extends, colours, fonts, logos, arrangement, header, headings, required; each may be left out
    fonts/        .otf and .ttf, used before any other
    logos/        SVG or PNG

A course that gives its accent alone gets the tints and rules that go with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from projectkit.errors import UserError, did_you_mean
from projectkit.figures.colours import contrast, mixed
from projectkit.poster.source.fields import Fields, read_fields
from projectkit.poster.source.files import is_file, lies_in, read_text, shown
from projectkit.poster.themes.ours import THEMES
from projectkit.poster.themes.theme import ARRANGEMENTS, COLOURS, FONTS, HEADERS, HEADINGS, Logo, Theme

FILE = "theme.yaml"
VARIABLE = "PROJECTKIT_THEMES"
_KEYS = ("extends", "arrangement", "header", "headings", "colours", "fonts", "logos", "required")
_MOST_LOGOS = 6  # more do not fit beside a title
_LONGEST_FAMILY = 80


def read_theme(fields: Fields, folder: Path, root: Path) -> Theme:
    """The theme that poster.yaml names.

    Args:
        fields: of poster.yaml.
        folder: the poster's; paths start there.
        root: the project's; a theme's folder lies below it, unless `$PROJECTKIT_THEMES` holds it.

    Raises:
        UserError: there is no such theme, or its theme.yaml says something that a theme cannot hold, with file and line.
    """
    name = fields.text("theme", "classic")
    if name in THEMES:
        return THEMES[name]
    found, within = _folder(name, fields, folder, root)
    file = shown(found / FILE, root)
    of_theme = read_fields(read_text(found / FILE, within, file), file)
    of_theme.only(_KEYS, "a theme")
    base = THEMES[of_theme.choice("extends", list(THEMES), "classic")]
    return replace(
        base,
        name=found.name,
        arrangement=of_theme.choice("arrangement", ARRANGEMENTS, base.arrangement),
        header=of_theme.choice("header", HEADERS, base.header),
        headings=of_theme.choice("headings", HEADINGS, base.headings),
        colours=_colours(of_theme, base),
        fonts={**base.fonts, **dict(_families(of_theme))},
        folder=found,
        logos=read_logos(of_theme, found, found),
        required=tuple(of_theme.texts("required")) if "required" in of_theme.values else base.required,
        file=file,
    )


def read_logos(fields: Fields, folder: Path, within: Path) -> tuple[Logo, ...]:
    """The logos that a poster.yaml or a theme.yaml lists, each `{file: logos/a.svg, alt: "What it shows"}`.

    Args:
        fields: of the file.
        folder: paths start there.
        within: no logo may lie outside.

    Raises:
        UserError: an entry without `file` or `alt`, a file that is not there or lies outside, or too many of them.
    """
    value = fields.take("logos")
    if value is None:
        return ()
    example = 'write logos: [{file: logos/ours.svg, alt: "What it shows"}]'
    if not isinstance(value, list):
        raise fields.error("logos", "logos is not a list", example)
    if len(value) > _MOST_LOGOS:
        raise fields.error("logos", f"{len(value)} logos", f"a header holds {_MOST_LOGOS}")
    logos = []
    for index, entry in enumerate(value):
        where = fields.marks.get(f"logos.{index}", fields.where("logos"))
        complete = isinstance(entry, dict) and set(entry) == {"file", "alt"}
        if not complete or not all(isinstance(part, str) and part.strip() for part in entry.values()):
            raise UserError("a logo has a file and an alternative text", where=where, remedy=example)
        path = folder / entry["file"]
        if not lies_in(path, within):
            raise UserError(
                f"the logo {entry['file']} lies outside", where=where, remedy=f"copy it into {folder.name}/logos/"
            )
        if not is_file(path):
            raise UserError(f"there is no logo {entry['file']}", where=where, remedy=f"paths start at {folder.name}/")
        logos.append(Logo(path, within, entry["alt"].strip(), where))
    return tuple(logos)


def _folder(name: str, fields: Fields, folder: Path, root: Path) -> tuple[Path, Path]:
    """The folder of a theme that is not ours, and the folder that its files must lie in."""
    if "/" in name or "\\" in name:
        found = folder / name.replace("\\", "/")
        if not lies_in(found, root):
            raise fields.error(
                "theme",
                f"the theme {name} lies outside the project",
                f"copy its folder into the project, or set {VARIABLE} to the folder that holds it and write its name",
            )
        if not is_file(found / FILE):
            raise fields.error("theme", f"{name} has no {FILE}", "paths start at the poster's folder: write ./theme")
        return found.resolve(), root
    if re.fullmatch(r"[\w-][\w.-]*", name):
        for shared in _shared():
            if is_file(shared / name / FILE):
                return shared / name, shared / name
    remedy = did_you_mean(name, [*THEMES, *(one.name for shared in _shared() for one in _themes_in(shared))])
    if is_file(folder / name / FILE):
        remedy = f"write ./{name} for the folder beside poster.yaml"
    raise fields.error("theme", f"there is no theme {name!r}", remedy)


def _shared() -> Iterator[Path]:
    for name in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(name).expanduser().resolve()
        if not path.is_dir():
            raise UserError("no such folder", where=f"{VARIABLE}={name}", remedy="correct it or unset it")
        yield path


def _themes_in(folder: Path) -> list[Path]:
    return sorted(file.parent for file in folder.glob(f"*/{FILE}"))


def _mapping(fields: Fields, key: str, known: dict[str, str]) -> Iterator[tuple[str, object, str]]:
    """The entries of a mapping below a key, each with its place; unknown ones are refused."""
    value = fields.take(key)
    if value is None:
        return
    if not isinstance(value, dict):
        raise fields.error(key, f"{key} is not a mapping", f"write {key}: {{{next(iter(known))}: ...}}")
    for name, one in value.items():
        where = fields.marks.get(f"{key}.{name}", fields.where(key))
        if name not in known:
            raise UserError(f"{key} has no {name!r}", where=where, remedy=did_you_mean(str(name), list(known)))
        yield str(name), one, where


def _colours(fields: Fields, base: Theme) -> dict[str, str]:
    given = {}
    for name, value, where in _mapping(fields, "colours", COLOURS):
        if value is None:
            remedy = f'write {name}: "#7a1f2b", with quotes: without them, # starts a comment'
            raise UserError(f"the colour {name} is empty", where=where, remedy=remedy)
        if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
            remedy = f'write {name}: "#7a1f2b", six digits of 0-9 and a-f'
            raise UserError(f"the colour {name} is {value!r}", where=where, remedy=remedy)
        given[name] = value.lower()
    return {**base.colours, **_derived(given, base), **given}


def _derived(given: dict[str, str], base: Theme) -> dict[str, str]:
    """What goes with the colours that the theme chose: captions and rules with ink and paper, what stands on the accent, boxes."""
    paper, ink, accent = (given.get(name, base.colours[name]) for name in ("paper", "ink", "accent"))
    derived = {}
    if "paper" in given or "ink" in given:
        derived["muted"] = mixed(ink, paper, 0.76)
    if "paper" in given or "accent" in given:
        derived["tint"] = mixed(accent, paper, 0.085)
        derived["hairline"] = mixed(ink, paper, 0.24)
    if "accent" in given:
        on_accent = given.get("on-accent") or max("#ffffff", "#000000", key=lambda colour: contrast(colour, accent))
        derived["on-accent"] = on_accent
        derived["faint-on-accent"] = mixed(on_accent, accent, 0.86)
    return derived


def _families(fields: Fields) -> Iterator[tuple[str, str]]:
    for name, value, where in _mapping(fields, "fonts", FONTS):
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_FAMILY:
            remedy = f'write {name}: "Source Sans 3", the name of a font family'
            raise UserError(f"the font {name} is {value!r}", where=where, remedy=remedy)
        yield name, value.strip()
