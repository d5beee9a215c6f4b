"""Rows of a table in which each pair of options occurs, far fewer than the complete product."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence

Row = dict[str, str]
Allowed = Callable[[Row], bool]


def covering(options: Mapping[str, Sequence[str]], strength: int, allowed: Allowed, tries: int = 30) -> list[Row]:
    """Rows in which every allowed combination of `strength` options of different columns occurs; the same rows each time."""
    chance = random.Random(0)
    missing = {  # a dictionary and no set: the order is the same in every process
        combination: None
        for names in itertools.combinations(options, strength)
        for combination in itertools.product(*([(name, option) for option in options[name]] for name in names))
    }
    rows: list[Row] = []
    while missing:
        wanted = next(iter(missing))
        candidates = [row for _ in range(tries) if allowed(row := _random_row(options, chance) | dict(wanted))]
        if not candidates:
            del missing[wanted]  # a combination that is not allowed
            continue
        best = max(candidates, key=lambda row: sum(each in missing for each in combinations(row, strength)))
        rows.append(best)
        for each in combinations(best, strength):
            missing.pop(each, None)
    return rows


def product(options: Mapping[str, Sequence[str]], allowed: Allowed) -> Iterator[Row]:
    """Every allowed row."""
    for chosen in itertools.product(*options.values()):
        row = dict(zip(options, chosen, strict=True))
        if allowed(row):
            yield row


def combinations(row: Row, strength: int) -> Iterator[tuple[tuple[str, str], ...]]:
    return itertools.combinations(row.items(), strength)


def _random_row(options: Mapping[str, Sequence[str]], chance: random.Random) -> Row:
    return {name: chance.choice(list(each)) for name, each in options.items()}
