"""Measurements in turn, and what their ratios say.

Contenders are run in turn, round after round, so that a slow minute of the machine hits all of them; what is reported is the median of
the ratios to the base within a round, with an interval. The base runs twice a round: where that A/A ratio is off by more than 10%, the
run is void.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results import markdown_table

VOID = 0.10  # how far the A/A ratio may be off
_LEVEL = 0.95


@dataclass(frozen=True)
class Row:
    """One contender: median seconds, and the median of its ratios to another one's within a round, with a 95% interval."""

    name: str
    seconds: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """All contenders of a run, the base first and its twin second: name -> seconds, round by round."""

    measured: Mapping[str, Sequence[float]]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every contender beside the base."""
        base = next(iter(self.measured))
        return tuple(self.between(name, base) for name in self.measured)

    @property
    def void(self) -> bool:
        """Whether the machine was too noisy for the run to mean anything."""
        return abs(self.rows[1].ratio - 1) > VOID

    def between(self, name: str, other: str) -> Row:
        """A contender beside another one."""
        seconds = self.measured[name]
        ratios = [a / b for a, b in zip(seconds, self.measured[other], strict=True)]
        low, high = median_interval(ratios)
        return Row(name, statistics.median(seconds), statistics.median(ratios), low, high)

    def __getitem__(self, name: str) -> Row:
        return self.between(name, next(iter(self.measured)))


def compare(contenders: Mapping[str, Callable[[], float]], rounds: int, warm: int = 1) -> Comparison:
    """Run the contenders in turn.

    Args:
        contenders: name -> measurement in seconds; the first is the base.
        rounds: how often each is measured.
        warm: rounds before, which are not counted: caches filled, kernels compiled.
    """
    names = list(contenders)
    base, twin = names[0], f"{names[0]} (A/A)"
    order = [base, twin, *names[1:]]
    measured: dict[str, list[float]] = {name: [] for name in order}
    for number in range(-warm, rounds):
        shift = number % len(order)  # every place in the round is everybody's in turn
        for name in (*order[shift:], *order[:shift]):
            seconds = contenders[base if name == twin else name]()
            if number >= 0:
                measured[name].append(seconds)
    return Comparison(measured)


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of a median from its order statistics, free of any assumption on the distribution; the range if there are under 6.

    Source: Conover 1999, Practical Nonparametric Statistics, section 3.2.
    """
    ordered, n = sorted(values), len(values)
    below, rank = 0.0, 0
    while rank < n // 2 and below + math.comb(n, rank) / 2**n <= (1 - _LEVEL) / 2:
        below += math.comb(n, rank) / 2**n
        rank += 1
    return ordered[max(0, rank - 1)], ordered[n - max(1, rank)]


def table(comparison: Comparison, unit: str = "ms", per: int = 1) -> str:
    """The rows as Markdown.

    Args:
        comparison: what was measured.
        unit: of the medians, `ms` or `us`.
        per: what a measurement is divided by, such as its steps.
    """
    factor = {"ms": 1e3, "us": 1e6}[unit] / per
    rows = [
        (row.name, f"{row.seconds * factor:,.0f}", f"{row.ratio:.2f}", f"{row.low:.2f} to {row.high:.2f}")
        for row in comparison.rows
    ]
    return markdown_table(("contender", f"{unit} a step" if per > 1 else unit, "ratio", "95% interval"), rows)
