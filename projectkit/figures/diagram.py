"""A network as a drawing: its layers as boxes from the input to the output, with what each has learnt and what it gives on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projectkit.figures.diverging import page
from projectkit.figures.labels import MM_PER_PT, fitted, measured, small_pt, wrapped
from projectkit.figures.layers import Block, blocks_of
from projectkit.figures.style import FAINT, INK, PALETTE, finish, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In em of the type:
_LINE = 1.3
_PAD = 0.45  # within a box, above and below
_ARROW = 1.5  # between boxes, where the shape stands
_MOST_ARROW = 3.2
_MOST_EXTRA = 1.6  # by which a box may be higher than its lines need
_HEAD = 1.9  # the name of the network, over everything
_END = 1.5  # the input's and the output's line
_GAP = 2.2  # between columns
_LEAST_WIDTH = 10.5  # of a box
_MOST_WIDTH = 30.0
_MOST_LINES = 3  # of a box
_MOST_BLOCKS = 24
_COLOURS = {
    "embedding": (PALETTE[4], "#FDF3DF"),
    "convolution": (PALETTE[0], "#E3EEF6"),
    "recurrent": (PALETTE[2], "#E0F2EC"),
    "attention": (PALETTE[3], "#F8EAF2"),
    "linear": (PALETTE[1], "#FBE9DD"),
    "other": (FAINT, "#F1F3F5"),
}


@dataclass(frozen=True)
class _Box:
    """A block with its lines broken, `height` in em."""

    block: Block
    head: str
    learnt: str
    lines: tuple[str, ...]
    height: float


@dataclass(frozen=True)
class _Plan:
    """Boxes in columns, each read from the top down; `height` of the tallest in em."""

    columns: tuple[tuple[_Box, ...], ...]
    width: float  # of a column, em
    height: float


def diagram(
    model: Mapping[str, Any],
    *,
    size_mm: tuple[float, float] | None = None,
    font_pt: float = 9.0,
) -> Figure:
    """The layers of a network, from its input to its output.

    Args:
        model: as `Run.model` gives it: `type`, `parameters`, `input`, `output`, `layers`.
        size_mm: width and height in print; unless given, 120 mm wide and as high as the layers need. Where they do not fit, equal ones
            are joined, groups stay closed, and the middle is left out.
        font_pt: size of the names of layers in print.
    """
    em = font_pt * MM_PER_PT
    width = (size_mm[0] if size_mm else 120.0) / em
    room = (size_mm[1] / em if size_mm else math.inf) - _HEAD - 0.6
    with style(font_pt):
        plan = _planned(model, width - 0.8, room, font_pt)
        height = size_mm[1] if size_mm else (plan.height + _HEAD + 0.6) * em
        figure = new_figure((width * em, height))
        figure.set_layout_engine("none")
        sheet = page(figure)
        name = fitted(str(model["type"]), 0.6 * width * font_pt, font_pt, bold=True)
        sheet.text(0.2 * em, 0.5 * _HEAD * em, name, va="center", fontweight="bold")
        learnt = f"{numbered(model['parameters'])} parameters"
        at = (width - 0.2) * em
        sheet.text(at, 0.5 * _HEAD * em, learnt, va="center", ha="right", fontsize=small_pt(font_pt))
        _draw(sheet, plan, model, em=em, font_pt=font_pt, room=height / em - _HEAD - 0.6)
        finish(figure)
    return figure


def diagram_height(model: Mapping[str, Any], width_em: float) -> float:
    """How high a diagram is that shows everything it would open, in widths, where so many em of its type stand side by side."""
    with style(9.0):
        plan = _planned(model, width_em - 0.8, math.inf, 9.0)
    return (plan.height + _HEAD + 1.0) / width_em


def numbered(count: int) -> str:
    """A count as people say it: 913, 3.1 k, 11.2 M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 0.9995 * size:  # 999 999 is 1 M
            number = count / size
            return f"{number:.3g} {unit}" if number < 99.95 else f"{number:.0f} {unit}"
    return str(count)


