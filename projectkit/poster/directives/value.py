"""Numbers inside a sentence, ``{value}`latest f1_macro test` ``: printed as the run has them, and remembered with it.

| written | printed |
|---|---|
| ``{value}`latest f1_macro` `` | the number of the evaluation on the validation set |
| ``{value}`latest recall/spam test` `` | of one class, on another subset |
| ``{value}`latest accuracy %` `` | in per cent |
| ``{value}`latest val/loss` `` | as training logged it, at the best checkpoint |
| ``{value}`latest parameters` `` | any number or text of the run's record or config (`projectkit runs show RUN --json`) |
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from projectkit.errors import UserError, did_you_mean
from projectkit.poster.directives.age import aged
from projectkit.poster.directives.cells import counted, entries, printed
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.found import NoRunYetError, evaluation_of, find
from projectkit.poster.directives.shown import Shown
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project
from projectkit.runs import Run

ROLES = ("value",)
_PLACEHOLDER = "…"
_WRITTEN = 6  # characters of a number that a person writes
_LOGGED = ("train", "val")  # `val/f1_macro` is what training logged


def draw_values(node: Any, file: str, project: Project, drawn: Drawn, line: int = 1) -> Any:
    """A tree with each `role` in it replaced by the `number` that it stands for.

    Args:
        node: a block, or any part of one.
        file: the section's name, for errors.
        project: whose runs are read.
        drawn: receives the numbers, and warnings.
        line: of the block around it, where the role has none of its own.

    Raises:
        UserError: an unknown role, or a run, a number or an evaluation that is not there; with file and line.
    """
    if isinstance(node, list):
        return [draw_values(one, file, project, drawn, line) for one in node]
    if not isinstance(node, dict):
        return node
    line = node.get("line", line)
    if node.get("kind") == "role":
        return _drawn(node, f"{file}:{line}", project, drawn)
    return {key: draw_values(one, file, project, drawn, line) for key, one in node.items()}


def _drawn(node: Node, place: str, project: Project, drawn: Drawn) -> Node:
    if node["name"] not in ROLES:
        raise UserError(f"no role {node['name']!r}", where=place, remedy=did_you_mean(node["name"], ROLES))
    words = str(node["body"]).split()
    percent = words[-1:] == ["%"]
    words = words[:-1] if percent else words
    if len(words) not in (2, 3):
        raise UserError(
            f"{{value}} is given {len(words)} words",
            where=place,
            remedy="write {value}`RUN METRIC`, or {value}`RUN METRIC SUBSET`",
        )
    ref, metric, subset = (*words, "")[:3]
    fields = Fields({}, {}, place)
    try:
        run = find(ref, "value", fields, project)
    except NoRunYetError:
        drawn.warnings.append(
            f"{place}: no finished run yet, so {metric} is a placeholder; type `projectkit train`, then `projectkit evaluate latest`"
        )
        return {"kind": "number", "text": _PLACEHOLDER, "run": ""}
    value, of = _value(run, metric, subset, fields)
    if not isinstance(value, str):
        number = float(value)
        text = f"{100 * number:.1f}%".replace("-", "−") if percent else _text(value, measured=of is not None)
        _remember(drawn, Shown(place, run.id, of, metric, number, text), project)
        return {"kind": "number", "text": text, "run": run.id}
    if percent:
        raise UserError(f"{metric} of {run.id} is no number", where=place, remedy="take out the %")
    _remember(drawn, Shown(place, run.id, of, metric, None, value), project)
    return {"kind": "number", "text": value, "run": run.id}


def _text(value: float, *, measured: bool) -> str:
    """A number as it is printed; one that somebody chose, as a learning rate, as it was written."""
    if isinstance(value, int):
        return counted(value)
    short = f"{value:g}"
    written = not measured and len(short) <= _WRITTEN and float(short) == value
    return short.replace("-", "−") if written else printed(value)


def _value(run: Run, metric: str, subset: str, fields: Fields) -> tuple[str | int | float, str | None]:
    """A value of a run, and the subset that it was measured on: of an evaluation, else of the record or the config."""
    before, slash, name = metric.partition("/")
    if subset:
        return _measured(run, metric, subset, fields)
    if slash and before not in _LOGGED and name in entries(run.evaluation(before) or {}):
        return _measured(run, name, before, fields)
    known = _recorded(run, metric)
    if isinstance(known, Mapping):
        remedy = f"write one of them, as {metric}.{next(iter(known), 'name')}"
        raise UserError(f"{metric} of {run.id} is several values", where=fields.place, remedy=remedy)
    if isinstance(known, float) and not math.isfinite(known):
        raise UserError(
            f"{metric} of {run.id} is {known}", where=fields.place, remedy="take another run, or leave it out"
        )
    if isinstance(known, str | int | float) and not isinstance(known, bool):
        return known, None
    return _measured(run, metric, "val", fields)


def _measured(run: Run, metric: str, subset: str, fields: Fields) -> tuple[float, str]:
    found = entries(evaluation_of(run, subset, fields))
    if metric not in found:
        words = f"the evaluation of {run.id} on {subset} has no {metric!r}"
        raise UserError(words, where=fields.place, remedy=did_you_mean(metric, found))
    return float(found[metric]["value"]), subset


def _remember(drawn: Drawn, one: Shown, project: Project) -> None:
    drawn.shown.append(one)
    drawn.warn_once(one.where, aged([one], project))


def _recorded(run: Run, name: str) -> Any:
    from projectkit.runs.values import Row

    return Row(run).value(name)
