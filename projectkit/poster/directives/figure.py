"""`figure`, a picture of an evaluation, and `curves`, metrics over the steps of training."""

from __future__ import annotations

import re

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn, Shape, drawing, refused, remember, words
from projectkit.poster.directives.evaluated import NAMES, evaluated
from projectkit.poster.directives.found import (
    evaluation_of,
    history_of,
    named_results,
    named_run,
    named_source,
    subset_words,
)
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project


def figure(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The node of a `figure` directive: drawn anew at its final size, where the run has the numbers; else the file that it has.

    Args:
        fields: `run`, `name`, `subset`, `caption`, `alt`.
        project: whose run it is.
        drawn: receives the drawing, and what it shows.

    Raises:
        UserError: the run, its evaluation or its figure is not there; with file and line.
    """
    run = named_run(fields, project)
    name = fields.text("name")
    if not name:
        raise fields.error("name", "figure has no name", "write name: confusion, or name: roc")
    subset = fields.text("subset", "val")
    document = evaluation_of(run, subset, fields)
    alt = (
        f"{NAMES.get(name, name.replace('_', ' ').replace('-', ' '))} of the run {run.id} on the {subset_words(subset)}"
    )
    alt = alt[0].upper() + alt[1:]
    before = f"{subset_words(subset).capitalize()}. "
    if found := evaluated(name, document, run.figure_data(f"{name}-{subset}")):
        again = f"type `projectkit evaluate {run.id} --subset {subset}`"
        svg = refused(found.svg, fields.error("name", f"the numbers of {name} in {run.id} are damaged", again))
        return drawing(svg, found.shape, fields, drawn, what=[name], runs=[run], subset=subset, alt=alt, before=before)
    try:
        path = run.figure(f"{name}-{subset}")
    except UserError as error:
        # a directive names a figure without its subset, which files have in their names
        what, remedy = (re.sub(rf"-{re.escape(subset)}(?!\.)", "", text) for text in (error.what, error.remedy or ""))
        raise UserError(what, where=fields.where("name"), remedy=remedy) from error
    remember(fields, drawn, [run], subset, [name])
    return {
        "kind": "figure",
        "path": path,
        "within": run.path,
        **words(fields, alt),
        "source": named_source({run.name: run}, before),
    }


def curves(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The node of a `curves` directive: a line a run; runs that differ in the seed alone are their mean with a band.

    Args:
        fields: `runs`, `metrics` (default the loss on both subsets), `seeds`, `caption`, `alt`.
        project: whose runs they are.
        drawn: receives the drawing, and what it shows.

    Raises:
        UserError: a run is not there, or never logged a metric; with file and line.
    """
    results = named_results(fields, project)
    metrics = fields.texts("metrics") or ["train/loss", "val/loss"]
    lines = {
        result.described: {metric: [history_of(run, metric, fields) for run in result.runs] for metric in metrics}
        for result in results
    }
    several = any(len(result.runs) > 1 for result in results)

    def svg(size_mm: tuple[float, float], font_pt: float) -> bytes:
        from projectkit.figures import averaged, learning_curves, svg_bytes

        found = {label: {metric: averaged(each) for metric, each in of.items()} for label, of in lines.items()}
        return svg_bytes(learning_curves(found, metrics=metrics, size_mm=size_mm, font_pt=font_pt))

    alt = f"Curves of {', '.join(metrics)} over the steps of training, for {', '.join(lines)}"
    before = "Mean of the seeds, lowest to highest as a band. " if several else ""
    runs = [run for result in results for run in result.runs]
    shape = Shape(0.52, 0.8, ratio=10.0)
    return drawing(svg, shape, fields, drawn, what=metrics, runs=runs, alt=alt, before=before)
