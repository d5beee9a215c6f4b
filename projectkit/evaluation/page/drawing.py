"""Pixels as PNG and small drawings as SVG, in markup that loads nothing."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.report.markup import Html, text

FOR = (0, 114, 178)  # as in figures/diverging.py
AGAINST = (213, 94, 0)
_SIDE = 160  # pixels of a picture's longer side that are kept
_POINTS = 400  # of a line
_WIDTH, _HEIGHT = 600, 90
_STRONGEST = 0.85  # how much of a pixel is covered by its colour at most
_QUANTILE = 0.995  # one pixel must not pale all others


def picture(image: NDArray[np.uint8], alt: str) -> Html:
    """An image (channels, height, width)."""
    return _png(_colours(_thinned(image)), alt)


def heat_map(image: NDArray[np.uint8], values: NDArray[np.float32], alt: str) -> Html:
    """Attributions (height, width) on the paled image: blue for, orange against."""
    grey = _colours(_thinned(image)).astype(np.float32).mean(axis=2, keepdims=True)
    paled = 255 - (255 - grey) * 0.45
    smooth = _smoothed(values.astype(np.float64))
    step = max(1, -(-max(values.shape) // _SIDE))
    smooth = smooth[::step, ::step]
    largest = float(np.quantile(np.abs(smooth), _QUANTILE)) or float(np.abs(smooth).max()) or 1.0
    share = np.clip(np.abs(smooth) / largest, 0, 1)[..., None] * _STRONGEST
    colour = np.where(smooth[..., None] > 0, np.array(FOR), np.array(AGAINST))
    return _png((paled * (1 - share) + colour * share).round().astype(np.uint8), alt)


def line(series: NDArray[Any], values: NDArray[np.float32] | None, alt: str) -> Html:
    """A series (length,) as a line, with its attributions (length,) as bands behind it."""
    known = np.nan_to_num(np.asarray(series, dtype=np.float64))
    low, high = float(known.min()), float(known.max())
    parts = np.array_split(np.arange(len(known)), min(_POINTS, len(known)))
    points = []
    for number, part in enumerate(parts):
        at = _WIDTH * (number + 0.5) / len(parts)
        for value in dict.fromkeys((float(known[part].min()), float(known[part].max()))):
            points.append(f"{at:.1f},{_HEIGHT - 4 - (_HEIGHT - 8) * (value - low) / ((high - low) or 1):.1f}")
    bands = "" if values is None else _bands(values)
    return Html(
        f'<svg class="line" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{text(alt)}">'
        f'{bands}<polyline points="{" ".join(points)}"/></svg>'
    )


def bar(share: float) -> Html:
    """A number in [-1, 1] as a bar from the middle: blue to the right, orange and hatched to the left."""
    width = 50 * min(1.0, abs(share))
    left = 50 if share > 0 else 50 - width
    kind = "for" if share > 0 else "against"
    return Html(
        f'<span class="bar"><span class="{kind}" style="margin-left:{left:.1f}%;width:{max(width, 0.5):.1f}%"></span></span>'
    )


def _bands(values: NDArray[np.float32]) -> str:
    parts = np.array_split(values.astype(np.float64), min(_POINTS // 2, len(values)))
    sums = np.array([part.sum() for part in parts])
    largest = float(np.abs(sums).max()) or 1.0
    width = _WIDTH / len(sums)
    return "".join(
        f'<rect class="{"for" if value > 0 else "against"}" x="{number * width:.1f}" y="0" width="{width + 0.1:.1f}" height="{_HEIGHT}" '
        f'opacity="{0.7 * abs(value) / largest:.2f}"/>'
        for number, value in enumerate(sums.tolist())
        if abs(value) > 0.03 * largest
    )


def _thinned(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    step = max(1, -(-max(image.shape[1:]) // _SIDE))
    return image[:, ::step, ::step]


def _colours(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(channels, height, width) -> (height, width, 3)."""
    shown = np.moveaxis(image, 0, -1)
    return shown if shown.shape[-1] == 3 else np.repeat(shown[..., :1], 3, axis=-1)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over about a thirtieth of the image: single pixels of a gradient flicker."""
    from scipy.ndimage import gaussian_filter

    smoothed: NDArray[np.float64] = gaussian_filter(values, sigma=max(values.shape) / 32)
    return smoothed


def _png(pixels: NDArray[np.uint8], alt: str) -> Html:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Html(f'<img class="pixels" alt="{text(alt)}" src="data:image/png;base64,{data}">')
