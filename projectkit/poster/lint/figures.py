"""`figure-type` and `colour-blind`: what can be read and told apart inside pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from projectkit.findings import Finding, Status
from projectkit.poster.lint.passages import nodes
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.markup.nodes import Node
from projectkit.poster.typesetting.plan import ROW_GAP

# Points for each metre of the poster's distance: figures are looked at from half of it, details from a third.
_WARNING, _ERROR = 9.5, 6.4
_MM_PER_POINT = 25.4 / 72
_DRAWN_WIDTH = re.compile(rb'<svg[^>]*?\swidth="([\d.]+)pt"')


@dataclass(frozen=True)
class _Figure:
    """A picture or a drawing: its place, what a team calls it, its bytes, its printed width where that is known."""

    where: str
    named: str
    content: bytes
    width_mm: float | None
    ours: bool  # drawn by us, from a run


def figure_type(proof: Proof) -> Iterator[Finding]:
    """Type inside figures that is too small in print."""
    from projectkit.figures.legibility import smallest_type_pt

    metres = proof.found.poster.sheet.distance_m
    for figure in _figures(proof):
        if figure.width_mm is None or figure.content.lstrip()[:1] != b"<":
            continue
        try:
            size = smallest_type_pt(figure.content, figure.width_mm)
        except ValueError:
            continue  # the typesetter has drawn it, so a phone will; its type cannot be told
        if size is not None and size < _WARNING * metres * 0.99:
            status: Status = "error" if size < _ERROR * metres else "warning"
            message = f"the smallest type in {figure.named} is {size:.0f} pt in print"
            least = f"{_WARNING * metres:.0f} pt is the least"
            advice = (
                f"{least}: show less in it, or a larger sheet" if figure.ours else f"{least}: save it with larger type"
            )
            yield finding("figure-type", status, figure.where, message, advice, smallest_pt=round(size, 1))


def colour_blind(proof: Proof) -> Iterator[Finding]:
    """Colours that one reader in twelve takes for the same."""
    from projectkit.figures import legibility

    for figure in _figures(proof):
        try:
            pairs = legibility.colour_blind(legibility.picture_colours(figure.content))
        except ValueError:
            continue
        if pairs:
            worst = pairs[0]
            message = f"{worst.one} and {worst.other} in {figure.named} look alike to people with {worst.seen_by}"
            advice = "take colours of different lightness, or other marks and lines besides"
            yield finding(
                "colour-blind",
                "warning",
                figure.where,
                message,
                advice,
                pairs=[[one.one, one.other] for one in pairs[:8]],
            )


def _figures(proof: Proof) -> Iterator[_Figure]:
    composed, printed = proof.found.composed, proof.found.layout is not None
    widths = dict(_widths(proof))
    for section in composed.sections:
        for where, node in nodes(section):
            if node["kind"] != "figure":
                continue
            file = node["file"]
            if not node["redrawn"]:
                picture = composed.pictures[file]
                yield _Figure(where, picture.named, picture.content, widths.get(file), False)
            elif printed:
                content = proof.found.typesetter.staged(file)
                width = _DRAWN_WIDTH.search(content)
                yield _Figure(where, "the figure", content, float(width[1]) * _MM_PER_POINT if width else None, True)


def _widths(proof: Proof) -> Iterator[tuple[str, float]]:
    """Staged name and printed width in mm of the team's own SVGs, those in rows in their cells; the template's `figure-size`."""
    layout, composed = proof.found.layout, proof.found.composed
    if layout is None:
        return
    for column in layout.columns:
        for index in column.blocks:
            for block in composed.document["atoms"][index]["blocks"]:
                for node, width in _inside(block, column.area.width, layout.size):
                    picture = composed.pictures[node["file"]]
                    ratio = _ratio(picture.content) if picture.suffix == ".svg" else None
                    if ratio is not None:
                        least, most = (min(width / ratio, width * node[bound]) for bound in ("least", "most"))
                        yield node["file"], (least + (most - least) * column.grow) * ratio * _MM_PER_POINT


def _inside(node: Node, width: float, size: float) -> Iterator[tuple[Node, float]]:
    """Figures below a node with the width that each may take, in points."""
    if node["kind"] == "figure" and not node["redrawn"]:
        yield node, width
    elif node["kind"] == "row":
        cells = node["cells"]
        for cell in cells:
            for one in cell:
                yield from _inside(one, (width - (len(cells) - 1) * ROW_GAP * size) / len(cells), size)


def _ratio(svg: bytes) -> float | None:
    """Width in heights; None where the file does not say."""
    from projectkit.figures.svg import read_svg

    try:
        read = read_svg(svg)
    except ValueError:
        return None
    return read.width / read.height if read.width and read.height else None
