"""Data sets that a test makes up, known to the catalogue under the name `made`."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from projectkit.datasets import Samples, catalogue
from projectkit.datasets.card import Card, SplitPolicy, Target, Withheld
from projectkit.datasets.columns import Table

CONFIG = "name: from_{0}\nseed: 5\ndata: {{name: {0}}}\nmonitor: {{metric: val/f1_macro, mode: max}}\n"


def samples(x: Any, y: NDArray[np.int64], **columns: Any) -> Samples:
    """Samples of a target `label`; the first two thirds are of the source `early`, the others `late`."""
    ids = np.array([f"row-{number:04d}" for number in range(len(y))])
    source = np.where(np.arange(len(y)) * 3 < 2 * len(y), "early", "late")
    return Samples(id=ids, x=x, y={"label": y}, source=source, **columns)


def table(numbers: NDArray[Any]) -> Table:
    """A table of numbers alone."""
    names = tuple(f"n{column}" for column in range(numbers.shape[1]))
    return Table(numbers.astype(np.float32), names, np.zeros((len(numbers), 0), dtype="<U1"), ())


def publish(
    monkeypatch: pytest.MonkeyPatch,
    made: Samples,
    modality: str = "tabular",
    *,
    kind: Any = "binary",
    split: str = "stratified",
    classes: tuple[str, ...] = ("normal", "attack"),
    withheld: Withheld | None = None,
) -> str:
    """Let the catalogue know the samples; the split `official` has the late ones as test."""
    card = Card(
        name="made",
        title="Made",
        description="Rows.",
        modality=modality,
        targets={"label": Target(kind, classes, split=split)},
        default_target="label",
        licence="CC0-1.0",
        redistributable=True,
        citation="none",
        read=lambda _files: made,
        splits={
            "stratified": SplitPolicy("stratified", {}, "drawn"),
            "official": SplitPolicy("official", {"test_sources": {"test": ["late"]}, "val_fraction": 0.3}, "by source"),
        },
        withheld=withheld,
    )
    monkeypatch.setattr(catalogue, "_NAMES", (*catalogue._NAMES, "made"))
    monkeypatch.setitem(sys.modules, "projectkit.datasets.cards.made", SimpleNamespace(CARD=card))
    return "made"