def _planned(model: Mapping[str, Any], width: float, room: float, font_pt: float) -> _Plan:
    """Most boxes first; of those that fit, in the fewest columns. Of what never fits the least."""
    layers = model["layers"]
    most_columns = max(1, int((width + _GAP) / (_LEAST_WIDTH + _GAP))) if room < math.inf else 1
    plan = None
    for most in range(_MOST_BLOCKS, 0, -1):
        blocks = blocks_of(layers, most)
        for columns in range(1, min(most_columns, len(blocks)) + 1):
            plan = _in_columns(blocks, columns, width, font_pt)
            if plan.height <= room:
                return plan
    return plan or _Plan(((),), width, 2 * _END)


def _in_columns(blocks: Sequence[Block], columns: int, width: float, font_pt: float) -> _Plan:
    each = min(_MOST_WIDTH, (width - (columns - 1) * _GAP) / columns)
    boxes = [_box(block, each, font_pt) for block in blocks]
    # the parts in order whose tallest is the least high
    low, high = max(box.height for box in boxes), sum(box.height + _ARROW for box in boxes)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if len(_parted(boxes, middle)) <= columns else (middle, high)
    parts = _parted(boxes, high)
    return _Plan(tuple(map(tuple, parts)), each, max(_height(part) for part in parts) + 2 * _END + 2 * 0.9)


def _parted(boxes: Sequence[_Box], room: float) -> list[list[_Box]]:
    parts: list[list[_Box]] = [[]]
    for box in boxes:
        if parts[-1] and _height([*parts[-1], box]) > room:
            parts.append([])
        parts[-1].append(box)
    return parts


def _height(boxes: Sequence[_Box]) -> float:
    return sum(box.height for box in boxes) + _ARROW * (len(boxes) - 1)


def _box(block: Block, width: float, font_pt: float) -> _Box:
    size = small_pt(font_pt)
    room = (width - 1.3) * font_pt
    learnt = numbered(block.parameters) if block.parameters else ""
    beside = measured(learnt, size) + font_pt if learnt else 0.0
    title = block.title if block.count == 1 else f"{block.count} × {block.title}"
    head = fitted(title, room - beside, font_pt, bold=True)
    words = [word for word in (block.about, " · ".join(block.then)) if word]
    one = ", ".join(words) if measured(", ".join(words), size) <= room else ""
    lines = [one] if one else [line for word in words for line in wrapped(word, room, size, most=2)]
    lines = lines[:_MOST_LINES] if words else []
    return _Box(block, head, learnt, tuple(lines), _LINE * (1 + 0.95 * len(lines)) + 2 * _PAD)


def _draw(sheet: Axes, plan: _Plan, model: Mapping[str, Any], *, em: float, font_pt: float, room: float) -> None:
    size = small_pt(font_pt)
    steps = max(len(column) for column in plan.columns)
    spare = max(0.0, room - plan.height)
    arrow = min(_MOST_ARROW, _ARROW + spare / max(1, steps - 1))
    extra = min(_MOST_EXTRA, max(0.0, spare - (arrow - _ARROW) * (steps - 1)) / max(1, steps))  # for each box
    wide = len(plan.columns) * plan.width + (len(plan.columns) - 1) * _GAP
    whole = sheet.get_xlim()[1] / em
    begin = 0.2 + max(0.0, (whole - 0.4 - wide) / 2)
    for number, column in enumerate(plan.columns):
        left = begin + number * (plan.width + _GAP)
        middle = left + 0.5 * plan.width
        top = _HEAD
        if number == 0:
            shape = _shape(model.get("input"))
            _words(sheet, middle, top + 0.5 * _END, _input(model, boxes=column), em, size)
            top += _END
            _arrow(sheet, [(middle, top), (middle, top + 0.9)], em)
            top += 0.9
        else:
            top += _END + 0.9
        for place, box in enumerate(column):
            _draw_box(sheet, box, left, top, plan.width, extra, em=em, font_pt=font_pt)
            top += box.height + extra
            last = place == len(column) - 1
            if not last:
                _arrow(sheet, [(middle, top), (middle, top + arrow)], em)
                _words(sheet, middle + 0.5, top + 0.5 * arrow, _shape(box.block.output), em, size, ha="left")
                top += arrow
            elif number < len(plan.columns) - 1:  # up to the head of the next column
                lane, target = left + plan.width + 0.5 * _GAP, left + plan.width + _GAP + 0.5 * plan.width
                high = _HEAD + _END + 0.2
                path = [(middle, top), (middle, top + 0.7), (lane, top + 0.7), (lane, high), (target, high)]
                _arrow(sheet, [*path, (target, _HEAD + _END + 0.9)], em)
            else:
                _arrow(sheet, [(middle, top), (middle, top + 0.9)], em)
                shape = _shape(model.get("output"))
                _words(sheet, middle, top + 0.9 + 0.5 * _END, f"output {shape}".rstrip(), em, size)


