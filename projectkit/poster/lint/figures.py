"""`figure-type` and `colour-blind`: what can be read and told apart inside pictures."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from projectkit.findings import Finding, Status
from projectkit.poster.lint.passages import nodes
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.sheets import POINTS_PER_MM
from projectkit.poster.typesetting.pictures import Picture
from projectkit.poster.typesetting.plan import cells_across

# Points for each metre of the poster's distance: figures are looked at from half of it, details from a third.
_WARNING, _ERROR = 9.5, 6.4
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
                yield _Figure(where, "the figure", content, float(width[1]) / POINTS_PER_MM if width else None, True)


def _widths(proof: Proof) -> Iterator[tuple[str, float]]:
    """Staged name and printed width in mm of the team's own SVGs."""
    layout, composed = proof.found.layout, proof.found.composed
    if layout is None:
        return
    ratios = {name: _ratio(picture) for name, picture in composed.pictures.items()}
    for column in layout.columns:
        for index in column.blocks:
            for block in composed.document["atoms"][index]["blocks"]:
                for file, width in _printed(block, column.area.width, column.grow, layout.size, ratios):
                    yield file, width / POINTS_PER_MM


def _printed(
    node: Node, width: float, grow: float, size: float, ratios: Mapping[str, float | None]
) -> Iterator[tuple[str, float]]:
    """Pictures in a node with their printed width in points, where their proportions are known; the template's `figure-size`."""
    if node["kind"] == "figure" and not node["redrawn"]:
        ratio = ratios[node["file"]]
        if ratio is not None:
            least, most = (min(width / ratio, width * node[bound]) for bound in ("least", "most"))
            yield node["file"], (least + (most - least) * grow) * ratio
    elif node["kind"] == "row":
        across, share = cells_across(node, width, size)
        for first in range(0, len(node["cells"]), across):
            line = node["cells"][first : first + across]
            if all(len(cell) == 1 and cell[0].get("redrawn") is False for cell in node["cells"]):
                files = [cell[0]["file"] for cell in line]
                known = [ratio for ratio in map(ratios.get, files) if ratio is not None]
                if len(known) == len(files):
                    height = _common_height(known, node["least"] * size, share * len(line), grow)
                    yield from ((file, height * ratio) for file, ratio in zip(files, known, strict=True))
            else:
                for one in (one for cell in line for one in cell):
                    yield from _printed(one, share, grow, size, ratios)


def _common_height(ratios: list[float], least_width: float, total: float, grow: float) -> float:
    """Of pictures alone on a line, which share its width by their proportions; the template's `pictures-sized`."""
    count = len(ratios)
    floor = min(least_width / total, 1 / count)
    spare = [max(ratio / sum(ratios), floor) - floor for ratio in ratios]
    free = (1 - floor * count) / sum(spare) if sum(spare) >= 0.001 else 0.0
    shares = [floor + free * one if free else 1 / count for one in spare]
    whole = min(total * share / ratio for share, ratio in zip(shares, ratios, strict=True))
    least, most = min(whole, 0.45 * total / count), min(whole, total / count)
    return least + (most - least) * grow


def _ratio(picture: Picture) -> float | None:
    """Width in heights; None where the file does not say."""
    if picture.suffix != ".svg":
        from PIL import Image

        with Image.open(io.BytesIO(picture.content)) as opened:
            return opened.width / opened.height
    from projectkit.figures.svg import read_svg

    try:
        read = read_svg(picture.content)
    except ValueError:
        return None
    return read.width / read.height if read.width and read.height else None
