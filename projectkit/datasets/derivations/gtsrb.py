"""Rebuild gtsrb43_32x32.npz: every third frame of the GTSRB training tracks, as 32x32 RGB.

`build` streams the upstream tree, keeps the frames whose pixels are whole and reduces each to 32x32 at once, so that only small images
stay in memory. The rows end in the order of (class as text, track, frame), whatever order the files came in.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import Derivation, Members
from projectkit.datasets.derivations.github import archive_of

SOURCE = "jovanzac/Traffic"

SIDE = 32
_FRAME = re.compile(r"gtsrb/(\d+)/(\d+)_(\d+)\.ppm")
# Some 15% of the files went through a text mode that put \r before \n. Pillow takes that \n for the first byte of the pixels and
# shifts every colour by one, so the header is read here.
_HEADER = re.compile(rb"P6\r?\n(\d+) (\d+)\r?\n255\r?\n")


def build(archives: Mapping[str, Members]) -> bytes:
    """Make the `.npz` from the upstream tree.

    Args:
        archives: for SOURCE, a function that iterates over (path below the repository's root, content), in any order.

    Returns:
        An archive of x (n, 32, 32, 3) uint8, y (n,) uint8 class, track (n,) uint16 (unique within its class only), frame (n,) uint8.
    """
    rows: list[tuple[tuple[str, int, int], NDArray[np.uint8]]] = []
    for path, content in archives[SOURCE]():
        match = _FRAME.fullmatch(path)
        if match and int(match[3]) % 3 == 2:
            pixels = _pixels(content)
            if pixels is not None:
                rows.append(((match[1], int(match[2]), int(match[3])), _reduced(pixels)))
    rows.sort(key=lambda row: row[0])  # classes as text: 0, 1, 10, 11, ..., 2, 20, ...
    if not rows:
        raise ValueError("no frame is in it")
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        x=np.stack([image for _, image in rows]),
        y=np.array([int(sign) for (sign, _, _), _ in rows], dtype=np.uint8),
        track=np.array([track for (_, track, _), _ in rows], dtype=np.uint16),
        frame=np.array([frame for (_, _, frame), _ in rows], dtype=np.uint8),
    )
    return packed.getvalue()


def _pixels(content: bytes) -> NDArray[np.uint8] | None:
    """Pixels (height, width, 3) of a binary PPM file.

    None for the 2 empty files and the 73 whose pixels gained bytes in that text mode (1 and 27 of them at every third frame).
    """
    header = _HEADER.match(content)
    if header is None:
        return None
    width, height = int(header[1]), int(header[2])
    if len(content) - header.end() != width * height * 3:
        return None
    return np.frombuffer(content, dtype=np.uint8, offset=header.end()).reshape(height, width, 3)


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


DERIVATION = Derivation(
    upstreams=(archive_of(SOURCE, "4218b162fecd7ae1b1fa5aa9c33140c8d3dd9fc0", limit=1_000_000_000),),
    build=build,
)
