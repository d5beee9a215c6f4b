"""`build_poster`: from a team's poster folder to one page, as PDF and PNG, or to an error that says by how much it is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit.errors import WorkError
from projectkit.poster.compose import compose
from projectkit.poster.faults import MissingCharactersError, explained
from projectkit.poster.fonts import bundled, wider
from projectkit.poster.layout import Excess
from projectkit.poster.markdown import plain_text
from projectkit.poster.source import Poster, read_poster
from projectkit.poster.typeset import Typeset, typeset
from projectkit.project import Project
from projectkit.runs import atomic_write

_ROOM_LEFT = 0.15  # an empty share of a column that is worth a word


@dataclass(frozen=True)
class Built:
    """A poster that was built.

    Args:
        pdf: one page, PDF/A-2a and PDF/UA-1.
        png: the same at 100 pixels an inch.
        words: in the sections.
        scale: size of the text, in points.
        columns: how many.
        slack: the empty share of the emptiest column, 0 to 1.
        warnings: what is unfinished, each with its place.
    """

    pdf: Path
    png: Path
    words: int
    scale: float
    columns: int
    slack: float
    warnings: tuple[str, ...]


def build_poster(folder: Path, project: Project, output: Path | None = None) -> Built:
    """Build the poster in `folder`.

    Args:
        folder: holds `poster.yaml` and `sections/`.
        project: whose runs and files it may show.
        output: the folder for `poster.pdf` and `poster.png`; `build/` in the poster's folder where it is None.

    Raises:
        UserError: something in the sources is wrong; with file and line.
        WorkError: it does not fit on one page at a size that can be read; with how much to cut and where.
    """
    folder = folder.resolve()
    poster = read_poster(folder, project.root.resolve())
    composed = compose(poster, project)
    warnings = list(composed.warnings)
    fonts = bundled(folder)
    try:
        with explained(poster, composed.pictures):
            result = typeset(composed, fonts)
    except MissingCharactersError as error:
        with explained(poster, composed.pictures):
            result = typeset(composed, wider(fonts))
        warnings.append(f"{error.where}: set in a font of this machine, as the bundled ones lack {error.shown}")
    if not isinstance(result, Typeset):
        raise _too_long(result, composed.document["atoms"], poster)
    layout = result.layout
    if layout.slack > _ROOM_LEFT:
        warnings.append(f"{poster.file}: a column is {layout.slack:.0%} empty; add a figure, or more text")
    target = output or folder / "build"
    target.mkdir(parents=True, exist_ok=True)
    atomic_write(target / "poster.pdf", result.pdf)
    atomic_write(target / "poster.png", result.png)
    words = sum(len(plain_text(block).split()) for section in poster.sections for block in section.blocks)
    return Built(
        pdf=target / "poster.pdf",
        png=target / "poster.png",
        words=words,
        scale=layout.size,
        columns=len(layout.columns),
        slack=layout.slack,
        warnings=tuple(warnings),
    )


def _too_long(excess: Excess, atoms: Sequence[Mapping[str, Any]], poster: Poster) -> WorkError:
    def place(index: int) -> str:
        blocks = atoms[index]["blocks"]  # a heading may stand before the block that is meant
        line = next((block["line"] for block in blocks if "longest" in block), blocks[-1]["line"])
        return f"{atoms[index]['file']}:{line}"

    if excess.wide is not None:
        remedy = "use fewer or shorter columns"
        return WorkError("this table is wider than a column of the poster", where=place(excess.wide), remedy=remedy)
    what = (
        f"the content needs {excess.share:.0%} of the page at the smallest size that can be read: "
        f"about {excess.lines} lines too many"
    )
    if excess.tall is not None:
        what = f"{what}, and this block alone is taller than a column"
        return WorkError(what, where=place(excess.tall), remedy="split or shorten it")
    lines: defaultdict[str, float] = defaultdict(float)
    for atom, height in zip(atoms, excess.heights, strict=True):
        lines[atom["file"]] += height
    longest = max(lines, key=lambda name: lines[name])
    remedy = f"cut first in the longest section, {longest}, which takes about {lines[longest]:.0f} lines"
    return WorkError(what, where=poster.file, remedy=remedy)
