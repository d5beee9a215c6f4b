"""Curves that stay small however long they are: at most about 2,000 points, with every peak kept.

Points are put into buckets of equal count as they come. A bucket gives its lowest and its highest point, its mean, and the fact that
something in it was no number; when there are too many buckets, neighbours are merged. So a curve of a million points costs the page no
more than one of two thousand, and a running one grows without being read again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

BUCKETS = 1000  # two points each


@dataclass(slots=True)
class _Bucket:
    """Neighbouring points: places in them are those of the low, the high and the first that is no number."""

    count: int
    total: float
    finite: int
    low: tuple[int, int, float, float] | None  # place, step, time, value
    high: tuple[int, int, float, float] | None
    broken: tuple[int, int, float, float] | None
    first: tuple[int, float]  # step, time
    last: tuple[int, float]


@dataclass
class Curve:
    """One metric of one run, as it grows.

    Args:
        buckets: how many are kept at most; a full curve has between half of that and all of it.
    """

    buckets: int = BUCKETS
    count: int = 0
    newest: tuple[int, float, float] | None = None  # step, time, value
    _every: int = 1  # points in a bucket
    _full: list[_Bucket] = field(default_factory=list)
    _open: list[tuple[int, float, float]] = field(default_factory=list)

    def add(self, step: int, time: float, value: float) -> None:
        """Append a point."""
        self.count += 1
        self.newest = (step, time, value)
        self._open.append(self.newest)
        if len(self._open) >= self._every:
            self._full.append(_bucket(self._open, self.count - len(self._open)))
            self._open = []
            if len(self._full) >= self.buckets:
                self._halve()

    def points(self) -> dict[str, Any]:
        """Columns for the page: `step`, `time`, `value`; thinned, also `mean` with the columns of the buckets' means."""
        buckets = [*self._full, *([_bucket(self._open, self.count - len(self._open))] if self._open else [])]
        shown: list[tuple[int, int, float, float]] = []
        for bucket in buckets:
            kept = {each[0]: each for each in (bucket.low, bucket.high, bucket.broken) if each is not None}
            shown += [kept[place] for place in sorted(kept)]
        if self.newest is not None and (not shown or shown[-1][0] != self.count - 1):
            shown.append((self.count - 1, *self.newest))
        columns: dict[str, Any] = {
            "count": self.count,
            "step": [point[1] for point in shown],
            "time": [_short(point[2]) for point in shown],
            "value": [_short(point[3]) for point in shown],
        }
        if self._every > 1:
            columns["mean"] = {
                "step": [(bucket.first[0] + bucket.last[0]) / 2 for bucket in buckets],
                "time": [_short((bucket.first[1] + bucket.last[1]) / 2) for bucket in buckets],
                "value": [_short(bucket.total / bucket.finite if bucket.finite else math.nan) for bucket in buckets],
            }
        return columns

    def _halve(self) -> None:
        self._full = [_merged(*self._full[index : index + 2]) for index in range(0, len(self._full), 2)]
        self._every *= 2


def _bucket(points: Sequence[tuple[int, float, float]], start: int) -> _Bucket:
    low = high = broken = None
    total, finite = 0.0, 0
    for place, (step, time, value) in enumerate(points, start):
        if not math.isfinite(value):
            broken = broken or (place, step, time, value)
            continue
        total += value
        finite += 1
        if low is None or value < low[3]:
            low = (place, step, time, value)
        if high is None or value > high[3]:
            high = (place, step, time, value)
    return _Bucket(len(points), total, finite, low, high, broken, points[0][:2], points[-1][:2])


def _merged(one: _Bucket, two: _Bucket | None = None) -> _Bucket:
    if two is None:
        return one
    lows = [each for each in (one.low, two.low) if each is not None]
    highs = [each for each in (one.high, two.high) if each is not None]
    return _Bucket(
        one.count + two.count,
        one.total + two.total,
        one.finite + two.finite,
        min(lows, key=lambda point: point[3]) if lows else None,
        max(highs, key=lambda point: point[3]) if highs else None,
        one.broken or two.broken,
        one.first,
        two.last,
    )


def _short(value: float) -> float:
    """Seven digits: more than a screen shows, half the bytes."""
    return float(f"{value:.7g}")
