"""Which pixels spoke for a class: each picture with its map, both whole, the map centred at 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.diverging import AGAINST_WORDS, FOR_WORDS, colours, finite, largest, page, place
from projectkit.figures.labels import MM_PER_PT, measured, small_pt, wrapped
from projectkit.figures.style import FAINT, INK, finish, new_figure, stroke, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In mm for each point of the type:
_GAP = 0.375  # between the pairs
_LARGEST, _SMALLEST = 4.5, 1.75  # the longer side of a picture, and the width from which on it can be read
_LEAST_TITLE = 3.2  # for the words over it
_TITLE_LINES = 3
_QUANTILE = 0.995  # of the magnitudes: one pixel must not pale all others
_CONTOUR = 0.4  # of the largest: where lines show in grey print what speaks for (solid) and against (dashed)


@dataclass(frozen=True)
class _Grid:
    """Pairs in columns: a picture of `width` x `height` mm, its map beside or under it, under a title of `lines` lines."""

    columns: int
    rows: int
    width: float
    height: float
    beside: bool
    lines: int
    whole: bool  # no title is cut

    @property
    def pair(self) -> tuple[float, float]:
        return (2 * self.width + 1, self.height) if self.beside else (self.width, 2 * self.height + 1)


def attributed_images(
    images: ArrayLike,
    maps: ArrayLike,
    titles: Sequence[str],
    *,
    size_mm: tuple[float, float] | None = None,
    font_pt: float = 8.0,
) -> Figure:
    """Pictures with the attribution of their pixels: blue and a solid line for the class, orange and a dashed line against it.

    Args:
        images: uint8 (k, channels, height, width), one channel or three.
        maps: attributions (k, height, width), above 0 for the class; each picture has a scale of its own.
        titles: a line or two over each picture, k.
        size_mm: width and height in print; unless given, 170 mm wide and as high as the pictures need. Where they do not fit,
            the last are left out.
        font_pt: size of labels in print.
    """
    pictures, weights = np.asarray(images), finite(maps, "attributed images")
    if pictures.ndim != 4 or weights.shape != (len(pictures), *pictures.shape[2:]) or len(titles) != len(pictures):
        raise ValueError(
            f"images {pictures.shape}, maps {weights.shape} and {len(titles)} titles; give (k, c, h, w), (k, h, w), k"
        )
    count = len(pictures)
    bar_mm = 2.4 * small_pt(font_pt) * MM_PER_PT + 2
    ratio = pictures.shape[2] / pictures.shape[3] if count else 1.0
    gap = _GAP * font_pt
    with style(font_pt):
        grid = _grid(titles, ratio, size_mm, bar_mm, font_pt)
        title_mm = _title_mm(grid.lines, font_pt)
        height = size_mm[1] if size_mm else grid.rows * (grid.pair[1] + title_mm + gap) + bar_mm
        figure = new_figure((size_mm[0] if size_mm else 170.0, height))
        figure.set_layout_engine("none")
        sheet = page(figure)
        if not count:
            sheet.text(0.5, 0.5, "no pictures", ha="center", va="center", transform=sheet.transAxes)
            return figure
        for index in range(min(count, grid.rows * grid.columns)):
            left = 1 + (index % grid.columns) * (grid.pair[0] + gap)
            top = (index // grid.columns) * (grid.pair[1] + title_mm + gap)
            lines = wrapped(titles[index], grid.pair[0] / MM_PER_PT, font_pt, most=grid.lines)
            for line, words in enumerate(
                reversed(lines)
            ):  # each on its own: with its descenders a line would stand higher
                base = top + title_mm - (0.5 + 1.15 * line) * font_pt * MM_PER_PT
                sheet.text(left, base, words, va="baseline")
            top += title_mm
            _picture(place(figure, left, top, grid.width, grid.height), pictures[index])
            left, top = (left + grid.width + 1, top) if grid.beside else (left, top + grid.height + 1)
            _map(place(figure, left, top, grid.width, grid.height), weights[index])
        _bar(figure, sheet, min(height - bar_mm, grid.rows * (grid.pair[1] + title_mm + gap)), font_pt)
        finish(figure)
    return figure


def _title_mm(lines: int, font_pt: float) -> float:
    return (lines * 1.15 + 0.6) * font_pt * MM_PER_PT


def _grid(
    titles: Sequence[str], ratio: float, size_mm: tuple[float, float] | None, bar_mm: float, font_pt: float
) -> _Grid:
    """The columns that show most pictures at a size that can be read, then the largest; maps beside or under them, as it fits."""
    wide, high = (size_mm[0] if size_mm else 170.0) - 2, (size_mm[1] if size_mm else math.inf) - bar_mm
    count, gap = max(1, len(titles)), _GAP * font_pt
    grids = []
    for beside in (False, True):
        for columns in range(1, count + 1):
            across = (wide - (columns - 1) * gap) / columns
            side = min(_LARGEST * font_pt / max(1.0, ratio), (across - 1) / 2 if beside else across)
            shown = [wrapped(title, across / MM_PER_PT, font_pt, most=_TITLE_LINES) for title in titles]
            lines = max((len(each) for each in shown), default=1)
            for rows in range(1, math.ceil(count / columns) + 1):
                down = high / rows - _title_mm(lines, font_pt) - gap
                fits = max(1.0, min(side, (down if beside else (down - 1) / 2) / ratio))
                narrow = min(across, 2 * fits + 1 if beside else fits)
                cut = [wrapped(title, narrow / MM_PER_PT, font_pt, most=lines)[-1] for title in titles]
                whole = not any(words.endswith("…") for words in cut)
                grids.append(_Grid(columns, rows, fits, fits * ratio, beside, lines, whole))
    return max(grids, key=lambda grid: _worth(grid, count, font_pt))


def _worth(grid: _Grid, count: int, font_pt: float) -> tuple[float, ...]:
    """Legible first: pictures of `_SMALLEST` with a title that can be read; then many; then large ones; then few rows."""
    title = 1.0 if grid.whole else 0.9 * min(1.0, grid.pair[0] / (_LEAST_TITLE * font_pt))
    legible = min(1.0, grid.width / (_SMALLEST * font_pt), title)
    return (round(legible, 3), min(count, grid.rows * grid.columns), round(grid.width, 2), -grid.rows)


def _picture(axes: Axes, image: NDArray[np.uint8]) -> None:
    shown = np.moveaxis(image, 0, -1) if len(image) == 3 else image.mean(axis=0)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="none", aspect="auto")
    _frame(axes)


def _map(axes: Axes, weights: NDArray[np.float64]) -> None:
    end = largest(weights, _QUANTILE)
    axes.imshow(weights / end, cmap=colours(), vmin=-1, vmax=1, interpolation="none", aspect="auto")
    if min(weights.shape) > 1:
        for level, dash in ((_CONTOUR, "solid"), (-_CONTOUR, "dashed")):
            if (weights / end).min() < level < (weights / end).max():
                axes.contour(weights / end, levels=[level], colors=[INK], linewidths=stroke(0.5), linestyles=[dash])
    _frame(axes)


def _frame(axes: Axes) -> None:
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, linewidth=stroke(0.4), color=FAINT)


def _bar(figure: Figure, sheet: Axes, top: float, font_pt: float) -> None:
    """The scale beneath: against, 0, for."""
    size = small_pt(font_pt)
    before, after = f"{AGAINST_WORDS} (dashed)", f"{FOR_WORDS} (solid)"
    left = 1 + measured(before, size) * MM_PER_PT + 2
    wide = min(30.0, figure.get_size_inches()[0] * 25.4 - left - 3 - measured(after, size) * MM_PER_PT)
    high = 0.8 * size * MM_PER_PT
    axes = place(figure, left, top + 1, max(4.0, wide), high)
    axes.imshow(np.linspace(-1, 1, 201)[None], cmap=colours(), vmin=-1, vmax=1, aspect="auto")
    _frame(axes)
    middle = top + 1 + high / 2
    sheet.text(1, middle, before, va="center", fontsize=size)
    sheet.text(left + max(4.0, wide) + 2, middle, after, va="center", fontsize=size)
    sheet.text(left + max(4.0, wide) / 2, top + 1.3 + high, "0", ha="center", va="top", fontsize=size)
