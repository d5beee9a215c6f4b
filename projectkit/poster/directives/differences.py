"""`differences`: how much better one result is than others, with the interval of each difference.

What an interval rests on is said below the figure: without predictions, as in a fresh clone, it is wider than a paired one.
"""

from __future__ import annotations

from projectkit.poster.directives.cells import label, measured, require
from projectkit.poster.directives.drawings import Drawn, Shape, drawing
from projectkit.poster.directives.found import named_results, subset_words
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project
from projectkit.runs.evidence import Evidence
from projectkit.runs.versus import Test, Versus

_RESTS_ON = {
    "samples": "paired on the same samples",
    "intervals": "from the two intervals, as predictions are missing",
    "seeds": "over the seeds",
    "one and seeds": "of one run and several seeds",
    "folds": "over the folds",
}
_ROW, _REST = 0.065, 0.22  # heights in widths of the column: of a difference, and of axis and labels


def differences(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The node of a `differences` directive: the first result against each of the others.

    Args:
        fields: `runs` (as of `results`; two or more results), `metrics`, `subset`, `seeds`, `caption`, `alt`.
        project: whose runs they are.
        drawn: receives the drawing, and what it shows.

    Raises:
        UserError: fewer than two results, or a run, an evaluation or a metric that is not there; with file and line.
    """
    subset, metrics = fields.text("subset", "val"), fields.texts("metrics") or ["f1_macro", "accuracy"]
    results = named_results(fields, project)
    if len(results) < 2:
        raise fields.error("runs", "one result has no difference", "name two runs that differ in more than the seed")
    require(metrics, [measured(result, subset, fields) for result in results], fields)
    runs = [run for result in results for run in result.runs]
    evidence = {run.id: Evidence(run) for run in runs}
    rows: list[tuple[str, Versus]] = []
    for metric in metrics:
        for place, other in enumerate(results[1:], start=1):
            found = Test(results[0], other, evidence, subset, metric).versus(0, place)
            if found is None:
                remedy = "take one of the two out, or the metric"
                raise fields.error("metrics", f"{metric} of {other.label} cannot be compared with the first", remedy)
            rows.append((_name(metric, other.label, several=len(results) > 2, metrics=len(metrics)), found))
    against = results[1].described if len(results) == 2 else "each"
    axis = f"{results[0].described} − {against}"
    values, low, high = ([getattr(row.difference, end) for _, row in rows] for end in ("value", "low", "high"))

    def svg(size_mm: tuple[float, float], font_pt: float) -> bytes:
        from projectkit.figures import differences as draw
        from projectkit.figures import svg_bytes

        return svg_bytes(draw([name for name, _ in rows], values, low, high, axis, size_mm=size_mm, font_pt=font_pt))

    how = ", ".join(dict.fromkeys(_RESTS_ON[row.rests_on] for _, row in rows))
    before = f"{subset_words(subset).capitalize()}; 95% intervals {how}. "
    said = "; ".join(f"{name}: {row.difference.value:+.3f}" for name, row in rows)
    height = _REST + _ROW * len(rows)
    shape = Shape(height, 1.4 * height, ratio=10.0)
    what = [f"difference of {metric}" for metric in metrics]
    alt = f"Differences of {axis}: {said}"
    return drawing(svg, shape, fields, drawn, what=what, runs=runs, subset=subset, alt=alt, before=before)


def _name(metric: str, other: str, *, several: bool, metrics: int) -> str:
    """What a row is called: the metric, the other result, or both."""
    if not several:
        return label(metric)
    return f"− {other}" if metrics == 1 else f"{label(metric)} − {other}"
