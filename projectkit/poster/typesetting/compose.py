"""From a poster's sources to what the typesetter needs: `data.json`, the pictures, the figures still to be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawing, Drawn
from projectkit.poster.directives.shown import Shown
from projectkit.poster.directives.table import draw
from projectkit.poster.directives.value import draw_values
from projectkit.poster.markup.nodes import Node, plain_text
from projectkit.poster.markup.words import INTERVAL_SIZE, prepared
from projectkit.poster.source.sheets import GOOD_PT_PER_M, LEAST_PT_PER_M
from projectkit.poster.source.values import Poster, Section
from projectkit.poster.typesetting.arrangements import options
from projectkit.poster.typesetting.frame import frame
from projectkit.poster.typesetting.layout import BLOCK_GAP, Join
from projectkit.poster.typesetting.pictures import Picture, read_picture
from projectkit.poster.typesetting.plan import ROW_GAP
from projectkit.poster.typesetting.widest import widest
from projectkit.project import Project

_LARGEST_PT_PER_M = 33.0  # of text, for each metre of distance: a short poster on A0 may go to 49.5 pt
_RUNGS = 14  # text sizes that are tried: steps of 4%, the rest is filled by figures and gaps
_LEAST_CELL = {True: 8.5, False: 12.0}  # width in sizes of the text, of a picture with its caption and of anything else
_LONGEST_FINDING = 200  # characters in the middle of a billboard
_MARGIN, _GUTTER = 0.046, 0.03  # of the sheet's short side
_PICTURE_HEIGHT = {"least": 0.45, "most": 1.0}  # of the column's width; a picture keeps its proportions


@dataclass(frozen=True)
class Composed:
    """A poster, ready to be typeset."""

    document: dict[str, Any]  # the template's data.json
    good: float  # a size of text that is read with ease, in points
    pictures: dict[str, Picture]  # by staged name
    drawings: tuple[Drawing, ...]
    shown: tuple[Shown, ...]  # every number and figure, with its run
    sections: tuple[Section, ...]  # with directives drawn and pictures named as they are staged
    warnings: tuple[str, ...]


def compose(poster: Poster, project: Project) -> Composed:
    """Draw the directives, read the pictures, and say which blocks stay together.

    Raises:
        UserError: a run, a picture or a key that is not there; with file and line.
    """
    drawn = Drawn(poster.code_target, colours=poster.theme.colours)
    pictures: dict[str, Picture] = {}
    atoms, sections = [], []
    for section in poster.sections:
        blocks = [_block(block, section, poster, project, drawn, pictures) for block in section.blocks]
        sections.append(Section(section.file, tuple(blocks)))
        for index, (join, atom) in enumerate(_atoms(blocks)):
            place = {"file": section.file, "line": atom[0]["line"], "join": join if index else "section"}
            ready = prepared(atom)
            atoms.append({**place, "elastic": any(map(_elastic, atom)), "blocks": ready, "widest": list(widest(ready))})
    good = GOOD_PT_PER_M * poster.sheet.distance_m
    return Composed(
        document=_document(poster, atoms, pictures, good),
        good=good,
        pictures=pictures,
        drawings=tuple(drawn.drawings),
        shown=tuple(drawn.shown),
        sections=tuple(sections),
        warnings=tuple(drawn.warnings),
    )


def _block(
    block: Node, section: Section, poster: Poster, project: Project, drawn: Drawn, pictures: dict[str, Picture]
) -> Node:
    """A block with its directive drawn and its picture read."""
    if block["kind"] == "row":
        cells = [[_block(one, section, poster, project, drawn, pictures) for one in cell] for cell in block["cells"]]
        pictures_alone = all(len(cell) == 1 and cell[0].get("redrawn") is False for cell in cells)
        return {**block, "cells": _same_height(cells, drawn), "least": _LEAST_CELL[pictures_alone]}
    drawing = draw if block["kind"] == "directive" else draw_values
    block = drawing(block, section.file, project, drawn)
    if block["kind"] != "figure" or block.get("redrawn"):
        return block
    of_run = "within" in block
    path = Path(block["path"]) if of_run else poster.folder / block["path"]
    within = block["within"] if of_run else project.root
    picture = read_picture(path, within, f"{section.file}:{block['line']}", named=str(block["path"]))
    name = f"picture-{len(pictures)}{picture.suffix}"
    pictures[name] = picture
    kept = {key: block[key] for key in ("kind", "line", "caption", "alt")}
    return {**kept, "redrawn": False, "file": name, "source": block.get("source"), **_PICTURE_HEIGHT}


def _same_height(cells: list[list[Node]], drawn: Drawn) -> list[list[Node]]:
    """Cells whose redrawn figures may have the same heights, so that they end on one line."""
    figures = [cell[-1] for cell in cells]
    if not all(figure["kind"] == "missing" or figure.get("redrawn") for figure in figures):
        return cells
    least = max(figure["least"] for figure in figures)
    bounds = {"least": least, "most": max(least, min(figure["most"] for figure in figures))}
    files = {figure.get("file") for figure in figures}
    drawn.drawings[:] = [replace(one, **bounds) if one.file in files else one for one in drawn.drawings]
    return [[*cell[:-1], {**cell[-1], **bounds}] for cell in cells]


def _elastic(block: Node) -> bool:
    """Whether its height can grow."""
    return block["kind"] in ("figure", "missing") or any(
        _elastic(one) for cell in block.get("cells", []) for one in cell
    )


def _atoms(blocks: list[Node]) -> Iterator[tuple[Join, list[Node]]]:
    """Blocks that stay together in a column: a heading with what follows it, a sentence with its formula, or its list.

    A list may go on in the next column, but neither its first nor its last item stands alone.
    """
    atom: list[Node] = []
    for block, after in zip(blocks, [*blocks, None][1:], strict=True):
        first, *more = _pieces(block)
        atom.append(first)
        formula = after is not None and after["kind"] == "equation"
        announces = block["kind"] == "paragraph" and (formula or plain_text(block).rstrip().endswith(":"))
        if block["kind"] != "heading" and not announces:
            yield "block", atom
            atom = []
        for piece in more:
            yield "item", [piece]
    if atom:
        yield "block", atom


def _pieces(block: Node) -> list[Node]:
    """A long list in pieces of an item, of two at its ends; anything else as it is. Numbers of one width keep items in line."""
    count = len(block["items"]) if block["kind"] == "list" else 0
    start = block["start"] if count else None
    if count < 4 or (start is not None and len(str(start)) != len(str(start + count - 1))):
        return [block]
    edges = [0, *range(2, count - 1), count]
    return [
        {**block, "items": block["items"][low:high], "start": None if start is None else start + low}
        for low, high in pairwise(edges)
    ]


def _document(poster: Poster, atoms: list[dict[str, Any]], pictures: dict[str, Picture], good: float) -> dict[str, Any]:
    sheet = poster.sheet
    short, metres = sheet.short_mm, sheet.distance_m
    page = {"width": sheet.width_mm, "height": sheet.height_mm, "margin": _MARGIN * short, "gutter": _GUTTER * short}
    billboard = poster.theme.arrangement == "billboard"
    if billboard and len(poster.finding) > _LONGEST_FINDING:
        what = f"the finding has {len(poster.finding)} characters; from across the hall at most {_LONGEST_FINDING} are read"
        raise UserError(what, where=poster.file, remedy='write finding: "..." in poster.yaml, one short sentence')
    return {
        "source": poster.file,
        **frame(poster, pictures),
        "page": page,
        "options": options(page, good, billboard=billboard, wanted=poster.columns, atoms=len(atoms)),
        "sizes": [
            LEAST_PT_PER_M * metres * (_LARGEST_PT_PER_M / LEAST_PT_PER_M) ** (rung / (_RUNGS - 1))
            for rung in range(_RUNGS)
        ],
        "block-gap": BLOCK_GAP,
        "row-gap": ROW_GAP,
        "interval-size": INTERVAL_SIZE,
        "atoms": atoms,
    }
