"""`results`, a table of metrics with intervals, and `numbers`, the figures that matter, large."""

from __future__ import annotations

from projectkit.metrics import less_is_better
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.found import cell, evaluation_of, label, named_run, named_runs, printed, source_of
from projectkit.poster.markup.markdown import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project

_FIRST_METRICS = ["f1_macro", "accuracy"]


def results(fields: Fields, project: Project, drawn: Drawn) -> Node:
    runs = named_runs(fields, project)
    metrics = fields.texts("metrics") or _FIRST_METRICS
    subset = fields.text("subset", "val")
    documents = {label: evaluation_of(run, subset, fields) for label, run in runs.items()}
    cells = {
        label: [cell(metric, document, runs[label], fields) for metric in metrics]
        for label, document in documents.items()
    }
    for column, metric in enumerate(metrics):
        values = [row[column]["number"] for row in cells.values()]
        best = min(values) if less_is_better(metric) else max(values)
        for row in cells.values():
            # Compared as printed: two equal numbers, one of them bold, would ask a question.
            row[column]["best"] = len(values) > 1 and row[column]["value"] == printed(best)
    rows = [{"label": label, "cells": row} for label, row in cells.items()]
    header = ["", *(label(metric) for metric in metrics)]
    return {"kind": "results", "header": header, "rows": rows, "source": source_of(runs, subset, documents)}


def numbers(fields: Fields, project: Project, drawn: Drawn) -> Node:
    run = named_run(fields, project)
    metrics = fields.texts("metrics") or _FIRST_METRICS
    subset = fields.text("subset", "val")
    document = evaluation_of(run, subset, fields)
    items = [{"label": label(metric), **cell(metric, document, run, fields)} for metric in metrics]
    return {"kind": "numbers", "items": items, "source": source_of({run.name: run}, subset, {run.name: document})}
