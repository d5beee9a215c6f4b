"""`ledger`, how often the labels of the test set were looked at before the number on the poster was chosen."""

from __future__ import annotations

from datetime import datetime

from projectkit.poster.directives.cells import counted
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.found import named_run, named_source, subset_words
from projectkit.poster.directives.shown import Shown
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project
from projectkit.runs import Run
from projectkit.runs.ledger import FREE, Look, looks, no_looks

_DATA = ("name", "class_path", "target", "split_digest")  # looks at the same labels have these in common


def ledger(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The node of a count of looks.

    Args:
        fields: `run`, whose data and split it is about; `subset`, by default `test`.
        project: whose ledger is read.
        drawn: receives the count, and a warning where a file of the ledger cannot be read.

    Returns:
        `count`: `value`, `label`, `text` (when, and with how many runs), `source`.

    Raises:
        UserError: a run that is not there, or a subset that may be looked at freely; with file and line.
    """
    run = named_run(fields, project)
    subset = fields.text("subset", "test")
    if subset in FREE:
        remedy = "take it out, or write subset: test"
        raise fields.error("subset", f"looks at the {subset_words(subset)} are free, and are not counted", remedy)
    found = [look for look in looks(project.ledger) if look.subset == subset and _same_labels(look, run)]
    damaged = [
        f"ledger/{name} cannot be read and is not counted; get it back from git" for name in no_looks(project.ledger)
    ]
    drawn.warn_once(fields.place, damaged)
    value = counted(len(found))
    drawn.shown.append(Shown(fields.place, run.id, subset, "looks", float(len(found)), value))
    label = f"{'look' if len(found) == 1 else 'looks'} at the labels of the {subset_words(subset)}"
    source = named_source({run.name: run}, "As the ledger has it, for the split of ")
    return {"kind": "count", "value": value, "label": label, "text": _when(found), "source": _lower(source)}


def _same_labels(look: Look, run: Run) -> bool:
    """Whether a look was at the labels of this run's split; what one of the two did not record is no difference."""
    data = run.part("data")
    return all(look.data[key] == data[key] for key in _DATA if key in look.data and key in data)


def _when(found: list[Look]) -> str:
    if not found:
        return "nothing was chosen by it"
    runs = len({look.run for look in found})
    days = [_day(look) for look in (found[0], found[-1])]
    span = days[0] if days[0] == days[1] else f"{days[0]} to {days[1]}"
    return f"with {runs} {'run' if runs == 1 else 'runs'}, {span}"


def _day(look: Look) -> str:
    try:
        time = datetime.fromisoformat(look.time)
    except ValueError:  # edited by hand
        return look.time
    return f"{time.day} {time:%B %Y}"


def _lower(source: Node) -> Node:
    return {**source, "words": source["words"].replace(" of Run ", " of run ")}
