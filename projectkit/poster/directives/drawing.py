"""Directives: blocks of a section that draw from runs, so that every number on a poster names where it came from.

A directive is a fence of colons whose body is YAML:

    :::{results}
    runs: {CharCNN: latest, Baseline: 20261120-101500-linear-5e1f00}
    metrics: [f1_macro, accuracy]
    :::

| name | keys (`*` must be given) | draws |
|---|---|---|
| `results` | `runs`*, `metrics`, `subset` | a table, best values in bold, 95% intervals below the values |
| `numbers` | `run`*, `metrics`, `subset` | the figures that matter, large |
| `curves` | `runs`*, `metrics`, `caption`, `alt` | metrics over the steps of training, drawn at their final size |
| `figure` | `run`*, `name`*, `subset`, `caption`, `alt` | a picture of the evaluation: `confusion`, `roc`, `reliability` ... |

`runs` is a list of what `projectkit runs list` shows (ids, parts of ids, `latest`, `best`), or a mapping of labels to them.
Before the first run is there, `latest` and `best` give a placeholder and a warning, so that a draft can be built; any other
name that fits no run is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from projectkit.errors import UserError, did_you_mean
from projectkit.metrics import less_is_better
from projectkit.poster.directives.evaluated import evaluated
from projectkit.poster.directives.shown import Shown
from projectkit.poster.markup.markdown import Node
from projectkit.poster.source.fields import Fields, read_fields
from projectkit.project import Project
from projectkit.runs import Run, find_run, list_runs

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
_SUBSETS = {"train": "training set", "val": "validation set", "test": "test set"}
_DECIMALS = 3
# The place that a directive keeps before its run is there: heights as shares of the column's width, least and most.
_PLACEHOLDERS: dict[str, Node] = {
    name: {
        "title": f"No run yet: {what}",
        "text": "projectkit train, then projectkit evaluate latest",
        "least": least,
        "most": most,
    }
    for name, what, least, most in (
        ("results", "the results table", 0.25, 0.45),
        ("numbers", "the main numbers", 0.2, 0.3),
        ("curves", "learning curves", 0.45, 0.8),
        ("figure", "a figure of the evaluation", 0.55, 1.0),
    )
}
_FIRST_METRICS = ["f1_macro", "accuracy"]


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn once the layout knows its size, so that its type has print size."""

    file: str  # the name in the staging folder
    svg: Callable[[tuple[float, float], float], bytes]  # (width, height) in mm, type in points -> SVG
    least: float  # height, in widths of the column
    most: float
    ratio: float  # greatest width, in heights

    def size(self, column: float, grow: float) -> tuple[float, float]:
        """Width and height in a column of that width; the template's `figure-size` says the same."""
        height = column * (self.least + (self.most - self.least) * grow)
        return min(column, height * self.ratio), height


@dataclass
class Drawn:
    """What the directives of a poster ask for beside their nodes."""

    drawings: list[Drawing] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)


class _NoRunYetError(Exception):
    """`latest` or `best` in a project without a finished run."""


def draw(node: Node, file: str, project: Project, drawn: Drawn) -> Node:
    """The node that a directive stands for.

    Args:
        node: of kind `directive`.
        file: the section's name, for errors.
        project: whose runs are read.
        drawn: receives what must be drawn later, and warnings.

    Raises:
        UserError: an unknown directive or key, a run, an evaluation, a metric or a figure that is not there.
    """
    line = node["line"]
    name = node["name"]
    if name not in _DIRECTIVES:
        raise UserError(f"no directive {name!r}", where=f"{file}:{line}", remedy=did_you_mean(name, _DIRECTIVES))
    keys, directive = _DIRECTIVES[name]
    fields = read_fields(node["body"], file, first_line=node["body_line"])
    fields.only(keys, name)
    try:
        built = directive(fields, project, drawn)
    except _NoRunYetError:
        drawn.warnings.append(
            f"{file}:{line}: no finished run yet, so {name} is a placeholder; type `projectkit train`, then `projectkit evaluate latest`"
        )
        built = {"kind": "missing", **_PLACEHOLDERS[name]}
    return {**built, "line": line}


