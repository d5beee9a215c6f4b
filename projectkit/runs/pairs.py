"""All differences between results, corrected for their number.

Of two results every metric is tested, the monitored one first. With more of them each pair is tested on that metric alone, and its p is
corrected for the number of pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from projectkit.runs.evidence import Evidence
from projectkit.runs.replicates import Result
from projectkit.runs.versus import Test, Versus, less_is_better

_MOST_PAIRS = 45  # of ten results; of more of them each is compared with the best alone


@dataclass(frozen=True)
class Differences:
    """All of them, the metric shown first before the others, and what could not be tested, a line each."""

    pairs: tuple[Versus, ...]
    notes: tuple[str, ...]


def differences(results: Sequence[Result], evidence: Mapping[str, Evidence]) -> Differences:
    """The differences between results, subset by subset.

    Args:
        results: two or more; fewer have none.
        evidence: of each run, by its id.
    """
    if len(results) < 2:
        return Differences((), ())
    notes = dict.fromkeys(_unevaluated(results, evidence))
    found: list[Versus] = []
    for subset in _subsets(results, evidence):
        names = _metrics(results, evidence, subset)
        for metric in names if len(results) == 2 else names[:1]:
            of_metric = []
            for first, second in _pairs(results, evidence, subset, metric):
                test = Test(results[first], results[second], evidence, subset, metric)
                one = test.versus(first, second)
                notes |= dict.fromkeys(test.notes)
                of_metric += [one] if one is not None else []
            found += _corrected(of_metric, len(results))
    return Differences(tuple(found), tuple(notes))


def _unevaluated(results: Sequence[Result], evidence: Mapping[str, Evidence]) -> list[str]:
    """Runs without an evaluation on val, of which little can be tested; those of which it is damaged or outdated are told elsewhere."""
    every = [evidence[run.id] for result in results for run in result.runs]
    without = [each.run.id for each in every if "val" not in each.evaluations and not each.problems]
    if not without:
        return []
    named = without[0] if len(without) == 1 else f"{len(without)} of {len(every)} runs"
    were = "was" if len(without) == 1 else "were"
    return [f"{named} {were} not evaluated on val, so less is tested; type `projectkit evaluate {without[0]}`"]


def _corrected(pairs: Sequence[Versus], results: int) -> list[Versus]:
    from projectkit.metrics import holm

    if results < 3:
        return list(pairs)
    tested = {(pair.first, pair.second): pair.difference.p for pair in pairs if pair.difference.p is not None}
    by_pair = dict(zip(tested, holm(list(tested.values()), math.comb(results, 2)), strict=True))
    return [replace(pair, p_holm=by_pair.get((pair.first, pair.second))) for pair in pairs]


def _subsets(results: Sequence[Result], evidence: Mapping[str, Evidence]) -> list[str]:
    """`val` first; those that were evaluated, and val, which training logs."""
    found = dict.fromkeys(
        subset for result in results for run in result.runs for subset in evidence[run.id].evaluations
    )
    return sorted({*found, "val"}, key=lambda subset: (subset != "val", subset))


def _metrics(results: Sequence[Result], evidence: Mapping[str, Evidence], subset: str) -> list[str]:
    """The metrics that at least two results have, the monitored one first."""
    counts: dict[str, int] = {}
    for result in results:
        of_result: dict[str, None] = {}
        for run in result.runs:
            of_result |= dict.fromkeys(evidence[run.id].evaluations.get(subset, {}).get("metrics", {}))
            logged = (key.partition("/") for key in (run.best or run.last))
            of_result |= dict.fromkeys(name for where, slash, name in logged if slash and where == subset)
        for name in of_result:
            counts[name] = counts.get(name, 0) + 1
    monitored = [run.monitor.get("metric", "").rpartition("/")[2] for result in results for run in result.runs]
    known = [name for name, count in counts.items() if count > 1]
    first = [name for name in dict.fromkeys([*monitored, "f1_macro", "accuracy"]) if name in known][:1]
    return first + [name for name in known if name not in first]


def _pairs(
    results: Sequence[Result], evidence: Mapping[str, Evidence], subset: str, metric: str
) -> Iterator[tuple[int, int]]:
    """All pairs; of many results the best with each of the others."""
    every = math.comb(len(results), 2)
    if every <= _MOST_PAIRS:
        yield from combinations(range(len(results)), 2)
        return
    means: dict[int, float] = {}
    for index, result in enumerate(results):
        known = [evidence[run.id].value(subset, metric, evaluated=True) for run in result.runs]
        values = [value for value in known if value is not None and math.isfinite(value)]
        if values:
            means[index] = sum(values) / len(values)
    if means:
        best = (min if less_is_better(metric, results) else max)(means, key=lambda index: means[index])
        yield from ((best, index) for index in means if index != best)
