"""Synthetic images: bright shapes on a noisy ground, 16 x 16. Made by a seeded generator, for tests and first steps.

A shape of one of four kinds stands within one pixel of the middle, in one of three sizes, at a brightness of its own; noise
covers everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, SplitPolicy, Target
from projectkit.datasets.readers.generator import Draws
from projectkit.datasets.samples import Samples

_SEED, _SIZE, _SIDE = 20_103, 2_000, 16
_CLASSES = ("disc", "square", "cross", "stripes")
_NOISE = 30.0  # standard deviation, of 255


def read(_: Mapping[str, Path]) -> Samples:
    """The same 2,000 pictures every time."""
    draws = Draws(_SEED)
    labels = draws.below(len(_CLASSES), _SIZE)
    top, left = (draws.below(3, _SIZE)[:, None, None] + 6.5 for _axis in range(2))
    radius = draws.below(3, _SIZE)[:, None, None] + 3.0
    brightness = 70.0 + 90.0 * draws.uniform(_SIZE)[:, None, None]
    y, x = (grid[None] for grid in np.mgrid[:_SIDE, :_SIDE])
    dy, dx = y - top, x - left  # (n, 16, 16)
    box = np.maximum(abs(dy), abs(dx)) <= radius
    shapes = np.stack(  # (4, n, 16, 16), in the order of the classes
        [
            dy * dy + dx * dx <= radius * radius,
            box,
            box & (np.minimum(abs(dy), abs(dx)) < 1.0),
            box & ((y + 0 * x) % 2 == 0),
        ]
    )
    shape = shapes[labels, np.arange(_SIZE)]
    pixels = 60.0 + shape * brightness + _NOISE * draws.bell(_SIZE, _SIDE, _SIDE)
    return Samples(
        id=np.array([f"image-{n:04d}" for n in range(_SIZE)]),
        x=np.clip(pixels, 0, 255).astype(np.uint8)[:, None],
        y={"shape": labels},
    )


CARD = Card(
    name="synthetic_images",
    title="Synthetic shapes",
    description=(
        "2,000 made-up grey pictures of 16 x 16 pixels with a disc, a square, a cross or stripes, equally frequent. "
        "Not data: it shows that a program works, never that a model is good."
    ),
    modality="image",
    targets={"shape": Target("multiclass", _CLASSES, split="stratified")},
    default_target="shape",
    licence="CC0-1.0",
    redistributable=True,
    citation="made by projectkit",
    read=read,
    splits={"stratified": SplitPolicy("stratified", {}, "70 / 10 / 20 by class; samples are independent")},
    traps=("It is made up: no conclusion about any real task follows from it.",),
)
