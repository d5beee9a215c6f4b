"""Attributions as numbers in a file, and the figure of them at any size: what an evaluation leaves and a poster draws anew.

| `form` | beside it | drawn by |
|---|---|---|
| `columns` | `names`, `values` (p,) | `attributed_table`: means over many samples, which show none |
| `table` | `names`, `values` (k, p), `titles` | `attributed_table` |
| `images` | `images` (k, c, h, w) and `maps` (k, h, w), packed, `titles` | `attributed_images` |
| `series` | `series` (k, c, n) and `maps` (k, n), packed, `titles` | `attributed_series` |
| `text` | `rows`: `tokens` and `values` of each, `titles` | `attributed_text` |
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.figures.attributed_images import attributed_images
from projectkit.figures.attributed_text import attributed_text
from projectkit.figures.attributed_values import attributed_series, attributed_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STEPS = 127  # of an attribution on either side of 0: more than a colour map shows
_TYPES = ("uint8", "int8", "float32")
_MOST_VALUES = 20_000_000  # of a packed array


def attributed(
    document: Mapping[str, Any], *, size_mm: tuple[float, float] | None = None, font_pt: float = 8.0
) -> Figure:
    """The figure of attributions, whatever they are of.

    Args:
        document: of one of the forms in the table above.
        size_mm: width and height in print; unless given, 170 mm wide and as high as the samples need. Where they do not fit, the last
            are left out.
        font_pt: size of labels in print.

    Raises:
        ValueError: the document is of no form that is known, or its arrays do not fit each other.
    """
    form, titles = document["form"], list(document.get("titles", ()))
    size: dict[str, Any] = {"size_mm": size_mm, "font_pt": font_pt}
    if form in ("columns", "table"):
        return attributed_table(document["names"], document["values"], titles, **size)
    if form == "images":
        return attributed_images(unpacked(document["images"]), unpacked(document["maps"]), titles, **size)
    if form == "series":
        return attributed_series(unpacked(document["series"]), unpacked(document["maps"]), titles, **size)
    if form == "text":
        rows = [(row["tokens"], row["values"]) for row in document["rows"]]
        return attributed_text(rows, titles, **size)
    raise ValueError(f"attributions of a form that is not known: {form!r}")


def packed_maps(maps: ArrayLike) -> dict[str, Any]:
    """Attributions of pixels or moments (k, ...) in few bytes: each sample has a scale of its own in a figure, so whole numbers do."""
    values = np.asarray(maps, dtype=np.float64)
    ends = np.abs(values).reshape(len(values), -1).max(axis=1, initial=0.0)
    scale = np.where(ends > 0, _STEPS / np.where(ends > 0, ends, 1), 0.0).reshape(-1, *[1] * (values.ndim - 1))
    return packed(np.rint(values * scale).astype(np.int8))


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """An array as JSON holds it; whole numbers of eight bits, or float32."""
    kept = array if array.dtype.name in _TYPES else array.astype(np.float32)
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(kept).tobytes(), 9)).decode("ascii")
    return {"shape": list(kept.shape), "dtype": kept.dtype.name, "zlib": data}


def unpacked(document: Mapping[str, Any]) -> NDArray[Any]:
    """The array of `packed`.

    Raises:
        ValueError: it is not what its shape says.
    """
    shape, name = tuple(int(side) for side in document["shape"]), document["dtype"]
    count = math.prod(shape)
    if name not in _TYPES or not 0 <= count <= _MOST_VALUES or min(shape, default=0) < 0:
        raise ValueError(f"no packed array: {shape} of {name}")
    size = count * np.dtype(name).itemsize
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(document["zlib"]), size + 1)  # never more than it says
    except (zlib.error, ValueError) as error:
        raise ValueError(f"a damaged array: {error}") from error
    if len(data) != size:
        raise ValueError(f"a damaged array: {len(data)} bytes of {size}")
    return np.frombuffer(data, dtype=name).reshape(shape)
