"""Whether a figure can be read on paper: the size of its smallest type, and whether its colours are told apart by every eye.

Colours are compared as people with one of the three kinds of colour blindness see them; about one man in twelve and one woman in two
hundred has one of the first two. Nothing is drawn here: files are read, ours and those of other programs.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from projectkit.figures.svg import Shape, length, opacity, read_svg

# Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency", table of severity 1;
# the matrices are for linear RGB.
_SEEN_BY = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
VISIONS = ("everybody", *_SEEN_BY)
_TOLD_APART = 25.0  # CIE 1976 distance from which on two colours mean two things
# Below these they look like one. Tritanopia is a hundred times as rare as the others, so only what is lost outright counts.
_ALIKE = {"protanopia": 11.0, "deuteranopia": 11.0, "tritanopia": 6.0}
_NEUTRAL = 12.0  # CIE 1976 chroma up to which a colour is a grey: axes and frames, of which nobody reads a meaning
_POINTS_PER_MM = 72 / 25.4
_OUTLINE_EM = 100.0  # units of an em in which matplotlib writes text that is drawn as outlines
_SIDE = 256  # pixels: pictures are made as small before their colours are counted
_STEP = 24  # colours nearer than that, of 256, are counted as one
_LEAST_SHARE = 0.004  # of a picture: what covers less is an edge between two colours
_MOST_COLOURS = 24  # more than that are shades: a photograph, a colour map


@dataclass(frozen=True)
class Confused:
    """Two colours that one kind of eye takes for one.

    Args:
        one: as `#rrggbb`.
        other: likewise.
        seen_by: `protanopia`, `deuteranopia` or `tritanopia`.
        distance: what is left between them, CIE 1976; 2.3 can just be seen side by side.
    """

    one: str
    other: str
    seen_by: str
    distance: float


def smallest_type_pt(svg: bytes, width_mm: float) -> float | None:
    """The size of the smallest type in a figure, once it is printed that wide.

    Text is measured where it is text, and where it is outlines as matplotlib writes them.

    Args:
        svg: the file.
        width_mm: of the whole figure, in print.

    Returns:
        Points; None where there is no type, or none whose size the file tells.

    Raises:
        ValueError: it is no SVG.
    """
    drawn = read_svg(svg)
    if not drawn.width:
        return None
    sizes = [size for shape in drawn.shapes if (size := _type_size(shape)) is not None]
    return min(sizes) * width_mm / drawn.width * _POINTS_PER_MM if sizes else None


def colour_blind(colours: Iterable[str]) -> list[Confused]:
    """Pairs of colours that people with full colour vision tell apart and colour-blind people do not, the worst first.

    Args:
        colours: as `#rrggbb`; greys among them are left out.

    Source: Machado, Oliveira & Fernandes 2009 (simulation); CIE 1976 L*a*b* distance (D65).
    """
    names = list(dict.fromkeys(colours))
    if len(names) < 2:
        return []
    rgb = np.array([[int(name[place : place + 2], 16) for place in (1, 3, 5)] for name in names]) / 255
    labs = {vision: lab(rgb, vision) for vision in VISIONS}
    chosen = np.flatnonzero(np.hypot(*labs["everybody"][:, 1:].T) > _NEUTRAL).tolist()
    found = []
    for one, other in itertools.combinations(chosen, 2):
        apart = {vision: float(np.linalg.norm(each[one] - each[other])) for vision, each in labs.items()}
        worst = min(_SEEN_BY, key=lambda vision: apart[vision] / _ALIKE[vision])
        if apart["everybody"] > _TOLD_APART and apart[worst] < _ALIKE[worst]:
            found.append(Confused(names[one], names[other], worst, round(apart[worst], 1)))
    return sorted(found, key=lambda each: each.distance)


def lab(rgb: NDArray[np.float64], vision: str = "everybody") -> NDArray[np.float64]:
    """Colours in CIE 1976 L*a*b* (D65) as an eye sees them.

    Args:
        rgb: sRGB in 0..1, (n, 3).
        vision: one of `VISIONS`.

    Returns:
        (n, 3).
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if vision in _SEEN_BY:
        linear = np.clip(linear @ np.array(_SEEN_BY[vision]).T, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = linear @ to_xyz.T / [0.9505, 1.0, 1.089]
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def picture_colours(content: bytes) -> list[str]:
    """The colours in which a picture says something, as `#rrggbb`, the most used first; none of a photograph.

    Args:
        content: an SVG, or pixels in a format that Pillow reads.

    Raises:
        ValueError: it is neither.
    """
    colours = _svg_colours(content) if content.lstrip()[:1] == b"<" else _pixel_colours(content)
    return colours if len(colours) <= _MOST_COLOURS else []


def _type_size(shape: Shape) -> float | None:
    """In units of the view box."""
    if shape.style.get("visibility") == "hidden" or not shape.opacity:
        return None
    if shape.tag in ("text", "tspan", "textPath") and shape.words:
        size = float(shape.style["font-size"]) * shape.scale
    elif shape.tag == "use" and shape.named.startswith("text_"):
        size = _OUTLINE_EM * shape.scale
    else:
        return None
    return size or None


def _svg_colours(content: bytes) -> list[str]:
    from matplotlib.colors import to_hex

    counted: Counter[str] = Counter()
    for shape in read_svg(content).shapes:
        if shape.tag in ("svg", "g", "text", "tspan", "use", "a"):
            continue
        for paint in ("fill", "stroke"):
            colour, seen = _named(shape.style.get(paint, "")), opacity(shape, paint)
            if colour is not None and seen > 0.05:
                red, green, blue = (1 - seen * (1 - part) for part in colour)  # over white
                counted[to_hex((red, green, blue))] += 1
    return [colour for colour, _ in counted.most_common()]


def _named(paint: str) -> tuple[float, float, float] | None:
    """A colour as SVG names it, in 0..1; None where it is none, a gradient or a pattern."""
    from matplotlib.colors import to_rgb

    parts = re.fullmatch(r"rgba?\(([^)]{1,80})\)", paint.strip())
    if parts:
        numbers = [part for part in re.split(r"[\s,/]+", parts[1].strip()) if part][:3]
        values = [length(part, 255.0) for part in numbers]
        known = [min(1.0, max(0.0, value / 255)) for value in values if value is not None]
        return (known[0], known[1], known[2]) if len(known) == 3 else None
    try:
        return None if paint in ("", "none") else to_rgb(paint.strip().lower())
    except ValueError:
        return None


def _pixel_colours(content: bytes) -> list[str]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(content)) as opened:
            step = max(1, max(opened.size) // _SIDE)
            # nearest pixels, not their mean, so that no colours come about that the picture does not have; first of all, as a photograph
            # in four channels takes four bytes a pixel
            small = (max(1, opened.width // step), max(1, opened.height // step))
            picture = opened.resize(small, Image.Resampling.NEAREST).convert("RGBA")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"no picture: {error}") from error
    paper = Image.new("RGBA", picture.size, "white")
    pixels = np.asarray(Image.alpha_composite(paper, picture).convert("RGB")).reshape(-1, 3)
    bins, counts = np.unique(pixels // _STEP, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    colours = []
    for place in order:
        if counts[place] < _LEAST_SHARE * len(pixels):
            break
        chosen = pixels[(pixels // _STEP == bins[place]).all(axis=1)]
        colours.append("#{:02x}{:02x}{:02x}".format(*np.median(chosen, axis=0).astype(int)))
    return colours
