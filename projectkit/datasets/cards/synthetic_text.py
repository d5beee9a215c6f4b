"""Synthetic text: log lines of a server that is used, probed or robbed. Made by a seeded generator, for tests and first steps.

A line is a header and eight words; a word comes from the vocabulary of the line's class with probability 0.26, else from a shared
one. One line in eleven has no word of its class at all, so a bag of words gets most lines right and never all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.readers.generator import Draws
from projectkit.datasets.samples import Samples

_SEED, _SIZE, _WORDS = 20_101, 2_000, 8
_OWN_SHARE = 0.26  # a linear model on character n-grams then gets about .90
_VOCABULARY = {
    "usage": "login logout render upload cached search profile checkout",
    "probing": "syn refused scan banner timeout traversal wordlist 404",
    "exfiltration": "archive dump tunnel base64 outbound chunk staging export",
}
_SHARED = "user session request file read write open close table port token query from to by at in with 200 302 403 root admin api"
_HEADERS = ("sshd", "nginx", "postgres", "cron")
_CLASSES = tuple(_VOCABULARY)


def read(_: Mapping[str, Path]) -> Samples:
    """The same 2,000 lines every time."""
    draws = Draws(_SEED)
    labels = draws.below(len(_CLASSES), _SIZE)
    headers, numbers = draws.below(len(_HEADERS), _SIZE), draws.below(90_000, _SIZE) + 10_000
    own = draws.uniform(_SIZE, _WORDS) < _OWN_SHARE
    picks = draws.uniform(_SIZE, _WORDS)
    lines = []
    for n in range(_SIZE):
        vocabulary = _VOCABULARY[_CLASSES[labels[n]]]
        words = [_pick(vocabulary if own[n, k] else _SHARED, float(picks[n, k])) for k in range(_WORDS)]
        lines.append(f"{_HEADERS[headers[n]]}[{numbers[n]}]: {' '.join(words)}")
    return Samples(id=np.array([f"line-{n:04d}" for n in range(_SIZE)]), x=Texts.of(lines), y={"activity": labels})


def _pick(vocabulary: str, draw: float) -> str:
    words = vocabulary.split()
    return words[int(draw * len(words))]


CARD = Card(
    name="synthetic_text",
    title="Synthetic log lines",
    description=(
        "2,000 made-up log lines of three activities, equally frequent. "
        "Not data: it shows that a program works, never that a model is good."
    ),
    modality="text",
    targets={"activity": Target("multiclass", _CLASSES, split="stratified")},
    default_target="activity",
    licence="CC0-1.0",
    redistributable=True,
    citation="made by projectkit",
    read=read,
    splits={"stratified": SplitPolicy("stratified", {}, "70 / 10 / 20 by class; samples are independent")},
    traps=("It is made up: no conclusion about any real task follows from it.",),
)
