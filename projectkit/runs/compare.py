"""Two runs or more side by side: the settings that differ beside the numbers that differ, and whether they may be compared at all.

Numbers are compared like with like: those of evaluations on the same samples, with their intervals, and those that training logged at the
best checkpoint. What makes a comparison unfair (other data, another split, other code) is found in the records and named. Runs that are one
result (replicates.py) also stand as one, and differences between results are tested (versus.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projectkit.errors import UserError
from projectkit.runs.evidence import Evidence
from projectkit.runs.fairness import unfair_reasons
from projectkit.runs.files import as_float
from projectkit.runs.ledger import looks
from projectkit.runs.pairs import differences
from projectkit.runs.reader import Run
from projectkit.runs.replicates import Result, results_of, settings_of
from projectkit.runs.verdict import alone, sentences
from projectkit.runs.versus import Versus, less_is_better

_MANY_LOOKS = 3  # at one test subset: more of them are said even where each was of a run that is compared


@dataclass(frozen=True)
class Line:
    """A setting or a number of everything that is compared; None where one does not have it.

    Args:
        key: its dotted key, or `val/f1_macro`.
        values: one a run (a result), in their order.
        low: lower ends of the 95% intervals; empty where there are none.
        high: upper ends.
        best: which is the best, as an index; None where direction or values are not known, or equal.
        spread: standard deviations over the runs of each result; empty where the line is one of runs.
    """

    key: str
    values: tuple[Any, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    best: int | None = None
    spread: tuple[float | None, ...] = ()

    @property
    def apart(self) -> bool:
        """Whether the intervals of at least two runs do not overlap, so that chance alone hardly explains the difference."""
        ends = [
            (low, high) for low, high in zip(self.low, self.high, strict=True) if low is not None and high is not None
        ]
        return len(ends) > 1 and max(low for low, _ in ends) > min(high for _, high in ends)


@dataclass(frozen=True)
class Comparison:
    """What differs between runs.

    Args:
        runs: in the order in which they were given.
        unfair: why their numbers cannot be compared as they stand, a clause each; empty where they can.
        settings: keys of the config, and what was resolved, where they differ.
        evaluated: numbers of evaluations on the same samples, by `<subset>/<metric>`.
        logged: numbers of the best checkpoints as training logged them (of the last epoch where nothing was monitored).
        alike: how many settings are the same in all of them.
        results: what the runs come to: seeds and folds of the same settings are one.
        by_result: the numbers of each result: the mean over its runs, with an interval of that mean over seeds; of one run its own.
        differences: between results, with their tests; the metric shown first comes first.
        notes: what could not be tested or was left out, and how often a test subset was looked at; a line each.
        sentences: what it comes to, one a subset, for a report.
    """

    runs: tuple[Run, ...]
    unfair: tuple[str, ...]
    settings: tuple[Line, ...]
    evaluated: tuple[Line, ...]
    logged: tuple[Line, ...]
    alike: int = field(default=0)
    results: tuple[Result, ...] = ()
    by_result: tuple[Line, ...] = ()
    differences: tuple[Versus, ...] = ()
    notes: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        ids = [run.id for run in self.runs]
        return {
            "runs": ids,
            "unfair": list(self.unfair),
            "settings": {line.key: list(line.values) for line in self.settings},
            "evaluated": {line.key: _numbers(line) for line in self.evaluated},
            "logged": {line.key: _numbers(line) for line in self.logged},
            "results": [result.as_dict() for result in self.results],
            "by_result": {line.key: _numbers(line) for line in self.by_result},
            "differences": [pair.as_dict(self.results) for pair in self.differences],
            "notes": list(self.notes),
            "sentences": list(self.sentences),
        }


def compare(runs: Sequence[Run], ledger: Path | None = None) -> Comparison:
    """Put runs beside one another.

    Args:
        runs: two or more, in any order; the same one twice counts once.
        ledger: the project's folder of looks at test subsets; None leaves the looks uncounted.

    Raises:
        UserError: fewer than two different runs.
    """
    different = tuple({run.id: run for run in runs}.values())
    if len(different) < 2:
        named = f"only {different[0].id}" if different else "no run"
        raise UserError(f"two runs are needed to compare, and there is {named}", remedy="see `projectkit runs list`")
    evidence = {run.id: Evidence(run) for run in different}
    settings = [settings_of(run) for run in different]
    lines = _lines(settings)
    changed = tuple(line for line in lines if _differs(line, different, settings))
    results = results_of(different)
    unfair = tuple(unfair_reasons(different, results))
    found = differences(results, evidence)
    problems = [problem for each in evidence.values() for problem in each.problems]
    by_result = tuple(_by_result(results, evidence))
    looked = _looks(ledger, different, {pair.subset for pair in found.pairs}) if ledger else []
    return Comparison(
        different,
        unfair,
        changed,
        tuple(_evaluated(different, evidence)),
        tuple(_logged(different)),
        alike=len(lines) - len(changed),
        results=results,
        by_result=by_result,
        differences=found.pairs,
        notes=(*problems, *found.notes, *looked),
        sentences=sentences(results, found.pairs, unfair) if len(results) > 1 else _alone(results[0], by_result),
    )


def _alone(result: Result, lines: Sequence[Line]) -> tuple[str, ...]:
    """One sentence about runs that are one result, by the metric that is shown first."""
    for line in lines:
        mean, spread = line.values[0], line.spread[0]
        if mean is not None and spread is not None:
            low, high = line.low[0], line.high[0]
            return (alone(result, line.key, mean, None if low is None or high is None else (low, high), spread),)
    return ()


def _differs(line: Line, runs: Sequence[Run], settings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether runs have other values of a setting; a baseline has neither model nor optimiser, which is no difference of those."""
    told = [
        value
        for run, known, value in zip(runs, settings, line.values, strict=True)
        if run.kind != "baseline" or line.key in known
    ]
    return line.key == "baseline" or any(value != told[0] for value in told)


