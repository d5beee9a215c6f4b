"""The type of every figure: Source Sans 3, the poster's, so that a curve on a poster does not look like a guest.

The package holds one variable font, and matplotlib draws only a variable font's default, which is extra light. The two weights that
figures need are therefore cut from it once (a second each) and kept in matplotlib's cache. Where that cannot be written, and for
characters beyond Latin, Greek and Cyrillic, figures fall back on DejaVu Sans, which comes with matplotlib, and for Chinese, Japanese and
Korean on the font of the extra `cjk` where it is installed. `beside` adds folders of fonts for other scripts.
"""

from __future__ import annotations

import functools
import importlib.metadata
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

FALLBACK = "DejaVu Sans"
_CJK = "cvttf_NotoSansCJK_Regular"  # the distribution and its folder, as the poster names them too
_WEIGHTS = (400, 700)
_CHARACTERS = (
    *range(0x20, 0x180),
    *range(0x370, 0x400),
    *range(0x400, 0x460),
    *range(0x2010, 0x2027),
    0x2212,
    0x2264,
    0x2265,
)
_ASCENT, _DESCENT = 800, 220  # thousandths of an em: what its letters need
_RECIPE = 3  # a new number where the cutting below changes, so that cached fonts are cut again


_BESIDE: ContextVar[tuple[str, ...]] = ContextVar("_BESIDE", default=())


def families() -> tuple[str, ...]:
    """The font families of figures, first choice first; the fonts are known to matplotlib afterwards."""
    return (*_ours(), *_BESIDE.get())


@contextmanager
def beside(folders: Sequence[Path]) -> Iterator[None]:
    """Figures that are drawn within take characters that our fonts lack from the fonts of these folders."""
    files = (path for folder in folders for path in sorted(folder.rglob("*.[ot]t[fc]")))
    token = _BESIDE.set(tuple(dict.fromkeys(filter(None, map(_known, files)))))
    try:
        yield
    finally:
        _BESIDE.reset(token)


@functools.cache
def _known(path: Path) -> str:
    """The family of a font file, which matplotlib knows afterwards, in regular and in bold; empty where it is damaged."""
    from matplotlib.font_manager import fontManager

    try:
        fontManager.addfont(path)
    except (OSError, RuntimeError):  # FreeType cannot read it; what it would have drawn is missed by name
        return ""
    added = fontManager.ttflist[-1]
    # Where it has one weight, a title in bold would be warned about.
    fontManager.ttflist.append(replace(added, weight=700))
    return str(added.name)


@functools.cache
def _ours() -> tuple[str, ...]:
    import fontpkg_source_sans_3
    import matplotlib as mpl
    from matplotlib.font_manager import fontManager

    version = importlib.metadata.version("fontpkg-source-sans-3")
    try:
        for weight in _WEIGHTS:
            path = Path(mpl.get_cachedir()) / f"projectkit-source-sans-3-{version}-{_RECIPE}-{weight}.ttf"
            if not path.is_file():
                _cut(fontpkg_source_sans_3.ROOT / "files" / "SourceSans3[wght].ttf", weight, path)
            fontManager.addfont(path)
    except OSError:
        return (FALLBACK, *_east_asian())
    return ("Source Sans 3", FALLBACK, *_east_asian())


def _east_asian() -> tuple[str, ...]:
    """Noto Sans CJK, where the extra is installed; its package is data, none of its code is run."""
    try:
        folder = Path(str(importlib.metadata.distribution(_CJK).locate_file(_CJK)))
    except importlib.metadata.PackageNotFoundError:
        return ()
    return tuple(_known(path) for path in sorted(folder.rglob("*.[ot]t[fc]"))[:1])


def _cut(variable: Path, weight: int, target: Path) -> None:
    """Write one weight of the variable font, with `_CHARACTERS` alone, which makes it ten times as fast."""
    from fontTools import subset
    from fontTools.varLib import instancer

    options = subset.Options(layout_features=["kern"], hinting=False, notdef_outline=True, name_IDs=["*"])
    font = subset.load_font(str(variable), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=_CHARACTERS)
    subsetter.subset(font)
    font = instancer.instantiateVariableFont(font, {"wght": weight})
    # Its own line is 1.4 em high, which would push labels away from their axes.
    font["hhea"].ascent = font["OS/2"].sTypoAscender = font["OS/2"].usWinAscent = _ASCENT
    font["hhea"].descent = font["OS/2"].sTypoDescender = -_DESCENT
    font["OS/2"].usWinDescent = _DESCENT
    for record in font["name"].names:
        if record.nameID in (1, 16):
            record.string = "Source Sans 3"
        elif record.nameID in (2, 17):
            record.string = "Regular" if weight == 400 else "Bold"
        elif record.nameID in (
            4,
            6,
        ):  # matplotlib names the glyphs of an SVG after it: with one name, bold and regular would share them
            record.string = f"SourceSans3-{'Regular' if weight == 400 else 'Bold'}"
    temporary = target.with_name(f".{secrets.token_hex(6)}.tmp")  # several processes may cut at once
    try:
        font.save(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
