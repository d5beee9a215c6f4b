"""Words that fit: names as wide as there is room for, and legends that cover no curve.

Widths are those of the outlines that an SVG holds, in points at the size in print, so that what fits here fits on paper.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend
    from matplotlib.transforms import Bbox

    Corner = Literal["lower right", "lower left", "upper right", "upper left"]
    Handle = Artist | ErrorbarContainer

MM_PER_PT = 25.4 / 72
LEAST_PT = 6.0  # below this, type in print is dirt
_ELLIPSIS = "…"
_LONGEST_TAIL = 16  # characters at the end of a name
_HANDLE = 5.0  # of the type size: a legend's line with the space around it
_SAMPLES = 200  # points of each line that a legend must not cover


def small_pt(font_pt: float) -> float:
    """The size of ticks and legends beside labels of `font_pt`: a tenth less, never less than can be read."""
    return max(0.9 * font_pt, min(LEAST_PT, font_pt))


@functools.lru_cache(maxsize=4096)
def width_pt(text: str, size_pt: float, families: tuple[str, ...], *, bold: bool = False) -> float:
    """How wide a text is drawn, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    properties = FontProperties(family=list(families), weight="bold" if bold else "normal", size=size_pt)
    width, _, _ = text_to_path.get_text_width_height_descent(text, properties, ismath=False)
    return float(width)


def measured(text: str, size_pt: float, *, bold: bool = False) -> float:
    """`width_pt` in the type of the style that is in force."""
    import matplotlib as mpl

    return max(width_pt(line, size_pt, tuple(mpl.rcParams["font.family"]), bold=bold) for line in text.split("\n"))


def fitted(name: str, room_pt: float, size_pt: float, *, bold: bool = False, tail: int = 0) -> str:
    """A name as it fits into a width: its beginning, an ellipsis and its last `tail` characters where it is too long."""
    if measured(name, size_pt, bold=bold) <= room_pt:
        return name
    end = name[len(name) - tail :] if tail else ""
    low, high = 1, max(1, len(name) - tail - 1)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if measured(name[:middle].rstrip() + _ELLIPSIS + end, size_pt, bold=bold) <= room_pt:
            low = middle
        else:
            high = middle - 1
    return name[:low].rstrip() + _ELLIPSIS + end


def fitted_names(names: Sequence[str], room_pt: float, size_pt: float) -> list[str]:
    """Names that fit into a width and are still told apart: those that begin alike keep their last characters too."""
    cut = [fitted(name, room_pt, size_pt) for name in names]
    alike = [index for index, name in enumerate(names) if cut[index] != name and cut.count(cut[index]) > 1]
    for tail in range(2, _LONGEST_TAIL, 2):
        for index in alike:
            cut[index] = fitted(names[index], room_pt, size_pt, tail=min(tail, len(names[index]) // 2))
        if len({cut[index] for index in alike}) == len({names[index] for index in alike}):
            break
    return cut


def wrapped(text: str, room_pt: float, size_pt: float, *, most: int, bold: bool = False) -> list[str]:
    """A text on at most `most` lines that fit into a width; a word that is too long is broken, what is left over is cut."""
    lines: list[str] = []
    rest = text.strip()
    while rest and len(lines) < most - 1:
        line = fitted(rest, room_pt, size_pt, bold=bold)
        if line == rest:
            break
        end = len(line) - len(_ELLIPSIS)
        space = rest.rfind(" ", 0, end + 2)
        cut = space if space > end // 3 else max(1, end)
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*lines, fitted(rest, room_pt, size_pt, bold=bold)] if rest or not lines else lines


def legend(axes: Axes, handles: Sequence[Handle], *, corners: Sequence[Corner] = (), font_pt: float) -> Legend:
    """A legend in the first of the corners where it covers nothing, else above or beside the axes; call it last, before `finish`.

    Args:
        axes: with all their lines.
        handles: what to name, with labels that fit the width of the figure.
        corners: of the axes, as matplotlib calls them, in the order of preference.
        font_pt: size of labels in print.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    lay_out(figure)
    for corner in corners:
        inside: Legend = axes.legend(handles=_any(handles), loc=corner, borderaxespad=0.3)
        inside.set_in_layout(False)
        if _is_free(axes, inside.get_window_extent(), pad=0.4 * font_pt * figure.dpi / 72):
            return inside
        inside.remove()
    beside = _is_better_beside(axes, handles, font_pt)
    outside: Legend = figure.legend(
        handles=_any(handles),
        loc="outside right upper" if beside else "outside upper left",
        ncols=1 if beside else legend_columns(figure, handles, font_pt),
        borderaxespad=0.2,
    )
    return outside


def lay_out(figure: Figure) -> None:
    """One pass of a figure's layout. Drawing without rendering does the same and takes twice as long."""
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)
    for axes in figure.axes:
        locator: Any = axes.get_axes_locator()  # a colour bar's; None for all others
        axes.apply_aspect(locator(axes, None) if locator else None)