def _results(fields: Fields, project: Project, drawn: Drawn) -> Node:
    runs = _runs(fields, project)
    metrics = fields.texts("metrics") or _FIRST_METRICS
    subset = fields.text("subset", "val")
    documents = {label: _evaluation(run, subset, fields) for label, run in runs.items()}
    cells = {
        label: [_cell(metric, document, runs[label], fields) for metric in metrics]
        for label, document in documents.items()
    }
    for column, metric in enumerate(metrics):
        values = [row[column]["number"] for row in cells.values()]
        best = min(values) if less_is_better(metric) else max(values)
        for row in cells.values():
            # Compared as printed: two equal numbers, one of them bold, would ask a question.
            row[column]["best"] = len(values) > 1 and row[column]["value"] == _number(best)
    rows = [{"label": label, "cells": row} for label, row in cells.items()]
    header = ["", *(_label(metric) for metric in metrics)]
    return {"kind": "results", "header": header, "rows": rows, "source": _source(runs, subset, documents)}


def _numbers(fields: Fields, project: Project, drawn: Drawn) -> Node:
    run = _run(fields, project)
    metrics = fields.texts("metrics") or _FIRST_METRICS
    subset = fields.text("subset", "val")
    document = _evaluation(run, subset, fields)
    items = [{"label": _label(metric), **_cell(metric, document, run, fields)} for metric in metrics]
    return {"kind": "numbers", "items": items, "source": _source({run.name: run}, subset, {run.name: document})}


def _curves(fields: Fields, project: Project, drawn: Drawn) -> Node:
    runs = _runs(fields, project)
    metrics = fields.texts("metrics") or ["train/loss", "val/loss"]
    curves = {label: {metric: _history(run, metric, fields) for metric in metrics} for label, run in runs.items()}

    def svg(size_mm: tuple[float, float], font_pt: float) -> bytes:
        from projectkit.figures import learning_curves, svg_bytes

        return svg_bytes(learning_curves(curves, metrics=metrics, size_mm=size_mm, font_pt=font_pt))

    alt = f"Curves of {', '.join(metrics)} over the steps of training, for {', '.join(runs)}"
    return _drawing(svg, fields, drawn, alt=alt, runs=runs, least=0.52, most=0.8, ratio=10.0)


def _figure(fields: Fields, project: Project, drawn: Drawn) -> Node:
    run = _run(fields, project)
    name = fields.text("name")
    if not name:
        raise fields.error("name", "figure has no name", "write name: confusion, or name: roc")
    subset = fields.text("subset", "val")
    document = _evaluation(run, subset, fields)
    alt = f"{name.replace('_', ' ').replace('-', ' ')} of the run {run.id} on the {_subset(subset)}"
    if found := evaluated(name, document):
        shape = {"least": found.least, "most": found.most, "ratio": found.ratio}
        return _drawing(found.svg, fields, drawn, alt=alt, runs={run.name: run}, **shape)
    try:
        path = run.figure(f"{name}-{subset}")
    except UserError as error:
        raise UserError(error.what, where=fields.where("name"), remedy=error.remedy) from error
    return {
        "kind": "figure",
        "path": path,
        "within": run.path,
        **_words(fields, alt),
        "source": _named({run.name: run}),
    }


def _drawing(
    svg: Callable[[tuple[float, float], float], bytes],
    fields: Fields,
    drawn: Drawn,
    *,
    alt: str,
    runs: Mapping[str, Run],
    least: float,
    most: float,
    ratio: float,
) -> Node:
    """A figure that is drawn later: `least` and `most` bound its height in column widths, `ratio` its width in heights."""
    drawing = Drawing(f"drawing-{len(drawn.drawings)}.svg", svg, least, most, ratio)
    drawn.drawings.append(drawing)
    bounds = {"least": least, "most": most, "ratio": ratio}
    return {
        "kind": "figure",
        "redrawn": True,
        "file": drawing.file,
        **bounds,
        **_words(fields, alt),
        "source": _named(runs),
    }


def _words(fields: Fields, alt: str) -> Node:
    caption = fields.text("caption")
    return {
        "caption": [{"kind": "text", "text": caption}] if caption else [],
        "alt": fields.text("alt") or caption or alt,
    }


