"""`results`, a table of metrics with intervals, and `numbers`, the figures that matter, large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from projectkit.poster.directives.captions import caption
from projectkit.poster.directives.cells import Measured, cell, label, measured, require, shown, source_of
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.found import named_results
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project

_FIRST_METRICS = ["f1_macro", "accuracy"]
_OTHER_SAMPLES = ("other data", "other samples", "another split")  # none of these numbers is the best
_UNLIKE = (*_OTHER_SAMPLES, "not all of them finished")  # why numbers do not stand beside one another


def results(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """A table: a row for each result, a column for each metric.

    Args:
        fields: `runs` (a list, or labels with a run or a list of runs each; runs that differ in the seed alone are one row), `metrics` (a
            list, or metrics with labels), `subset`, `seeds` (`named`, or `all` of the same settings), `caption`.
        project: whose runs they are.
        drawn: receives the numbers, and a warning where runs cannot be compared.

    Returns:
        `results`: `header` (texts, the first empty), `rows`: `label`, `cells` (`value`, `interval`, `best`), `caption`: inlines, `source`.

    Raises:
        UserError: a run, an evaluation or a metric that is not there; with file and line.
    """
    subset = fields.text("subset", "val")
    found = [measured(result, subset, fields) for result in named_results(fields, project)]
    metrics = _metrics(fields)
    require(list(metrics), found, fields)
    table = [[cell(metric, one) for metric in metrics] for one in found]
    reasons = _unlike(found)
    for column, metric in enumerate(metrics):
        if not any(reason.startswith(_OTHER_SAMPLES) for reason in reasons):
            _mark_best([row[column] for row in table], metric, found)
    for one, row in zip(found, table, strict=True):
        for metric, entry in zip(metrics, row, strict=True):
            drawn.shown += shown(metric, one, entry, fields.place)
    drawn.warnings += _warnings(found, reasons, fields.place)
    return {
        "kind": "results",
        "header": ["", *metrics.values()],
        "rows": [{"label": one.result.described, "cells": row} for one, row in zip(found, table, strict=True)],
        "caption": caption(fields),
        "source": source_of(found),
    }


def numbers(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The figures that matter, large.

    Args:
        fields: `run`, `metrics`, `subset`, `seeds`, `caption`, as of `results`.
        project: whose run it is.
        drawn: receives the numbers.

    Returns:
        `numbers`: `items` (`label`, `value`, `interval`), `caption`: inlines, `source`.

    Raises:
        UserError: a run, an evaluation or a metric that is not there, or more than one result; with file and line.
    """
    found = named_results(fields, project, "run")
    if len(found) > 1:
        raise fields.error(
            "run", f"{len(found)} results, and there is room for one", "use `results` for a table of them"
        )
    of = measured(found[0], fields.text("subset", "val"), fields)
    metrics = _metrics(fields)
    require(list(metrics), [of], fields)
    items = [{"label": words, **cell(metric, of)} for metric, words in metrics.items()]
    for metric, item in zip(metrics, items, strict=True):
        drawn.shown += shown(metric, of, item, fields.place)
    return {"kind": "numbers", "items": items, "caption": caption(fields), "source": source_of([of])}


def _metrics(fields: Fields) -> dict[str, str]:
    """Metric -> its label."""
    value = fields.take("metrics")
    if isinstance(value, Mapping):
        return {str(metric): str(words) for metric, words in value.items()}
    return {metric: label(metric) for metric in fields.texts("metrics") or _FIRST_METRICS}


def _mark_best(cells: Sequence[Node], metric: str, found: Sequence[Measured]) -> None:
    """Mark the best of a column. Compared as printed: two equal numbers, one of them bold, would ask a question."""
    from projectkit.runs.versus import less_is_better

    known = [cell for cell in cells if cell["number"] is not None]
    if len({cell["value"] for cell in known}) < 2:
        return
    pick = min if less_is_better(metric.partition("/")[0], [one.result for one in found]) else max
    best = pick(known, key=lambda cell: float(cell["number"]))
    for one in known:
        one["best"] = one["value"] == best["value"]


def _unlike(found: Sequence[Measured]) -> list[str]:
    """Why the rows of a table cannot be compared: not measured on the same samples, or a run that did not finish."""
    from projectkit.runs.fairness import unfair_reasons

    results = [one.result for one in found]
    reasons = unfair_reasons([run for result in results for run in result.runs], results)
    return [reason for reason in reasons if reason.startswith(_UNLIKE)]


def _warnings(found: Sequence[Measured], reasons: Sequence[str], place: str) -> list[str]:
    """A line for the reasons, and one for each run that repeats a seed."""
    warnings = [f"{place}: the runs of this table cannot be compared: {'; '.join(reasons)}"] if reasons else []
    for result in (one.result for one in found):
        for run in result.repeats:
            warnings.append(
                f"{place}: {run.id} repeats the seed of another run of {result.label!r}, and is not counted again"
            )
    return warnings