def _is_better_beside(axes: Axes, handles: Sequence[Handle], font_pt: float) -> bool:
    """Whether a legend to the right leaves the axes more room than one above: their side where they are square, else their area."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    size = small_pt(font_pt)
    wide, high = (72 * float(side) - 3 * font_pt for side in figure.get_size_inches())  # without the axes' own labels
    wide_one = max(measured(str(handle.get_label()), size) for handle in handles) + _HANDLE * size
    high_one = 1.35 * size * -(-len(handles) // legend_columns(figure, handles, font_pt))
    if axes.get_aspect() == 1:
        return min(wide - wide_one, high) > min(wide, high - high_one)
    return (wide - wide_one) * high > wide * (high - high_one)


def _any(handles: Sequence[Handle]) -> Any:
    """Matplotlib takes error bars in a legend, its types do not."""
    return list(handles)


def legend_room_pt(width_mm: float, columns: int, font_pt: float) -> float:
    """How wide the text of an entry may be in a legend over the whole figure."""
    return width_mm / 25.4 * 72 / columns - _HANDLE * small_pt(font_pt) - 1


def legend_columns(figure: Figure, handles: Sequence[Handle], font_pt: float) -> int:
    """As many columns of a legend as fit beside each other."""
    size = small_pt(font_pt)
    widest = max(measured(str(handle.get_label()), size) for handle in handles) + _HANDLE * size
    return max(1, min(len(handles), int(figure.get_size_inches()[0] * 72 / widest)))


def _is_free(axes: Axes, box: Bbox, *, pad: float) -> bool:
    """Whether a box in pixels lies within the axes and on none of their lines, texts and areas."""
    box = box.padded(pad)
    frame = axes.get_window_extent().padded(1.5 * pad)
    if box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1:
        return False
    paths = [line.get_xydata() for line in axes.lines if line.get_transform() == axes.transData]
    bars = [path.vertices for drawn in axes.collections for path in drawn.get_paths()]  # error bars
    steps_of = [patch for patch in axes.patches if hasattr(patch, "get_data")]  # of a histogram
    paths += [patch.get_path().vertices for patch in steps_of]
    for path in [*paths, *bars]:
        points = np.asarray(axes.transData.transform(path), dtype=float)
        if len(points) < 2:
            continue
        steps = np.linspace(0, len(points) - 1, max(_SAMPLES, 4 * len(points)))
        dense = np.stack([np.interp(steps, np.arange(len(points)), points[:, axis]) for axis in (0, 1)], axis=1)
        if ((dense > (box.x0, box.y0)) & (dense < (box.x1, box.y1))).all(axis=1).any():
            return False
    others = [text.get_window_extent() for text in axes.texts] + [
        patch.get_window_extent() for patch in axes.patches if patch not in steps_of
    ]
    return not any(box.overlaps(other) for other in others)


def power_ticks(axes: Axes) -> None:
    """Powers of ten as `1e-3`, which needs no formula."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e"))
    )
    axes.xaxis.set_minor_formatter(NullFormatter())
