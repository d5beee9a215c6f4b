"""Numbers with their intervals, a row each: classes, slices of the data, differences between models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.labels import MM_PER_PT, fitted_names, small_pt
from projectkit.figures.style import FAINT, INK, PALETTE, finish, new_figure, stroke, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

Array = NDArray[np.float64]

_NAMES = 0.38  # of the width at most for the names
_LINE = 1.5  # of the type size: a row's height where nothing is short
_LEAST_LINE = 1.2
_FULL_MM = 110.0  # the width from which on a difference's interval is written beside it, with type of 9 points
_ABOVE = -0.65  # the row of what stands over the first
_AXIS_LINES = 3.6  # heights of a line: ticks and label below the rows


@dataclass(frozen=True)
class _Rows:
    """What is drawn, from the top on; `notes` stand at the right end."""

    names: Sequence[str]
    values: Array
    low: Array
    high: Array
    notes: Sequence[str]
    note_title: str

    def take(self, indices: Sequence[int]) -> _Rows:
        chosen = list(indices)
        return _Rows(
            [self.names[index] for index in chosen],
            self.values[chosen],
            self.low[chosen],
            self.high[chosen],
            [self.notes[index] for index in chosen],
            self.note_title,
        )


def per_class(
    names: Sequence[str],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    support: Sequence[int],
    metric: str = "F1",
    *,
    size_mm: tuple[float, float] | None = None,
    font_pt: float = 9.0,
) -> Figure:
    """One metric of each class with its interval, the lowest on top.

    Args:
        names: of the classes.
        values: of the metric, (classes,); NaN or None where there is no number, which is said.
        low: lower limits of the intervals, (classes,).
        high: upper limits.
        support: samples of each class, written beside it.
        metric: what the axis is called.
        size_mm: width and height in print; unless given, 120 mm wide and as high as the rows need. Where they do not fit,
            the highest are left out.
        font_pt: size of labels in print.
    """
    rows = _rows(names, values, low, high, [f"{count:,}" for count in support], "n")
    order = sorted(range(len(names)), key=lambda index: (np.isnan(rows.values[index]), rows.values[index]))
    return _draw(rows.take(order), metric, None, "classes", size_mm, font_pt)


def slices(
    names: Sequence[str],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    counts: Sequence[int],
    overall: float,
    metric: str = "accuracy",
    *,
    size_mm: tuple[float, float] | None = None,
    font_pt: float = 9.0,
) -> Figure:
    """One metric on each slice of the data with its interval, against all samples.

    Args:
        names: of the slices, drawn in this order from the top.
        values: of the metric, (slices,); NaN or None where a slice has no number.
        low: lower limits of the intervals, (slices,).
        high: upper limits.
        counts: samples of each slice, written beside it.
        overall: the metric on all samples, a dashed line.
        metric: what the axis is called.
        size_mm: width and height in print; unless given, 120 mm wide and as high as the rows need. Where they do not fit,
            the last are left out.
        font_pt: size of labels in print.
    """
    rows = _rows(names, values, low, high, [f"{count:,}" for count in counts], "n")
    return _draw(rows, metric, ("all samples", overall), "slices", size_mm, font_pt)


def differences(
    names: Sequence[str],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    metric: str = "difference",
    *,
    size_mm: tuple[float, float] | None = None,
    font_pt: float = 9.0,
) -> Figure:
    """Differences with their intervals around zero; filled where the interval leaves zero out.

    Args:
        names: what is compared, drawn in this order from the top.
        values: differences, (rows,).
        low: lower limits of the intervals, (rows,).
        high: upper limits.
        metric: what the axis is called.
        size_mm: width and height in print; unless given, 120 mm wide and as high as the rows need. Where they do not fit,
            the last are left out.
        font_pt: size of labels in print.
    """
    rows = _rows(names, values, low, high, [], "")
    notes = [
        "" if np.isnan(row[0]) else _signed(*row, full=(size_mm or (120,))[0] >= _FULL_MM * font_pt / 9)
        for row in zip(rows.values, rows.low, rows.high, strict=True)
    ]
    rows = _Rows(rows.names, rows.values, rows.low, rows.high, notes, "")
    return _draw(rows, metric, ("no difference", 0.0), "rows", size_mm, font_pt, around_zero=True)


def _signed(value: float, low: float, high: float, *, full: bool) -> str:
    digits = ".3f" if max(abs(low), abs(high), abs(value)) < 100 else ".3g"
    words = f"{value:+{digits}} [{low:+{digits}}, {high:+{digits}}]" if full else f"{value:+{digits}}"
    return words.replace("-", "−")


def _rows(
    names: Sequence[str], values: ArrayLike, low: ArrayLike, high: ArrayLike, notes: Sequence[str], title: str
) -> _Rows:
    middle, lower, upper = (np.asarray(column, dtype=np.float64).reshape(-1) for column in (values, low, high))
    lengths = [len(names), len(middle), len(lower), len(upper), *([len(notes)] if title else [])]
    if len(set(lengths)) > 1:
        raise ValueError(f"names, values and limits have {lengths} rows")
    return _Rows(names, middle, lower, upper, notes, title)


def _draw(
    rows: _Rows,
    metric: str,
    reference: tuple[str, float] | None,
    kind: str,
    size_mm: tuple[float, float] | None,
    font_pt: float,
    *,
    around_zero: bool = False,
) -> Figure:
    size = small_pt(font_pt)
    line_mm = size * MM_PER_PT
    size_mm = size_mm or (120.0, line_mm * (_LINE * max(1, len(rows.names)) + _AXIS_LINES + 2.0))
    most = max(1, int((size_mm[1] / line_mm - _AXIS_LINES - 2.0) / _LEAST_LINE))
    left_out = len(rows.names) - most if len(rows.names) > most else 0
    if left_out:
        shown = rows.take(range(most - 1))
        left_out += 1
    else:
        shown = rows
    with style(font_pt):
        figure = new_figure(size_mm)
        axes = figure.subplots()
        axes.set_xlabel(metric)
        if not rows.names:
            axes.set(xticks=[], yticks=[])
            axes.text(0.5, 0.5, f"no {kind}", ha="center", va="center", color=INK, transform=axes.transAxes)
            finish(figure)
            return figure
        count = len(shown.names) + bool(left_out)
        _marks(axes, shown, rows.values[len(shown.names) :], reference, size=size, around_zero=around_zero)
        names = fitted_names(shown.names, _NAMES * size_mm[0] / MM_PER_PT, size)
        if left_out:
            _left_out(axes, rows, len(shown.names))
            names.append(f"{left_out} more {kind}")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(count - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for index, note in enumerate(shown.notes):
            _note(axes, index, note, size)
        if shown.note_title:
            _note(axes, _ABOVE, shown.note_title, size, va="bottom")
        above: list[Text] = []
        if reference:
            name = reference[0] if around_zero else f"{reference[0]}: {reference[1]:.3f}"
            above.append(axes.text(reference[1], _ABOVE, name, ha="center", va="bottom", fontsize=size))
        finish(figure)
        for text in above:
            _keep_within(axes, text)
    return figure


def _note(axes: Axes, row: float, words: str, size: float, va: str = "center") -> None:
    transform = axes.get_yaxis_transform()
    axes.text(1.02, row, words, ha="left", va=va, fontsize=size, color=INK, transform=transform, clip_on=False)


def _left_out(axes: Axes, rows: _Rows, first: int) -> None:
    """From the lowest to the highest value of those that have no row of their own."""
    rest = rows.values[first:]
    rest = rest[np.isfinite(rest)]
    if len(rest):
        axes.plot([rest.min(), rest.max()], [first, first], color=FAINT, linewidth=stroke(3), solid_capstyle="round")


def _keep_within(axes: Axes, words: Text) -> None:
    """Move a text over the axes until it lies between their ends, or ends with them where it is the wider."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    box, frame = words.get_window_extent(), axes.get_window_extent()
    right = min(0.0, frame.x1 - box.x1)
    left = max(0.0, frame.x0 - box.x0)
    move = right if right or box.width > frame.width else left
    x, y = words.get_position()
    words.set_position(
        (float(axes.transData.inverted().transform((axes.transData.transform((x, 0))[0] + move, 0))[0]), y)
    )


