"""Which words spoke for a class: the text itself, wrapped, its words on light colours and underlined for grey print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from projectkit.figures.diverging import AGAINST, AGAINST_WORDS, FOR, FOR_WORDS, finite, largest, page
from projectkit.figures.labels import MM_PER_PT, measured, small_pt, wrapped
from projectkit.figures.style import INK, finish, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = tuple[Sequence[str], Sequence[float]]

_MARGIN = 1.0  # mm
_LINE = 1.75  # of the type size: a line with its underline
_GAP = 0.28  # of the type size: between words that bring no space of their own
_PAD = 0.06  # of the type size: around a word
_STRONGEST = 0.5  # of the full colour: ink on it keeps a contrast of 7 to 1
_WEAKEST = 0.08  # of the largest weight: less is not underlined
_MOST_LINES = 6  # of one text where the height is free
_VISIBLE = {"\n": "↵", "\r": "↵", "\t": "→", "": "·", "\u00a0": " "}


@dataclass(frozen=True)
class _Piece:
    """A token, or as much of it as fits on a line."""

    words: str
    weight: float  # in [-1, 1]
    left: float  # pt
    width: float
    inset: float  # pt: how far its underline keeps from the next word's


def attributed_text(
    rows: Sequence[Row],
    titles: Sequence[str],
    *,
    size_mm: tuple[float, float] | None = None,
    font_pt: float = 9.0,
) -> Figure:
    """Texts whose tokens are coloured by their attribution; of a text that is too long, the lines with the largest attributions.

    Args:
        rows: (tokens, attributions) of each text, above 0 for the class; each text has a scale of its own. Tokens that bring their
            spaces, and single characters, are set without a gap.
        titles: a line over each text.
        size_mm: width and height in print; unless given, 170 mm wide and as high as the texts need. Where they do not fit, the
            last are left out.
        font_pt: size of the text in print.
    """
    if len(rows) != len(titles) or any(len(tokens) != len(weights) for tokens, weights in rows):
        raise ValueError(f"{len(rows)} texts and {len(titles)} titles; give each a title, and each token a number")
    scaled = [_scaled(weights) for _, weights in rows]
    width_mm = size_mm[0] if size_mm else 170.0
    room = (width_mm - 2 * _MARGIN) / MM_PER_PT
    line_mm, foot_mm = _LINE * font_pt * MM_PER_PT, 2.2 * small_pt(font_pt) * MM_PER_PT
    with style(font_pt):
        broken = [
            _lines(tokens, weights, room - 2 * _width("…", font_pt), font_pt)
            for (tokens, _), weights in zip(rows, scaled, strict=True)
        ]
        most = _MOST_LINES
        free = (size_mm[1] - foot_mm) / line_mm - 1.3 * len(rows) if size_mm else math.inf
        while most > 1 and sum(min(most, len(lines)) for lines in broken) > free:
            most -= 1
        texts = [_excerpt(lines, most, font_pt) for lines in broken]
        height = size_mm[1] if size_mm else sum(line_mm * (len(lines) + 1.3) for lines in texts) + foot_mm + line_mm
        figure = new_figure((width_mm, height))
        figure.set_layout_engine("none")
        sheet = page(figure)
        if not rows:
            sheet.text(width_mm / 2, height / 2, "no texts", ha="center", va="center")
        top = 0.0
        for title, lines in zip(titles, texts, strict=True):
            if top + line_mm * (len(lines) + 1.3) > height - foot_mm + 0.01:
                break
            name = wrapped(title, room, font_pt, most=1, bold=True)[0]
            sheet.text(_MARGIN, top + 0.5 * line_mm, name, va="center", fontweight="bold")
            for index, line in enumerate(lines, start=1):
                for piece in line:
                    _draw(sheet, piece, top + (index + 0.5) * line_mm, font_pt)
            top += line_mm * (len(lines) + 1.3)
        if rows:
            _key(sheet, height - foot_mm / 2, small_pt(font_pt))
        finish(figure)
    return figure


def _scaled(weights: Sequence[float]) -> NDArray[np.float64]:
    numbers = finite(weights, "attributed text")
    return np.asarray(numbers / largest(numbers), dtype=np.float64)


def _visible(token: str) -> str:
    """What a reader sees of a token: a sign for what has no glyph."""
    words = _VISIBLE.get(token, token)
    return "".join(
        _VISIBLE.get(letter, letter if letter.isprintable() else f"\\x{ord(letter):02x}") for letter in words
    )


def _lines(tokens: Sequence[str], weights: NDArray[np.float64], room: float, font_pt: float) -> list[list[_Piece]]:
    """The tokens on lines of `room` points; one that is longer than a line is broken."""
    brings_spaces = all(len(token) <= 1 for token in tokens) or any(
        token[:1] == " " or token[-1:] == " " for token in tokens
    )
    gap = 0.0 if brings_spaces else _GAP * font_pt
    lines: list[list[_Piece]] = [[]]
    left = 0.0
    for token, weight in zip(tokens, weights, strict=True):
        words = _visible(token)
        while words:
            width = _width(words, font_pt)
            if left and left + width > room:
                lines.append([])
                left = 0.0
                words = words.lstrip() or " "
                continue
            part = words if width <= room else _fitting(words, room, font_pt)
            width = _width(part, font_pt)
            lines[-1].append(_Piece(part, float(weight), left, width, 0.15 * gap))
            left += width + gap
            words = words[len(part) :]
    return lines


def _width(words: str, font_pt: float) -> float:
    """With its spaces, which have no outline at the ends."""
    return measured(f"|{words}|", font_pt) - measured("||", font_pt) + 2 * _PAD * font_pt


def _fitting(words: str, room: float, font_pt: float) -> str:
    low, high = 1, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _width(words[:middle], font_pt) <= room else (low, middle - 1)
    return words[:low]


def _excerpt(lines: list[list[_Piece]], most: int, font_pt: float) -> list[list[_Piece]]:
    """The `most` lines one after another that hold most of the attribution, with an ellipsis where text is left out."""
    if len(lines) <= most:
        return lines
    sums = np.cumsum([0.0, *(sum(abs(piece.weight) for piece in line) for line in lines)])
    first = int(np.argmax(sums[most:] - sums[:-most]))
    chosen = [list(line) for line in lines[first : first + most]]
    dots = _width("…", font_pt)
    if first:
        chosen[0] = [_Piece("…", 0.0, 0.0, dots, 0.0), *(replace(piece, left=piece.left + dots) for piece in chosen[0])]
    if first + most < len(lines):
        left = chosen[-1][-1].left + chosen[-1][-1].width
        chosen[-1].append(_Piece("…", 0.0, left, dots, 0.0))
    return chosen


def _draw(sheet: Axes, piece: _Piece, middle: float, font_pt: float) -> None:
    from matplotlib.patches import Rectangle

    left, width = _MARGIN + piece.left * MM_PER_PT, piece.width * MM_PER_PT
    inset = piece.inset * MM_PER_PT
    em, strength = font_pt * MM_PER_PT, abs(piece.weight)
    colour = FOR if piece.weight > 0 else AGAINST
    if strength >= _WEAKEST / 4:
        face = (colour, _STRONGEST * strength)
        sheet.add_patch(Rectangle((left, middle - 0.6 * em), width, 1.2 * em, facecolor=face, linewidth=0))
    if strength >= _WEAKEST:
        sheet.plot(
            [left + inset, left + width - inset],
            [middle + 0.66 * em] * 2,
            color=colour,
            linewidth=0.5 + 1.3 * strength,
            linestyle="-" if piece.weight > 0 else (0, (1.2, 0.8)),
            solid_capstyle="butt",
            dash_capstyle="butt",
        )
    inner = left + _PAD * em + (len(piece.words) - len(piece.words.lstrip())) * 0.2 * em
    sheet.text(inner, middle + 0.26 * em, piece.words.strip(), va="baseline", fontsize=font_pt, color=INK)


def _key(sheet: Axes, middle: float, size: float) -> None:
    """What the colours and lines mean."""
    left = 0.0
    for words, weight in ((FOR_WORDS, 1.0), (AGAINST_WORDS, -1.0)):
        _draw(sheet, _Piece(words, weight, left, _width(words, size), 0.0), middle, size)
        left += _width(words, size) + 1.5 * size
