"""Near duplicates among images: hashes of 64 bits that differ in few of them.

The hash is that of pHash: the picture in grey, 32 x 32, its cosine transform, and for each of the 8 x 8 lowest frequencies whether it is
above their median. Integers only (matrix products run in float64, but all of their values are integers below 2**53, which it holds
exactly), so hashes are the same on every machine.

A hash sees the large shapes and no more: two drawings of trousers may have the same. It is for photographs, frames of one film say; among
the 70,000 centred pictures of Fashion-MNIST 4 bits join 11,070 into one cluster, where nothing was copied.

Source: Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash Functions, thesis, FH Hagenberg (DCT hash); Manku, Jain &
Das Sarma 2007, Detecting near-duplicates for web crawling, WWW (equal blocks find hashes that differ in few bits).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.columns import IndexArray
from projectkit.datasets.copies.clusters import joined_if_alike

_SIDE = 32  # of the small picture
_KEPT = 8  # lowest frequencies in each direction: 64 bits
_LUMA = (299, 587, 114)  # of red, green and blue, in thousandths (ITU-R BT.601)
_AT_ONCE = 2048  # pictures: 16 MiB at 32 x 32

_Integers = NDArray[np.float64]  # float64 that hold integers


def perceptual_clusters(x: NDArray[np.uint8], threshold: float) -> IndexArray:
    """The first row of each row's cluster of similar images.

    Args:
        x: (n, channels, height, width); best without equal ones.
        threshold: how many of 64 bits may differ.

    Returns:
        (n,) row numbers.
    """
    hashes = perceptual_hash(x)

    def alike(left: IndexArray, right: IndexArray) -> NDArray[np.bool_]:
        near: NDArray[np.bool_] = np.bitwise_count(hashes[left] ^ hashes[right]) <= threshold
        return near

    return joined_if_alike(len(x), _bands(hashes, int(threshold) + 1), alike)


def perceptual_hash(x: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """64 bits for each image, of which few change where size, brightness or a few pixels do.

    Args:
        x: (n, channels, height, width); three channels are red, green and blue.

    Returns:
        (n,) uint64.
    """
    height, width = x.shape[2:]
    rows, columns = _shrinking(height), _shrinking(width)
    waves = _waves()
    weights = np.array(_LUMA if x.shape[1] == 3 else [1000 // x.shape[1]] * x.shape[1], dtype=np.float64)
    parts: list[NDArray[np.uint64]] = [np.zeros(0, dtype=np.uint64)]
    for begin in range(0, len(x), _AT_ONCE):
        some = x[begin : begin + _AT_ONCE].astype(np.float64)
        grey = np.einsum("nchw,c->nhw", some, weights)
        small = np.floor(rows @ grey @ columns.T / (height * width))
        spectrum = (waves @ small @ waves.T).reshape(len(some), -1)
        ordered = np.sort(spectrum[:, 1:], axis=1)  # without the mean, which says how bright the picture is
        bits = spectrum > ordered[:, [(ordered.shape[1] - 1) // 2]]
        parts.append(np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64))
    return np.concatenate(parts)


def _shrinking(length: int) -> _Integers:
    """(32, length): how much of each of 32 equal parts each pixel fills, in units of 1 / 32 pixel; a row's sum is `length`."""
    edges = np.arange(max(_SIDE, length) + 1)
    begin, end = edges[:_SIDE, None] * length, edges[1 : _SIDE + 1, None] * length
    left, right = edges[None, :length] * _SIDE, edges[None, 1 : length + 1] * _SIDE
    shares: _Integers = np.maximum(0, np.minimum(end, right) - np.maximum(begin, left)).astype(np.float64)
    return shares


def _waves() -> _Integers:
    """(8, 32): the lowest cosine waves, in units of 1 / 4096."""
    table = [
        [round(4096 * math.cos(math.pi * wave * (2 * place + 1) / (2 * _SIDE))) for place in range(_SIDE)]
        for wave in range(_KEPT)
    ]
    return np.array(table, dtype=np.float64)


def _bands(hashes: NDArray[np.uint64], count: int) -> Iterator[NDArray[Any]]:
    """Hashes that differ in fewer than `count` bits are equal in one of `count` bands."""
    edges = [64 * number // count for number in range(count + 1)]
    for low, high in pairwise(edges):
        yield hashes >> np.uint64(low) & np.uint64((1 << (high - low)) - 1)
