"""`build_poster`: from a team's poster folder to one page, as PDF and PNG, or to an error that says by how much it is over."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import WorkError
from projectkit.poster.render import Rendered, rendered
from projectkit.project import Project
from projectkit.runs import atomic_write

_PPI = 100


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
    with rendered(folder, project) as found:
        if found.layout is None or found.excess is not None:
            raise _too_long(found)
        target = output or found.poster.folder / "build"
        png = found.typesetter.png(_PPI)
        target.mkdir(parents=True, exist_ok=True)
        atomic_write(target / "poster.pdf", found.pdf)
        atomic_write(target / "poster.png", png)
        return Built(
            pdf=target / "poster.pdf",
            png=target / "poster.png",
            words=found.words,
            scale=found.layout.size,
            columns=len(found.layout.columns),
            slack=found.layout.slack,
            warnings=found.warnings,
        )


def _too_long(found: Rendered) -> WorkError:
    excess, atoms, poster = found.excess, found.composed.document["atoms"], found.poster
    assert excess is not None

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
