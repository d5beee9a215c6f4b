"""Small data sets of every modality that the catalogue knows for one test, with what real data has: gaps, rare values, empty texts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from projectkit.datasets import WITHHELD, Card, Samples, SplitPolicy, Table, Target, Texts, Tokens, catalogue
from projectkit.datasets.card import Withheld

ROWS = 240
OFFICIAL = SplitPolicy("official", {"test_sources": {"test": ["late"]}}, "the late rows are the test set")
STRATIFIED = SplitPolicy("stratified", {}, "by class")


def _labels() -> np.ndarray:
    return np.arange(ROWS, dtype=np.int64) % 2


def _text(rng: np.random.Generator) -> Texts:
    words = [["open", "läuft", "読む", "🙂", "x1"], ["close", "stürzt", "書く", "🙁", "x2"]]
    lines = [" ".join(rng.choice(words[label], rng.integers(1, 9))) + f" {row}" for row, label in enumerate(_labels())]
    return Texts.of([*lines[:-1], ""])


def _tokens(rng: np.random.Generator) -> Tokens:
    lengths = rng.integers(1, 30, ROWS)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = rng.integers(0, 6, offsets[-1]) + 6 * np.repeat(_labels(), lengths)
    return Tokens(values.astype(np.uint16), offsets, tuple(f"call_{number}" for number in range(12)))


def _table(rng: np.random.Generator) -> Table:
    numeric = rng.normal(size=(ROWS, 3)).astype(np.float32) + _labels()[:, None].astype(np.float32)
    numeric[rng.random(ROWS) < 0.2, 1] = np.nan
    hosts = np.array([f"host-{row}" for row in range(ROWS)])  # an identifier: one value a row
    protocol = np.where(rng.random(ROWS) < 0.1, "", np.array(["tcp", "udp"])[_labels()])
    return Table(numeric, ("a", "b", "c"), np.stack([protocol, hosts], axis=1), ("protocol", "host"))


def _images(rng: np.random.Generator) -> np.ndarray:
    return (rng.integers(0, 128, (ROWS, 1, 8, 8)) + 100 * _labels()[:, None, None, None]).astype(np.uint8)


def _series(rng: np.random.Generator) -> np.ndarray:
    scales = np.array([1.0, 1e3])[None, :, None]
    return ((rng.normal(size=(ROWS, 2, 32)) + _labels()[:, None, None]) * scales).astype(np.float32)


MAKERS = {"text": _text, "tokens": _tokens, "tabular": _table, "image": _images, "series": _series}


@pytest.fixture
def small_set(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A function from a modality to the name of a data set of it; further arguments change its card or its labels."""

    def make(modality: str, *, kind: str = "binary", labels: np.ndarray | None = None, **changes: object) -> str:
        name = f"small_{modality}"
        y = _labels() if labels is None else labels

        def read(_: object) -> Samples:
            return Samples(
                id=np.array([f"{name}-{row:03d}" for row in range(ROWS)]),
                x=MAKERS[modality](np.random.default_rng(7)),
                y={"label": y},
                source=np.where(np.arange(ROWS) < 200, "early", "late"),
            )

        fields = {
            "name": name,
            "title": name,
            "description": "Two hundred and forty made-up rows.",
            "modality": modality,
            "targets": {"label": Target(kind, ("normal", "attack"), split="stratified")},
            "default_target": "label",
            "licence": "CC0-1.0",
            "redistributable": True,
            "citation": "none",
            "read": read,
            "splits": {"stratified": STRATIFIED, "official": OFFICIAL},
        }
        card = Card(**{**fields, **changes})
        monkeypatch.setattr(catalogue, "_NAMES", (*catalogue._NAMES, name))
        monkeypatch.setitem(sys.modules, f"projectkit.datasets.cards.{name}", SimpleNamespace(CARD=card))
        return name

    return make


@pytest.fixture
def withheld_set(small_set: Callable[..., str]) -> str:
    """A data set whose test labels only the course has."""
    labels = _labels()
    labels[200:] = WITHHELD
    withheld = Withheld(subset="test", file="labels.csv", sha256="0" * 64)
    targets = {"label": Target("binary", ("normal", "attack"), split="official")}
    return small_set("tabular", labels=labels, withheld=withheld, targets=targets)


@pytest.fixture
def one_class_set(small_set: Callable[..., str]) -> str:
    """A data set for anomaly detection: the early rows are all normal."""
    labels = np.where(np.arange(ROWS) < 200, 0, _labels())
    targets = {"label": Target("anomaly", ("normal", "attack"), split="official")}
    return small_set("tabular", labels=labels, targets=targets)