def _draw_box(
    sheet: Axes, box: _Box, left: float, top: float, width: float, extra: float, *, em: float, font_pt: float
) -> None:
    from matplotlib.patches import Rectangle

    height = box.height + extra
    edge, face = _COLOURS[box.block.kind]
    size = small_pt(font_pt)
    corner = (left * em, top * em)
    if box.block.count > 1:  # a second sheet behind the first
        behind = ((left + 0.25) * em, (top - 0.25) * em)
        sheet.add_patch(
            Rectangle(behind, width * em, height * em, facecolor=face, edgecolor=edge, linewidth=0.05 * font_pt)
        )
    sheet.add_patch(
        Rectangle(corner, width * em, height * em, facecolor=face, edgecolor=edge, linewidth=0.08 * font_pt)
    )
    sheet.add_patch(Rectangle(corner, 0.35 * em, height * em, facecolor=edge, linewidth=0))
    line = top + _PAD + 0.5 * extra + 0.5 * _LINE
    sheet.text((left + 0.75) * em, line * em, box.head, va="center", fontweight="bold")
    if box.learnt:
        sheet.text((left + width - 0.45) * em, line * em, box.learnt, va="center", ha="right", fontsize=size)
    for words in box.lines:
        line += 0.98 * _LINE
        sheet.text((left + 0.75) * em, line * em, words, va="center", fontsize=size)


def _words(sheet: Axes, x: float, y: float, words: str, em: float, size: float, ha: Any = "center") -> None:
    sheet.text(x * em, y * em, words, va="center", ha=ha, fontsize=size, color=INK)


def _arrow(sheet: Axes, points: Sequence[tuple[float, float]], em: float) -> None:
    """A line through points, in em, with a head at its end."""
    from matplotlib.patches import Polygon

    xs, ys = ([point[axis] * em for point in points] for axis in (0, 1))
    x, y = xs[-1], ys[-1]
    sheet.plot(
        xs,
        [*ys[:-1], y - 0.3 * em],
        color=INK,
        linewidth=0.09 * em / MM_PER_PT,
        solid_capstyle="butt",
        solid_joinstyle="miter",
    )
    head = [(x, y), (x - 0.25 * em, y - 0.42 * em), (x + 0.25 * em, y - 0.42 * em)]
    sheet.add_patch(Polygon(head, closed=True, facecolor=INK, linewidth=0, zorder=3))


def _input(model: Mapping[str, Any], *, boxes: Sequence[_Box]) -> str:
    shape: Sequence[int] = model.get("input") or ()
    if len(shape) == 1 and boxes and boxes[0].block.kind == "embedding":
        return f"input: {shape[0]} tokens"
    return f"input {_shape(shape)}".rstrip()


def _shape(shape: Sequence[int] | None) -> str:
    return " × ".join(map(str, shape)) if shape else ""
