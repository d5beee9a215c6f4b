"""What a comparison comes to, in sentences that can stand in a report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from projectkit.runs.difference import LEVEL
from projectkit.runs.replicates import Result
from projectkit.runs.versus import Versus

_MOST_SAMPLES = 1_000_000
_METRICS = {
    "f1_macro": "macro F1",
    "mcc": "MCC",
    "auroc": "AUROC",
    "ece": "ECE",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
}


def sentences(results: Sequence[Result], pairs: Sequence[Versus], unfair: Sequence[str]) -> tuple[str, ...]:
    """One for each subset: which result is better by the metric shown first, or what would be needed to tell.

    Args:
        results: that were compared.
        pairs: their differences, as `versus` gives them.
        unfair: why the numbers cannot be compared as they stand; the sentences begin with it.
    """
    told = []
    for subset in dict.fromkeys(pair.subset for pair in pairs):
        of_subset = [pair for pair in pairs if pair.subset == subset]
        shown = [pair for pair in of_subset if pair.metric == of_subset[0].metric]
        text = _pair(results, shown[0]) if len(results) == 2 else _several(results, shown)
        told.append(f"Not a fair comparison ({'; '.join(unfair)}): {text}" if unfair else text)
    return tuple(told)


def alone(result: Result, key: str, mean: float, ends: tuple[float, float] | None, spread: float) -> str:
    """What several runs of one result come to.

    Args:
        result: the only one.
        key: of the number, `val/f1_macro`.
        mean: over its runs.
        ends: of the interval of the mean, None of folds.
        spread: standard deviation over the runs.
    """
    subset, _, metric = key.partition("/")
    text = f"{result.described} has a mean {metric_name(metric)} of {number(mean)} on {subset}, standard deviation {number(spread)}"
    interval = f", {LEVEL:.0%} interval of the mean over seeds [{number(ends[0])}, {number(ends[1])}]" if ends else ""
    return f"{text}{interval}."


def metric_name(metric: str) -> str:
    """A metric as a report writes it: `macro F1`."""
    return _METRICS.get(metric, metric.replace("_", " "))


def number(value: float, decimals: int = 3) -> str:
    """As papers write it: `.021`, `-.004`, `1.250`."""
    text = f"{value:.{decimals}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def p_value(p: float | None) -> str:
    """`p = .012`, `p < .001`; empty where there is none."""
    if p is None:
        return ""
    return "p < .001" if p < 0.001 else f"p = {number(p, 3 if p < 0.1 else 2)}"


def _pair(results: Sequence[Result], pair: Versus) -> str:
    one, other, metric = results[pair.first].described, results[pair.second].described, metric_name(pair.metric)
    if pair.better is None:
        said = f"{one} and {other} cannot be told apart by {metric} on {pair.subset}: {_measured(pair, signed=True)}"
        return " ".join([f"{said}.", *filter(None, [_needed(pair), _caveats(results, [pair])])])
    worse = results[pair.second if pair.better == pair.first else pair.first].described
    less = f", less {metric} being better" if pair.less else ""
    said = f"{results[pair.better].described} is better than {worse} by {_measured(pair)}{less}."
    return f"{said} {_caveats(results, [pair])}".strip()


def _several(results: Sequence[Result], pairs: Sequence[Versus]) -> str:
    """The result that no other one is above, and what it is better than."""
    beaten = dict.fromkeys(range(len(results)), 0.0)
    for pair in pairs:
        ahead = -pair.difference.value if pair.less else pair.difference.value
        beaten[pair.first] += ahead
        beaten[pair.second] -= ahead
    known = {index for pair in pairs for index in (pair.first, pair.second)}
    best = max(known, key=lambda index: beaten[index])
    better: list[str] = []
    same: list[str] = []
    for pair in pairs:
        if best in (pair.first, pair.second):
            other, measured = results[pair.second if pair.first == best else pair.first], _measured(pair, short=True)
            more = f"; {_enough(pair)}" if pair.better is None and _enough(pair) else ""
            (better if pair.better == best else same).append(f"{other.described} ({measured}{more})")
    metric, subset = metric_name(pairs[0].metric), pairs[0].subset
    parts = [f"is better than {_and(better)}"] if better else []
    parts += [f"cannot be told apart from {_and(same)}"] if same else []
    text = f"By {metric} on {subset}, {results[best].described} {'; it '.join(parts)}."
    count = math.comb(len(results), 2)
    of_best = [pair for pair in pairs if best in (pair.first, pair.second)]
    return f"{text} Each p is corrected for {count} pairs (Holm). {_caveats(results, of_best)}".strip()


def _measured(pair: Versus, *, signed: bool = False, short: bool = False) -> str:
    """The difference, its interval and its p; towards the better one unless `signed`."""
    value, low, high = pair.difference.value, pair.difference.low, pair.difference.high
    ends = pair.with_samples
    if not signed and (value < 0):
        value, low, high = -value, -high, -low
        ends = (-ends[1], -ends[0]) if ends else None
    places = _decimals(low, high)
    interval = f"[{number(low, places)}, {number(high, places)}]"
    p = f", {p_value(pair.p)}" if pair.p is not None else ""
    if short:
        return f"{number(value, places)} {interval}{p}"
    unit = f" {metric_name(pair.metric)} on {pair.subset}" if not signed else ""
    begin = f"the difference is {number(value, places)}" if signed else f"{number(value, places)}{unit}"
    over = (
        f"; {LEVEL:.0%} interval with the samples drawn anew as well [{', '.join(number(end, places) for end in ends)}]"
        if ends
        else ""
    )
    return f"{begin}, {LEVEL:.0%} interval {interval}{p} ({pair.test}){over}"


def _caveats(results: Sequence[Result], pairs: Sequence[Versus]) -> str:
    """What the numbers of these pairs do not cover."""
    told = []
    for pair in pairs:
        if pair.rests_on in ("seeds", "one and seeds"):
            told += [
                f"Of {result.label}, {len(result.runs) - count} of {len(result.runs)} runs have no such number and are left out."
                for result, count in zip((results[pair.first], results[pair.second]), pair.counts, strict=True)
                if count < len(result.runs)
            ]
        once = [each for each in (results[pair.first], results[pair.second]) if each.kind == "run"]
        trained = [each.label for each in once if each.runs[0].kind != "baseline"]
        if pair.rests_on in ("samples", "intervals") and trained:
            told.append(
                f"{_and(trained)} {'were' if len(trained) > 1 else 'was'} trained once: another seed may turn it round."
            )
        if pair.rests_on == "one and seeds" and trained:
            told.append(f"{trained[0]} was trained once, so its spread over seeds is taken for that of the other.")
    return " ".join(dict.fromkeys(told))


def _needed(pair: Versus) -> str:
    if _samples_decide(pair):
        return "Other seeds would hardly turn it round, but other samples might: more samples would tell, more seeds would not."
    enough = _enough(pair)
    there = f"; there are {pair.counts[0]:,}" if pair.rests_on == "samples" else ""
    return f"If it is what it seems, {enough} would be needed to tell{there}." if enough else ""


def _enough(pair: Versus) -> str:
    """How much more would tell the two apart four times in five."""
    if _samples_decide(pair):
        return "more samples"
    if pair.rests_on == "seeds" and pair.seeds_needed:
        return f"about {pair.seeds_needed:,} seeds of each"
    if pair.rests_on != "samples" or not pair.samples_needed:
        return ""
    # of an estimate two figures say all, and nobody labels millions to tell a difference that small
    needed = float(f"{pair.samples_needed:.2g}")
    return f"about {needed:,.0f} samples" if needed < _MOST_SAMPLES else "over a million samples"


def _samples_decide(pair: Versus) -> bool:
    """Whether it is the draw of the samples alone that leaves two results of several seeds together."""
    return pair.rests_on == "seeds" and pair.p is not None and pair.p < 1 - LEVEL


def _decimals(low: float, high: float) -> int:
    """So many that the interval has two figures."""
    half = (high - low) / 2
    return min(5, max(2, 1 - math.floor(math.log10(half)))) if half > 0 and math.isfinite(half) else 3


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
