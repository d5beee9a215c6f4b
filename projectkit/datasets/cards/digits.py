"""Digits: 1,797 handwritten digits of 8 x 8 pixels, which come inside scikit-learn: real data without a download."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, SplitPolicy, Target
from projectkit.datasets.samples import Samples

_LEVELS = 16  # scikit-learn gives ink counts of 4 x 4 blocks, 0 to 16


def read(_: Mapping[str, Path]) -> Samples:
    """The digits in scikit-learn's order, ink scaled to 0..255."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return Samples(
        id=np.array([f"digit-{n:04d}" for n in range(len(labels))]),
        x=(pixels.astype(np.int64) * 255 // _LEVELS).astype(np.uint8).reshape(-1, 1, 8, 8),
        y={"digit": labels.astype(np.int64)},
    )


CARD = Card(
    name="digits",
    title="Optical Recognition of Handwritten Digits",
    description="1,797 digits written by 13 people, 8 x 8 pixels: the test half of the UCI data set, as scikit-learn carries it.",
    modality="image",
    targets={"digit": Target("multiclass", tuple(str(digit) for digit in range(10)), split="stratified")},
    default_target="digit",
    licence="CC BY 4.0",
    redistributable=True,
    citation="Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998, doi:10.24432/C50P49",
    read=read,
    splits={"stratified": SplitPolicy("stratified", {}, "70 / 10 / 20 by class; no picture occurs twice")},
    traps=(
        "The writers are not recorded, so a writer's digits lie on both sides of the split: a new writer is harder than the test says.",
    ),
    ethics="13 people gave their handwriting; neither name nor number of a writer is in the data.",
)