def _runs(fields: Fields, project: Project) -> dict[str, Run]:
    """Label -> run; a run without a label is called by its name, or by its id where two share a name."""
    value = fields.take("runs")
    if isinstance(value, Mapping):
        return {str(label): _find(str(ref), "runs", fields, project) for label, ref in value.items()}
    refs = [value] if isinstance(value, str) else value
    if not isinstance(refs, list) or not refs:
        raise fields.error("runs", "names no runs", "write runs: [latest]")
    found = {run.id: run for run in (_find(str(ref), "runs", fields, project) for ref in refs)}
    names = [run.name for run in found.values()]
    return {run.name if names.count(run.name) == 1 else run.id: run for run in found.values()}


def _run(fields: Fields, project: Project) -> Run:
    ref = fields.text("run")
    if not ref:
        raise fields.error("run", "names no run", "write run: latest")
    return _find(ref, "run", fields, project)


def _find(ref: str, key: str, fields: Fields, project: Project) -> Run:
    if "/" in ref or "\\" in ref or ref.startswith((".", "~")):
        raise fields.error(
            key, f"{ref!r} is a path", "name a run of this project by its id; see `projectkit runs list`"
        )
    if ref in ("latest", "best") and not any(
        run.status == "finished" and run.kind == "train" for run in list_runs(project)
    ):
        raise _NoRunYetError
    try:
        return find_run(ref, project)
    except UserError as error:
        raise UserError(error.what, where=fields.where(key), remedy=error.remedy) from error


def _evaluation(run: Run, subset: str, fields: Fields) -> dict[str, Any]:
    document = run.evaluation(subset)
    if document is None:
        chosen = "" if subset == "val" else f" --subset {subset}"
        raise fields.error(
            "subset",
            f"the run {run.id} has not been evaluated on {subset}",
            f"type `projectkit evaluate {run.id}{chosen}`",
        )
    if run.outdated(document):
        raise fields.error(
            "subset",
            f"the run {run.id} was trained further after it had been evaluated on {subset}",
            f"type `projectkit evaluate {run.id}{'' if subset == 'val' else f' --subset {subset}'}`",
        )
    return document


def _cell(metric: str, document: Mapping[str, Any], run: Run, fields: Fields) -> dict[str, Any]:
    metrics = document.get("metrics", {})
    entry = metrics.get(metric)
    if not isinstance(entry, Mapping) or entry.get("value") is None:
        raise fields.error("metrics", f"the evaluation of {run.id} has no {metric!r}", did_you_mean(metric, metrics))
    low, high = entry.get("low"), entry.get("high")
    interval = f"{_number(float(low))}–{_number(float(high))}" if low is not None and high is not None else ""
    value = float(entry["value"])
    return {"number": value, "value": _number(value), "interval": interval, "best": False}


def _history(run: Run, metric: str, fields: Fields) -> tuple[list[int], list[float]]:
    try:
        return run.history(metric)
    except UserError as error:
        raise UserError(
            f"the run {run.id} never logged {metric!r}", where=fields.where("metrics"), remedy=error.remedy
        ) from error


def _label(metric: str) -> str:
    return _LABELS.get(metric, metric.replace("_", " "))


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"


def _source(runs: Mapping[str, Run], subset: str, documents: Mapping[str, Mapping[str, Any]]) -> Node:
    """What the numbers were taken from: subset and its size, intervals, runs."""
    sizes = sorted({int(document["n"]) for document in documents.values() if "n" in document})
    counted = f", n = {' / '.join(f'{size:,}'.replace(',', ' ') for size in sizes)}" if sizes else ""
    has_intervals = any(
        "low" in entry for document in documents.values() for entry in document.get("metrics", {}).values()
    )
    return _named(runs, f"{_subset(subset).capitalize()}{counted}{', 95% intervals' if has_intervals else ''}. ")


def _subset(name: str) -> str:
    return _SUBSETS.get(name, name.replace("_", " "))


def _named(runs: Mapping[str, Run], words: str = "") -> Node:
    ids = list(dict.fromkeys(run.id for run in runs.values()))
    return {"words": f"{words}{'Run' if len(ids) == 1 else 'Runs'} ", "runs": ids}


_DIRECTIVES: dict[str, tuple[tuple[str, ...], Callable[[Fields, Project, Drawn], Node]]] = {
    "results": (("runs", "metrics", "subset"), _results),
    "numbers": (("run", "metrics", "subset"), _numbers),
    "curves": (("runs", "metrics", "caption", "alt"), _curves),
    "figure": (("run", "name", "subset", "caption", "alt"), _figure),
}
