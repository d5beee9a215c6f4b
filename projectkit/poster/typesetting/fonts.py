"""Which fonts a poster is set in.

The bundled ones cover Latin, Greek, Cyrillic, Arabic (with Persian and Urdu) and Hebrew, and give the same bytes on every machine. A
font in `poster/fonts/`, or in a course theme's `fonts/`, goes before them, and so do packages for other scripts where they are installed.
Where a text has characters that all of these lack, the poster is set again with the font of the extra `cjk` and with the machine's own
beside them, and says so. Where that is not enough either, the error names the package that would do: no character is ever drawn as a box.
"""

from __future__ import annotations

import functools
import importlib.metadata
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import UserError, did_you_mean
from projectkit.poster.source.files import is_file, lies_in
from projectkit.poster.source.values import Poster

# Distribution and folder of each bundled family; their packages are data, none of their code is run.
_BUNDLED = {
    "Source Sans 3": ("fontpkg-source-sans-3", "fontpkg_source_sans_3"),
    "Noto Sans Arabic": ("fontpkg-noto-sans-arabic", "fontpkg_noto_sans_arabic"),
    "Assistant": ("fontpkg-assistant", "fontpkg_assistant"),  # Hebrew, drawn to go with Source Sans
    "Atkinson Hyperlegible": ("fontpkg-atkinson-hyperlegible", "fontpkg_atkinson_hyperlegible"),
}
# The same of what may be installed beside them. Devanagari is in Typst's New Computer Modern too, with its conjuncts spelt out.
_MORE = {
    f"Noto Sans {script}": (f"fontpkg-noto-sans-{script.lower()}", f"fontpkg_noto_sans_{script.lower()}")
    for script in ("Devanagari", "Tamil", "Telugu", "Thai", "Khmer")
}
_CJK = ("cvttf-notosanscjk-regular", "cvttf_NotoSansCJK_Regular")  # 27 MB, and so not looked into unless it is needed
_SUFFIXES = (".otf", ".ttf", ".otc", ".ttc")
_HEADS = (b"\0\1\0\0", b"OTTO", b"true", b"ttcf")
_FALLBACKS = ("Source Sans 3", "Noto Sans Arabic", "Assistant", *_MORE)
# The first word of a character's name in Unicode -> the distribution with a font that has its script
_SCRIPTS = {
    **dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"), _CJK[0]),
    **{family.rpartition(" ")[2].upper(): name for family, (name, _) in _MORE.items()},
}


@dataclass(frozen=True)
class Fonts:
    """Folders of fonts, and whether those that the machine has installed are used too."""

    folders: tuple[Path, ...]
    system: bool = False

    @property
    def beside(self) -> list[Path]:
        """Those that figures need to be told of: all but the bundled ones."""
        bundled = {_installed(*where) for where in _BUNDLED.values()}
        return [folder for folder in self.folders if folder not in bundled]

    @functools.cached_property
    def families(self) -> frozenset[str]:
        """The families that are there, Typst's own among them."""
        import typst

        paths = [str(folder) for folder in self.folders]
        return frozenset(typst.Fonts(include_system_fonts=self.system, font_paths=paths).families())


def bundled(poster: Poster) -> Fonts:
    """The library's own, the course's beside its theme, and the team's in the poster's folder.

    Raises:
        UserError: the theme names a family that none of these has, or a font leads out of its folder.
    """
    own = [folder / "fonts" for folder in (poster.folder, poster.theme.folder) if folder is not None]
    folders = [folder for folder in own if folder.is_dir()]
    for folder in folders:
        _check_inside(folder)
    packages = (_installed(*where) for where in (*_MORE.values(), *_BUNDLED.values()))
    fonts = Fonts((*folders, *filter(None, packages)))
    if poster.theme.file:
        for role, family in poster.theme.fonts.items():
            if family not in fonts.families:
                what = f"the theme's font for {role} is {family!r}, which is not here"
                remedy = f"put its .otf or .ttf into fonts/ beside theme.yaml; {did_you_mean(family, fonts.families)}"
                raise UserError(what, where=poster.theme.file, remedy=remedy)
    return fonts


def wider(fonts: Fonts) -> Fonts:
    """The same with everything else that can be had on this machine."""
    return Fonts((*fonts.folders, *filter(None, [_installed(*_CJK)])), system=True)


def with_fallbacks(family: str) -> list[str]:
    """A family and, for scripts that it lacks, those of the bundled ones that have them."""
    return list(dict.fromkeys((family, *_FALLBACKS)))


def packages_for(characters: str) -> list[str]:
    """The distributions whose fonts would draw these characters; empty where we know of none."""
    words = (unicodedata.name(character, "").partition(" ")[0].partition("-")[0] for character in characters)
    return sorted({_SCRIPTS[word] for word in words if word in _SCRIPTS})


@functools.cache
def _installed(name: str, folder: str) -> Path | None:
    try:
        return Path(str(importlib.metadata.distribution(name).locate_file(folder)))
    except importlib.metadata.PackageNotFoundError:
        return None


def _check_inside(folder: Path) -> None:
    """A font is embedded in the PDF, so a link must not bring in a file from elsewhere."""
    for path in (folder, *_files(folder)):
        if not lies_in(path, folder.parent):
            where = f"{folder.parent.name}/{path.relative_to(folder.parent).as_posix()}"
            raise UserError("leads out of its folder", where=where, remedy="copy the font itself there")
        if path.suffix.lower() in _SUFFIXES and not _is_font(path):
            where = f"{folder.parent.name}/{path.relative_to(folder.parent).as_posix()}"
            raise UserError("is no font", where=where, remedy="download it again, or remove it")


def _is_font(path: Path) -> bool:
    """Whether a file starts as fonts do; a pipe, which would be waited for, is none."""
    if not is_file(path):
        return False
    with path.open("rb") as file:
        return file.read(4) in _HEADS


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob("*"))