def _marks(
    axes: Axes, rows: _Rows, rest: Array, reference: tuple[str, float] | None, *, size: float, around_zero: bool
) -> None:
    places = np.arange(len(rows.names))
    known = np.isfinite(rows.values)
    if reference:
        axes.axvline(reference[1], color=INK, linewidth=stroke(0.8), linestyle=(0, (4, 2)), zorder=1)
    away = (rows.low > 0) | (rows.high < 0) if around_zero else np.ones(len(places), dtype=bool)
    for chosen, face in ((known & away, PALETTE[0]), (known & ~away, "white")):
        if chosen.any():
            limits = [rows.values - rows.low, rows.high - rows.values]
            axes.errorbar(
                rows.values[chosen],
                places[chosen],
                xerr=np.nan_to_num(np.clip([side[chosen] for side in limits], 0, None)),
                linestyle="",
                marker="o",
                color=PALETTE[0],
                markerfacecolor=face,
                elinewidth=stroke(1.0),
                zorder=3,
            )
    ends = np.concatenate([rows.values, rows.low, rows.high, rest, [reference[1]] if reference else []])
    ends = ends[np.isfinite(ends)]
    if around_zero:
        far = float(np.abs(ends).max()) or 1.0
        axes.set_xlim(-1.08 * far, 1.08 * far)
    elif len(ends):
        room = 0.04 * (float(ends.max() - ends.min()) or 1.0)
        axes.set_xlim(float(ends.min()) - room, float(ends.max()) + room)
    for place in places[~known]:
        axes.text(
            0.02,
            place,
            "no number",
            va="center",
            color=INK,
            fontsize=size,
            transform=axes.get_yaxis_transform(),
        )
