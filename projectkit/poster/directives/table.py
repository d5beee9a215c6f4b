"""Directives: blocks of a section that draw from runs, so that every number on a poster names where it came from.

A directive is a fence of colons whose body is YAML:

    :::{results}
    runs: {CharCNN: latest, Baseline: 20261120-101500-linear-5e1f00}
    metrics: [f1_macro, accuracy]
    :::

| name | keys (`*` must be given) | draws |
|---|---|---|
| `results` | `runs`*, `metrics`, `subset`, `seeds`, `caption` | a table, best values in bold, 95% intervals below the values |
| `numbers` | `run`*, `metrics`, `subset`, `seeds`, `caption` | the figures that matter, large |
| `curves` | `runs`*, `metrics`, `seeds`, `caption`, `alt` | metrics over the steps of training; of several seeds the mean and a band |
| `differences` | `runs`*, `metrics`, `subset`, `seeds`, `caption`, `alt` | how much better the first is, with intervals |
| `figure` | `run`*, `name`*, `subset`, `caption`, `alt` | a picture of the evaluation: `confusion`, `roc`, `reliability` ... |
| `diagram` | `run`*, `caption`, `alt` | the network: its layers from the input to the output |
| `data-card` | `run`*, `show`, `title` | a box: samples, classes, split, licence, citation, known traps |
| `audit` | `run`* | what the audit of the run found, or that there was none |
| `ledger` | `run`*, `subset` | how often the labels of the test set were looked at |
| `qr` | `url`, `caption`, `alt` | a QR code: of the poster's page, else its repository, or another address |

`runs` is a list of what `projectkit runs list` shows (ids, parts of ids, `latest`, `best`), or a mapping of labels to them.
Before the first run is there, `latest` and `best` give a placeholder and a warning, so that a draft can be built; any other
name that fits no run is an error.
"""

from __future__ import annotations

from collections.abc import Callable

from projectkit.errors import UserError, did_you_mean
from projectkit.poster.directives.age import aged
from projectkit.poster.directives.audit import audit
from projectkit.poster.directives.card import data_card
from projectkit.poster.directives.diagram import diagram
from projectkit.poster.directives.differences import differences
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.figure import curves, figure
from projectkit.poster.directives.found import NoRunYetError
from projectkit.poster.directives.ledger import ledger
from projectkit.poster.directives.qr import qr
from projectkit.poster.directives.results import numbers, results
from projectkit.poster.directives.value import draw_values
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields, read_fields
from projectkit.project import Project

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
        ("differences", "the differences", 0.3, 0.5),
        ("figure", "a figure of the evaluation", 0.55, 1.0),
        ("diagram", "the network", 0.5, 0.9),
        ("data-card", "what the data is", 0.3, 0.45),
        ("audit", "the audit", 0.15, 0.25),
        ("ledger", "looks at the test set", 0.12, 0.2),
    )
}


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
    if name not in DIRECTIVES:
        raise UserError(f"no directive {name!r}", where=f"{file}:{line}", remedy=did_you_mean(name, DIRECTIVES))
    keys, directive = DIRECTIVES[name]
    fields = read_fields(node["body"], file, first_line=node["body_line"])
    fields.only(keys, name)
    before = len(drawn.shown)
    try:
        built = directive(fields, project, drawn)
    except NoRunYetError:
        drawn.warnings.append(
            f"{file}:{line}: no finished run yet, so {name} is a placeholder; type `projectkit train`, then `projectkit evaluate latest`"
        )
        built = {"kind": "missing", **_PLACEHOLDERS[name]}
    if built.get("caption"):
        built = {**built, "caption": draw_values(built["caption"], file, project, drawn, line)}
    drawn.warn_once(f"{file}:{line}", aged(drawn.shown[before:], project))
    return {**built, "line": line}


DIRECTIVES: dict[str, tuple[tuple[str, ...], Callable[[Fields, Project, Drawn], Node]]] = {
    "results": (("runs", "metrics", "subset", "seeds", "caption"), results),
    "numbers": (("run", "metrics", "subset", "seeds", "caption"), numbers),
    "curves": (("runs", "metrics", "seeds", "caption", "alt"), curves),
    "differences": (("runs", "metrics", "subset", "seeds", "caption", "alt"), differences),
    "figure": (("run", "name", "subset", "caption", "alt"), figure),
    "diagram": (("run", "caption", "alt"), diagram),
    "data-card": (("run", "show", "title"), data_card),
    "audit": (("run",), audit),
    "ledger": (("run", "subset"), ledger),
    "qr": (("url", "caption", "alt"), qr),
}
