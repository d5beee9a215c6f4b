"""`figure`, a picture of an evaluation, and `curves`, metrics over the steps of training."""

from __future__ import annotations

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn, drawing, words
from projectkit.poster.directives.evaluated import evaluated
from projectkit.poster.directives.found import (
    evaluation_of,
    history_of,
    named_run,
    named_runs,
    named_source,
    subset_words,
)
from projectkit.poster.markup.markdown import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project


def figure(fields: Fields, project: Project, drawn: Drawn) -> Node:
    run = named_run(fields, project)
    name = fields.text("name")
    if not name:
        raise fields.error("name", "figure has no name", "write name: confusion, or name: roc")
    subset = fields.text("subset", "val")
    document = evaluation_of(run, subset, fields)
    alt = f"{name.replace('_', ' ').replace('-', ' ')} of the run {run.id} on the {subset_words(subset)}"
    if found := evaluated(name, document):
        shape = {"least": found.least, "most": found.most, "ratio": found.ratio}
        return drawing(found.svg, fields, drawn, alt=alt, runs={run.name: run}, **shape)
    try:
        path = run.figure(f"{name}-{subset}")
    except UserError as error:
        raise UserError(error.what, where=fields.where("name"), remedy=error.remedy) from error
    return {
        "kind": "figure",
        "path": path,
        "within": run.path,
        **words(fields, alt),
        "source": named_source({run.name: run}),
    }


def curves(fields: Fields, project: Project, drawn: Drawn) -> Node:
    runs = named_runs(fields, project)
    metrics = fields.texts("metrics") or ["train/loss", "val/loss"]
    curves = {label: {metric: history_of(run, metric, fields) for metric in metrics} for label, run in runs.items()}

    def svg(size_mm: tuple[float, float], font_pt: float) -> bytes:
        from projectkit.figures import learning_curves, svg_bytes

        return svg_bytes(learning_curves(curves, metrics=metrics, size_mm=size_mm, font_pt=font_pt))

    alt = f"Curves of {', '.join(metrics)} over the steps of training, for {', '.join(runs)}"
    return drawing(svg, fields, drawn, alt=alt, runs=runs, least=0.52, most=0.8, ratio=10.0)