def _lines(found: Sequence[Mapping[str, Any]]) -> list[Line]:
    keys = dict.fromkeys(key for each in found for key in each)
    return [Line(key, tuple(each.get(key) for each in found)) for key in keys]


def _evaluated(runs: Sequence[Run], evidence: Mapping[str, Evidence]) -> list[Line]:
    documents = [evidence[run.id].evaluations for run in runs]
    lines = []
    for subset in dict.fromkeys(subset for each in documents for subset in each):
        there = [each.get(subset, {}) for each in documents]
        same = {evidence[run.id].samples(subset) for run, each in zip(runs, there, strict=True) if each}
        if sum(map(bool, there)) < 2 or len(same) > 1:
            continue
        metrics = [each.get("metrics", {}) for each in there]
        for name in dict.fromkeys(name for each in metrics for name in each):
            entries = [each.get(name, {}) for each in metrics]
            values, low, high = (
                tuple(as_float(entry.get(key)) for entry in entries) for key in ("value", "low", "high")
            )
            ends = (low, high) if any(end is not None for end in low) else ((), ())
            lines.append(Line(f"{subset}/{name}", values, *ends, best=_best(values, name, None)))
    return lines


def _logged(runs: Sequence[Run]) -> list[Line]:
    numbers = [{key: value for key, value in (run.best or run.last).items() if "/" in key} for run in runs]
    modes = {run.monitor.get("metric"): run.monitor.get("mode") for run in reversed(runs)}  # the first one decides
    lines = [line for line in _lines(numbers) if sum(value is not None for value in line.values) > 1]
    return [Line(line.key, line.values, best=_best(line.values, line.key, modes.get(line.key))) for line in lines]


def _by_result(results: Sequence[Result], evidence: Mapping[str, Evidence]) -> list[Line]:
    """The numbers that results have, the monitored one first; evaluated where all of their runs are, else as training logged them."""
    keys: dict[tuple[str, str], None] = {}
    for run in (run for result in results for run in result.runs):
        for subset, document in evidence[run.id].evaluations.items():
            keys |= dict.fromkeys((subset, name) for name in document.get("metrics", {}))
        keys |= dict.fromkeys(
            (key.partition("/")[0], key.partition("/")[2]) for key in (run.best or run.last) if "/" in key
        )
    lines = []
    for subset, name in keys:
        means = [_mean(result, evidence, subset, name) for result in results]
        values = tuple(mean[0] for mean in means)
        best = _best(values, name, "min" if less_is_better(f"{subset}/{name}", results) else "max")
        low, high, spread = (tuple(mean[place] for mean in means) for place in (1, 2, 3))
        lines.append(Line(f"{subset}/{name}", values, low, high, best, spread))
    monitored = {run.monitor.get("metric") for result in results for run in result.runs}
    return sorted(lines, key=lambda line: line.key not in monitored)


def _mean(
    result: Result, evidence: Mapping[str, Evidence], subset: str, name: str
) -> tuple[float | None, float | None, float | None, float | None]:
    """The mean over a result's runs, the ends of its interval, and the standard deviation; of one run its own interval."""
    from projectkit.metrics import mean_of_seeds

    runs = [evidence[run.id] for run in result.runs]
    for evaluated in (True, False):
        values = [each.value(subset, name, evaluated=evaluated) for each in runs]
        known = [value for value in values if value is not None and math.isfinite(value)]
        if len(known) == len(values):
            break
    if not known:
        return None, None, None, None
    if len(runs) == 1:
        entry = runs[0].entry(subset, name)
        return known[0], as_float(entry.get("low")), as_float(entry.get("high")), None
    mean = sum(known) / len(known)
    if len(known) == 1:
        return mean, None, None, None
    spread = math.sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1))
    if result.kind == "folds":  # their training sets overlap, so that no interval follows from their spread alone
        return mean, None, None, spread
    interval = mean_of_seeds(known)
    return mean, interval.low, interval.high, spread


def _looks(ledger: Path, runs: Sequence[Run], subsets: set[str]) -> list[str]:
    """How often the labels of each test subset were looked at on the split of these runs, as the ledger has it."""
    digests = {run.part("data").get("split_digest") for run in runs}
    found: dict[str, list[str]] = {}
    for look in looks(ledger):
        if look.subset in subsets and look.data.get("split_digest") in digests:
            found.setdefault(look.subset, []).append(look.run)
    return [
        f"{subset} was looked at {len(of)} times, with {len(set(of))} runs (ledger/); what is chosen after a look is no longer tested by it"
        for subset, of in sorted(found.items())
        if len(of) > len({run.id for run in runs} & set(of)) or len(of) > _MANY_LOOKS
    ]


def _best(values: Sequence[float | None], name: str, mode: str | None) -> int | None:
    """Which value is the best: less is better of losses and errors."""
    less = mode == "min" or (mode is None and less_is_better(name))
    known = [value for value in values if value is not None and not math.isnan(value)]
    if len(set(known)) < 2:
        return None
    wanted = min(known) if less else max(known)
    return values.index(wanted) if known.count(wanted) == 1 else None


def _numbers(line: Line) -> dict[str, Any]:
    intervals = {"low": list(line.low), "high": list(line.high), "apart": line.apart} if line.low else {}
    spread = {"spread": list(line.spread)} if line.spread else {}
    return {"values": list(line.values), **intervals, **spread, "best": line.best}
