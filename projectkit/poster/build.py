"""`build_poster`: from a team's poster folder to one page, as PDF and PNG, or to an error that says by how much it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit.errors import UserError, WorkError
from projectkit.poster.directives import Drawn, draw
from projectkit.poster.markdown import Node, plain_text
from projectkit.poster.pictures import staged_picture
from projectkit.poster.source import SIZES, Poster, read_poster
from projectkit.poster.typeset import Overfull, typeset
from projectkit.project import Project
from projectkit.runs import atomic_write

# Type that can be read from a metre away, in points: 28.7 pt from 1.5 m is the least, 35.9 pt good (facts of legibility of
# print at a distance); sparse posters may go a little above. A smaller sheet is read from nearer.
_FLOOR, _GOOD, _CEILING = 19.13, 23.93, 33.0
_READ_FROM_M = {"A0": 1.5, "A1": 1.2, "A2": 0.9}
_MARGIN, _GUTTER = 0.046, 0.03  # of the sheet's short side
_COLUMNS = {False: [2, 3], True: [3, 4]}  # by landscape; the first that gives a good size is taken
_PICTURE_HEIGHT = (0.45, 1.0)  # of the column's width, least and most; a picture keeps its proportions
_ROOM_LEFT = 0.15  # empty share of a column that is worth a word


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
        warnings: what is unfinished or would print badly, each with its place.
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
    poster = read_poster(folder, project.root)
    drawn = Drawn()
    files: dict[str, bytes] = {}
    atoms = []
    for section in poster.sections:
        blocks = [
            _staged(_drawn(block, section.file, project, drawn), section.file, poster, project, files)
            for block in section.blocks
        ]
        atoms += [
            {"file": section.file, "line": atom[0]["line"], "first": index == 0, "blocks": atom}
            for index, atom in enumerate(_atoms(blocks))
        ]
    result = typeset(_document(poster, atoms), files, drawn.drawings, _fonts(poster))
    if isinstance(result, Overfull):
        raise _too_long(result, poster)
    target = output or folder / "build"
    target.mkdir(parents=True, exist_ok=True)
    built = Built(
        pdf=target / "poster.pdf",
        png=target / "poster.png",
        words=sum(len(plain_text(list(section.blocks)).split()) for section in poster.sections),
        scale=result.layout.size,
        columns=result.layout.columns,
        slack=result.layout.slack,
        warnings=tuple(drawn.warnings),
    )
    atomic_write(built.pdf, result.pdf)
    atomic_write(built.png, result.png)
    return built


def _drawn(block: Node, file: str, project: Project, drawn: Drawn) -> Node:
    return draw(block, file, project, drawn) if block["kind"] == "directive" else block


def _staged(block: Node, file: str, poster: Poster, project: Project, files: dict[str, bytes]) -> Node:
    """A figure gets its picture into the staging folder and the bounds of its height; other blocks pass."""
    if block["kind"] != "figure" or block.get("redrawn"):
        return block
    where = f"{file}:{block['line']}"
    within = block.get("within", project.root)
    path = Path(block["path"]) if "within" in block else poster.folder / block["path"]
    content, suffix = staged_picture(path, within, where, named=str(block["path"]))
    name = f"picture-{len(files)}{suffix}"
    files[name] = content
    kept = {key: block[key] for key in ("kind", "line", "caption", "alt")}
    return {
        **kept,
        "redrawn": False,
        "file": name,
        "source": block.get("source"),
        "least": _PICTURE_HEIGHT[0],
        "most": _PICTURE_HEIGHT[1],
    }


def _atoms(blocks: list[Node]) -> Iterator[list[Node]]:
    """Blocks that stay together in a column: a heading with what follows, a sentence that ends in a colon with its list."""
    atom: list[Node] = []
    for block in blocks:
        atom.append(block)
        leads = block["kind"] == "heading" or (
            block["kind"] == "paragraph" and plain_text(block).rstrip().endswith(":")
        )
        if not leads:
            yield atom
            atom = []
    if atom:
        yield atom


def _document(poster: Poster, atoms: list[dict[str, Any]]) -> dict[str, Any]:
    width, height = SIZES[poster.size] if not poster.landscape else SIZES[poster.size][::-1]
    short, metres = min(width, height), _READ_FROM_M[poster.size]
    return {
        "title": poster.title,
        "subtitle": poster.subtitle,
        "authors": [{"name": author.name, "affiliation": author.affiliation} for author in poster.authors],
        "affiliation": poster.affiliation,
        "course": poster.course,
        "team": poster.team,
        "links": [
            {"label": link.label, "url": link.url, "shown": link.url.removeprefix("https://").removeprefix("mailto:")}
            for link in poster.links
        ],
        "language": poster.language,
        "page": {"width": width, "height": height, "margin": _MARGIN * short, "gutter": _GUTTER * short},
        "columns": [poster.columns] if poster.columns else _COLUMNS[poster.landscape],
        "text": {"floor": _FLOOR * metres, "good": _GOOD * metres, "ceiling": _CEILING * metres},
        "atoms": atoms,
    }


def _fonts(poster: Poster) -> list[Path]:
    """`fonts/` in the poster's folder: further fonts, for scripts that the bundled ones lack."""
    folder = poster.folder / "fonts"
    return [folder] if folder.is_dir() else []


def _too_long(result: Overfull, poster: Poster) -> WorkError:
    longest = max(result.sections, key=lambda name: result.sections[name])
    what = f"the text needs {result.share:.0%} of the page at the smallest size that can be read: about {result.lines} lines too many"
    if result.block is not None:
        file, line = result.block
        return WorkError(
            f"{what}; one block is taller than a column", where=f"{file}:{line}", remedy="split or shorten it"
        )
    remedy = f"the longest section is {longest} with about {result.sections[longest]:.0f} lines: cut there first, or choose a larger size in {poster.file}"
    return WorkError(what, where=poster.file, remedy=remedy)
