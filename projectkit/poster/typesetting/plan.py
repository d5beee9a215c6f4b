"""From what the template measured to a layout, and from a layout to the plan that the template draws (`layout.json`).

| key of the plan | |
|---|---|
| `size` | of the text, in points |
| `columns` | of each: `x`, `y`, `width`, `height` in points, numbers of its `blocks`, `gaps` before them, how far its figures `grow` |
| `middle` | of a billboard: `x`, `y`, `width`, `height`; null without |
| `over` | by how many points the page is taller than its sheet: what is below runs off |
| `notice` | words on top of such a page, else empty |

Places count from the page's top left corner; the template mirrors them where the language is written from the right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from projectkit.errors import UserError
from projectkit.poster.source.sheets import POINTS_PER_MM
from projectkit.poster.typesetting.arrangements import arrangements
from projectkit.poster.typesetting.layout import Excess, Ladder, Layout, Option, arrange, excess

_LEAST_ROOM = 0.4  # of the page's height, between header and footer
ROW_GAP = 1.0  # between cells that stand side by side, in sizes of the text
_TYPE_IN_FIGURES = 0.68  # of the text's size,
_FIGURE_EMS = 26  # but no more than lets so many em stand side by side: narrow columns would hold nothing but labels


@dataclass(frozen=True)
class Placed:
    """A figure that is to be drawn at its final size.

    Args:
        file: the name of its drawing.
        width_mm: of the column, or of the cell, that it stands in.
        grow: 0 (its least height) to 1 (its greatest).
        font_pt: size of its type.
    """

    file: str
    width_mm: float
    grow: float
    font_pt: float


def fit(document: Mapping[str, Any], measured: Mapping[str, Any], good: float) -> Layout | Excess:
    """The best layout; what is too much, where nothing fits.

    Args:
        document: the template's data.json.
        measured: what the template said: `top` and `room` of the columns, and of each option its `rungs`
            and the least height of its `middle`.
        good: a text size that is read with ease, in points.

    Raises:
        UserError: header and footer leave too little of the page.
    """
    share = measured["room"] / (document["page"]["height"] * POINTS_PER_MM)
    if share < _LEAST_ROOM:
        raise UserError(
            f"header and footer take {1 - share:.0%} of the page",
            where=document["source"],
            remedy="shorten the title, the subtitle, the list of authors or the links",
        )
    joins = [atom["join"] for atom in document["atoms"]]
    options = []
    for option, found in zip(document["options"], measured["options"], strict=True):
        possible = list(arrangements(document["page"], option, measured["top"], measured["room"]))
        tall = [one for one in possible if one.middle is None or one.middle.height >= found["middle"]]
        options.append(Option(tall or possible[:1], [Ladder(**rung) for rung in found["rungs"]]))
    return arrange(joins, options, good) or excess(joins, options)


def plan(layout: Layout, *, over: float = 0.0, notice: str = "") -> dict[str, Any]:
    """The template's layout.json."""
    columns = [
        {**asdict(column.area), "blocks": list(column.blocks), "gaps": column.gaps, "grow": column.grow}
        for column in layout.columns
    ]
    middle = asdict(layout.middle) if layout.middle else None
    return {"size": layout.size, "columns": columns, "middle": middle, "over": over, "notice": notice}


def placed(document: Mapping[str, Any], layout: Layout) -> Iterator[Placed]:
    """Every figure that is drawn at its final size, those in rows at the width of their cell."""
    for column in layout.columns:
        for index in column.blocks:
            for node in document["atoms"][index]["blocks"]:
                for figure, width in _figures(node, column.area.width, layout.size):
                    font_pt = min(_TYPE_IN_FIGURES * layout.size, width / _FIGURE_EMS)
                    yield Placed(figure["file"], width / POINTS_PER_MM, column.grow, font_pt)


def _figures(node: Mapping[str, Any], width: float, size: float) -> Iterator[tuple[Mapping[str, Any], float]]:
    """Figures that are redrawn, with the width that each may take, in points."""
    if node["kind"] == "figure" and node["redrawn"]:
        yield node, width
    elif node["kind"] == "row":
        _, share = cells_across(node, width, size)
        for cell in node["cells"]:
            for one in cell:
                yield from _figures(one, share, size)


def cells_across(row: Mapping[str, Any], width: float, size: float) -> tuple[int, float]:
    """How many cells of a row stand on a line, and the width of each in points; the template's `cell-width` says the same.

    Args:
        row: its node.
        width: that it has, in points.
        size: of the text, in points.
    """
    count, gap = len(row["cells"]), ROW_GAP * size
    most = max(1, min(count, math.floor((width + gap) / (row["least"] * size + gap))))
    across = math.ceil(count / math.ceil(count / most))
    return across, (width - (across - 1) * gap) / across
