"""Synthetic tables: connections of three kinds, with numbers, categories and a rare class, for tests and first steps.

Made by a seeded generator. The class decides the mean of some numbers and the odds of the categories; a product of two numbers
carries what a linear model cannot see.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, SplitPolicy, Target
from projectkit.datasets.columns import Table
from projectkit.datasets.readers.generator import Draws
from projectkit.datasets.samples import Samples

_SEED, _SIZE = 20_102, 2_000
_CLASSES = ("normal", "scan", "intrusion")
_SHARES = (0.70, 0.20, 0.10)
_NUMERIC = ("duration", "bytes_sent", "bytes_received", "packets", "ports_tried", "logins_failed")
_MEANS = np.array([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [-0.9, -0.7, 0.0, 0.5, 1.4, 0.0], [0.6, 0.9, 0.0, 0.0, 0.0, 1.3]])
_CATEGORICAL = {"protocol": ("tcp", "udp", "icmp"), "service": ("web", "mail", "shell", "other")}
_ODDS = {  # cumulative, class by class
    "protocol": np.array([[0.75, 0.95, 1.0], [0.50, 0.75, 1.0], [0.85, 0.97, 1.0]]),
    "service": np.array([[0.60, 0.85, 0.90, 1.0], [0.30, 0.45, 0.60, 1.0], [0.30, 0.40, 0.85, 1.0]]),
}


def read(_: Mapping[str, Path]) -> Samples:
    """The same 2,000 rows every time."""
    draws = Draws(_SEED)
    labels = np.searchsorted(np.cumsum(_SHARES)[:-1], draws.uniform(_SIZE), side="right").astype(np.int64)
    numeric = draws.bell(_SIZE, len(_NUMERIC)) + _MEANS[labels]
    # For intrusions alone the third and fourth number have the same sign: a fact about their product, not about either.
    numeric[:, 2] = np.where((labels == 2) & (numeric[:, 2] * numeric[:, 3] < 0), -numeric[:, 2], numeric[:, 2])
    categorical = np.stack(
        [
            np.array(values)[(draws.uniform(_SIZE)[:, None] >= _ODDS[name][labels]).sum(axis=1)]
            for name, values in _CATEGORICAL.items()
        ],
        axis=1,
    )
    return Samples(
        id=np.array([f"row-{n:04d}" for n in range(_SIZE)]),
        x=Table(numeric.astype(np.float32), _NUMERIC, categorical, tuple(_CATEGORICAL)),
        y={"activity": labels},
    )


CARD = Card(
    name="synthetic_tabular",
    title="Synthetic connections",
    description=(
        "2,000 made-up connections with six numbers and two categories: 70% normal, 20% scan, 10% intrusion. "
        "Not data: it shows that a program works, never that a model is good."
    ),
    modality="tabular",
    targets={"activity": Target("multiclass", _CLASSES, split="stratified")},
    default_target="activity",
    licence="CC0-1.0",
    redistributable=True,
    citation="made by projectkit",
    read=read,
    splits={"stratified": SplitPolicy("stratified", {}, "70 / 10 / 20 by class; samples are independent")},
    traps=("It is made up: no conclusion about any real task follows from it.",),
)
