"""Which fonts a poster is set in.

The bundled ones cover Latin, Greek and Cyrillic, and give the same bytes on every machine. Where a text has characters that they lack,
the poster is set again with the fonts of the extra `cjk` and of the machine beside them, and says so. A font in `poster/fonts/` is always
there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Noto Sans CJK as a package: the only one on the index that carries Chinese, Japanese and Korean under a free licence
_CJK = ("cvttf_NotoSansCJK_Regular", "cvttf_NotoSansCJK_Regular")


@dataclass(frozen=True)
class Fonts:
    """Folders of fonts, and whether those that the machine has installed are used too."""

    folders: tuple[Path, ...]
    system: bool = False


def bundled(poster: Path) -> Fonts:
    """The library's own, and the team's in the poster's folder."""
    import fontpkg_source_sans_3

    own = poster / "fonts"
    return Fonts((Path(fontpkg_source_sans_3.ROOT) / "files", *([own] if own.is_dir() else [])))


def wider(fonts: Fonts) -> Fonts:
    """The same with everything else that can be had on this machine."""
    from importlib.metadata import PackageNotFoundError, distribution

    name, folder = _CJK
    try:  # found by its metadata: the package is data, none of its code is run
        found = Path(str(distribution(name).locate_file(folder)))
    except PackageNotFoundError:
        return Fonts(fonts.folders, system=True)
    return Fonts((*fonts.folders, found), system=True)
