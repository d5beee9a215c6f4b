"""What a report is about."""

from __future__ import annotations

from dataclasses import dataclass

from projectkit.datasets.card import Card, Target
from projectkit.datasets.columns import IndexArray
from projectkit.datasets.copies.duplicates import copies
from projectkit.datasets.samples import Samples
from projectkit.datasets.splits import policies
from projectkit.datasets.splits.split import Split, make_split


@dataclass(frozen=True, eq=False)
class Subject:
    """What the page is about: a set, its default target, the split that does not leak and a careless one."""

    card: Card
    samples: Samples
    target: Target
    labels: IndexArray
    split: Split
    careless: dict[str, IndexArray]
    equal: IndexArray  # (n,) the first row with the same input
    near: IndexArray  # (n,) the first row of what the card counts as copies

    @classmethod
    def of(cls, card: Card, samples: Samples) -> Subject:
        """The default target on its default split with seed 0."""
        target = card.targets[card.default_target]
        equal = copies(samples.x)
        return cls(
            card=card,
            samples=samples,
            target=target,
            labels=samples.y[card.default_target],
            split=make_split(card, samples, card.default_target, target.split, seed=0),
            careless=policies.careless(samples.id),
            equal=equal,
            near=copies(samples.x, card.near_duplicates) if samples.copies is None else samples.copies,
        )
