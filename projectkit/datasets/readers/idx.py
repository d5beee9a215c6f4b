"""The IDX format of MNIST and the sets made in its image: a big-endian header, then one byte a value.

Source: LeCun, Cortes & Burges, The MNIST database of handwritten digits, "File formats".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.samples import Samples
from projectkit.errors import WorkError

_BYTES = 0x08  # the type code of unsigned bytes, the only one that these sets use


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array in an IDX file of bytes, read-only, of the shape that its header says.

    Raises:
        WorkError: not such a file, or one whose length does not fit its header.
    """
    content = path.read_bytes()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _BYTES or len(content) < 4 + 4 * content[3]:
        raise WorkError("not an IDX file of bytes", where=str(path), remedy="remove it and fetch it again")
    shape = tuple(int(size) for size in np.frombuffer(content, dtype=">u4", count=content[3], offset=4))
    header = 4 + 4 * len(shape)
    if len(content) != header + prod(shape):
        raise WorkError(
            f"{len(content) - header} values where the header says {' x '.join(map(str, shape))}",
            where=str(path),
            remedy="remove it and fetch it again",
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def read_pictures(files: Mapping[str, Path], target: str, parts: Sequence[str] = ("train", "t10k")) -> Samples:
    """The grey pictures of each part after those of the part before, each in the file's order.

    Args:
        files: `<part>-images-idx3-ubyte` and `<part>-labels-idx1-ubyte` of each part.
        target: the name of what the labels are.
        parts: they become the samples' source.
    """
    images = [read_idx(files[f"{part}-images-idx3-ubyte"])[:, None] for part in parts]
    labels = [read_idx(files[f"{part}-labels-idx1-ubyte"]) for part in parts]
    return Samples(
        id=np.array([f"{part}-{n:05d}" for part, y in zip(parts, labels, strict=True) for n in range(len(y))]),
        x=np.concatenate(images),
        y={target: np.concatenate(labels).astype(np.int64)},
        source=np.repeat(parts, [len(y) for y in labels]),
    )
