"""Numbers of an evaluation as a poster prints them: by any name, of one run or the mean of several, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from projectkit.errors import did_you_mean
from projectkit.poster.directives.found import evaluation_of, named_source, subset_words
from projectkit.poster.directives.shown import Shown
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.runs.replicates import Result

_LABELS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1_macro": "Macro F1",
    "mcc": "MCC",
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "ece": "ECE",
    "loss": "Loss",
    "tpr_at_fpr_1e-2": "TPR at 1% FPR",
    "tpr_at_fpr_1e-3": "TPR at 0.1% FPR",
    "f1": "F1",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "spearman": "Spearman’s ρ",
}
_PER_CLASS = ("precision", "recall", "f1", "auroc")
_DECIMALS = 3
_SMALLEST = 0.0005  # prints as 0.000 with three decimals
_SIGNED = ("mcc", "r2", "spearman", "pearson")  # may be below 0, though they are no losses
_LARGEST = 1000  # from here, decimals say nothing
_MANY = 4  # runs: beyond, a source line names them by the ends of their ids


@dataclass(frozen=True)
class Measured:
    """A result with the evaluations of its runs on one subset, in their order."""

    result: Result
    subset: str
    documents: tuple[Mapping[str, Any], ...]

    def names(self) -> set[str]:
        """Every metric that one of the evaluations has, those of single classes as `recall/spam`."""
        return {name for document in self.documents for name in entries(document)}


def measured(result: Result, subset: str, fields: Fields) -> Measured:
    """A result with its evaluations.

    Raises:
        UserError: one of its runs was not evaluated on the subset, or went on since; with file and line.
    """
    return Measured(result, subset, tuple(evaluation_of(run, subset, fields) for run in result.runs))


def entries(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The numbers of an evaluation by name, each with `value` and, where they are known, `low` and `high`."""
    found = {name: entry for name, entry in mapping(document.get("metrics")).items() if isinstance(entry, Mapping)}
    rows = document.get("per_class")
    for row in rows if isinstance(rows, list) else []:
        for metric in _PER_CLASS:
            if isinstance(row, Mapping) and "name" in row and row.get(metric) is not None:
                entry = row[metric]
                found[f"{metric}/{row['name']}"] = entry if isinstance(entry, Mapping) else {"value": entry}
    return {name: entry for name, entry in found.items() if _is_number(entry.get("value"))}


def cell(metric: str, of: Measured) -> Node:
    """A number as a poster prints it.

    Of one run, its value and its interval; of several seeds, their mean and its interval; of several folds, whose training sets overlap so
    that no interval follows from their spread, the mean and the standard deviation.

    Returns:
        `number` (None where a run has no such metric), `value` and `interval` as texts, `best` false.

    Source: `projectkit.metrics.mean_of_seeds` (Student 1908).
    """
    found = [entries(document).get(metric) for document in of.documents]
    if any(entry is None for entry in found):
        return {"number": None, "value": "–", "interval": "", "best": False}
    values = [float(entry["value"]) for entry in found if entry]
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        ends = [(found[0] or {}).get(end) for end in ("low", "high")]
        interval = "–".join(printed(end) for end in ends if _is_number(end)) if all(map(_is_number, ends)) else ""
    else:
        interval = _interval(metric, of.result, values, mean)
    return {"number": mean, "value": printed(mean), "interval": interval, "best": False}


def shown(metric: str, of: Measured, drawn: Node, where: str) -> list[Shown]:
    """What a poster remembers of a cell: nothing where it has no number."""
    if drawn["number"] is None:
        return []
    ids = tuple(run.id for run in of.result.runs)
    mean_of = ids if len(ids) > 1 else ()
    return [Shown(where, ids[0], of.subset, metric, drawn["number"], drawn["value"], mean_of)]


def require(metrics: Sequence[str], results: Sequence[Measured], fields: Fields) -> None:
    """Refuse a metric that no result has.

    Raises:
        UserError: with file and line, and why the evaluation refused it, or the nearest name.
    """
    known = {name for result in results for name in result.names()}
    for metric in metrics:
        if metric in known:
            continue
        ids = ", ".join(run.id for result in results for run in result.result.runs)
        for result in results:
            for document in result.documents:
                if reason := mapping(document.get("refused")).get(metric):
                    raise fields.error("metrics", f"{metric!r} could not be measured: {reason}", "take another metric")
        raise fields.error("metrics", f"the evaluation of {ids} has no {metric!r}", did_you_mean(metric, known))


def label(metric: str) -> str:
    """A metric as people call it."""
    name, slash, of_class = metric.partition("/")
    known = _LABELS.get(name, name.replace("_", " "))
    return f"{known if name in _LABELS else known.capitalize()}, {of_class}" if slash else known


def printed(value: float) -> str:
    """A number with three decimals; fewer for large ones, more for one that would print as zero."""
    if value and abs(value) < _SMALLEST:
        digits = 1 - math.floor(math.log10(abs(value)))  # two that say something, which is what fits a column
        text = f"{value:.1e}" if abs(value) < _SMALLEST / 1000 else f"{value:.{digits}f}".rstrip("0")
    elif abs(value) >= _LARGEST:
        text = counted(round(value))
    else:
        whole = len(str(int(abs(value))))
        text = f"{value:.{max(1, _DECIMALS + 1 - whole)}f}"
    return text.replace("-", "−")


def counted(number: int) -> str:
    """A whole number, its thousands apart but never on two lines."""
    return f"{number:,}".replace(",", "\u00a0")


def source_of(results: Sequence[Measured]) -> Node:
    """What numbers were taken from: the subset and its size, what the intervals are of, and the runs."""
    documents = [document for result in results for document in result.documents]
    sizes = sorted({int(document["n"]) for document in documents if _is_number(document.get("n"))})
    words = [subset_words(results[0].subset).capitalize()]
    words += [f"n = {' / '.join(counted(size) for size in sizes)}"] if sizes else []
    if any("low" in entry for document in documents for entry in entries(document).values()):
        words += ["95% intervals"]
    kinds = {result.result.kind for result in results} - {"run"}
    several = {"seeds": "of several seeds the mean and its interval", "folds": "of folds the mean and SD"}
    about = "; ".join([", ".join(words), *(several[kind] for kind in sorted(kinds))])
    runs = {run.id: run for result in results for run in result.result.runs}
    source = named_source(runs, f"{about}. ")
    # an id without its time still names the run wherever a run is named
    short = [run_id[16:] for run_id in source["runs"]]
    if len(short) > _MANY and len(set(short)) == len(short):
        return {**source, "runs": short}
    return source


def _interval(metric: str, result: Result, values: Sequence[float], mean: float) -> str:
    from projectkit.metrics import less_is_better, mean_of_seeds

    if result.kind == "folds":
        spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
        return f"SD {printed(spread)}"
    found = mean_of_seeds(values)
    # Student's interval knows no bounds; a loss is at least 0, a share between 0 and 1
    name = metric.partition("/")[0]
    less, signed = less_is_better(name), name in _SIGNED or min(values) < 0
    low = found.low if signed else max(found.low, 0.0)
    high = found.high if less or max(values) > 1 else min(found.high, 1.0)
    return f"{printed(low)}–{printed(high)}"


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping; an empty one of a damaged file."""
    return value if isinstance(value, Mapping) else {}


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
