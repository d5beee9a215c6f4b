"""What directives have in common: the runs and evaluations that they name, found or refused with file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from projectkit.errors import UserError
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project
from projectkit.runs import Run, find_run, list_runs
from projectkit.runs.replicates import Result, results_of

_SUBSETS = {"train": "training set", "val": "validation set", "test": "test set"}
_SAME = ("name", "class_path", "target")  # of the data: runs of one result have all of it in common


class NoRunYetError(Exception):
    """`latest` or `best` in a project without a finished run."""


def named_results(fields: Fields, project: Project, key: str = "runs") -> tuple[Result, ...]:
    """The results that runs come to: those that differ in the seed alone are one.

    Args:
        fields: `key` is a run, a list of runs, or labels with a run or a list each; `seeds: all` takes for each of them every other seed of
            the same settings that the project has.
        project: whose runs they are.
        key: `runs`, or `run`.

    Raises:
        UserError: no run, one that is not there, or a label whose runs differ in more than the seed; with file and line.
        NoRunYetError: `latest` or `best` before there is one.
    """
    value = fields.take(key)
    every = fields.choice("seeds", ("named", "all"), "named") == "all"
    if not isinstance(value, Mapping) or not value:
        runs = _listed(value, key, fields, project)
        return _results(_siblings(runs, project) if every else runs)
    results = []
    for label, refs in value.items():
        runs = _listed(refs, key, fields, project)
        found = _results(_siblings(runs, project) if every else runs)
        if len(found) > 1:
            two = " ".join(result.runs[0].id for result in found[:2])
            remedy = f"give each a label of its own; `projectkit runs compare {two}` shows where they differ"
            raise fields.error(key, f"the runs of {str(label)!r} differ in more than the seed", remedy)
        results.append(replace(found[0], label=str(label)))
    return tuple(results)


def named_run(fields: Fields, project: Project) -> Run:
    """The run that `run` names.

    Raises:
        UserError: no run, or one that is not there; with file and line.
        NoRunYetError: `latest` or `best` before there is one.
    """
    return find(fields.text("run"), "run", fields, project)


def find(ref: str, key: str, fields: Fields, project: Project) -> Run:
    """The run that a text in `key` names; see `named_run`."""
    if not ref:
        raise fields.error(key, "names no run", f"write {key}: latest")
    if "/" in ref or "\\" in ref or ref.startswith((".", "~")):
        raise fields.error(
            key, f"{ref!r} is a path", "name a run of this project by its id; see `projectkit runs list`"
        )
    if ref in ("latest", "best") and not any(
        run.status == "finished" and run.kind == "train" for run in list_runs(project)
    ):
        raise NoRunYetError
    try:
        return find_run(ref, project)
    except UserError as error:
        raise UserError(error.what, where=fields.where(key), remedy=error.remedy) from error


def _listed(value: object, key: str, fields: Fields, project: Project) -> list[Run]:
    """The runs of a text or of a list of texts, each once."""
    refs = [value] if isinstance(value, str) else value
    if not isinstance(refs, list) or not refs:
        raise fields.error(key, "names no runs", f"write {key}: {'latest' if key == 'run' else '[latest]'}")
    runs = [find(str(ref), key, fields, project) for ref in refs]
    return list({run.id: run for run in runs}.values())


def _results(runs: Sequence[Run]) -> tuple[Result, ...]:
    """As `results_of`, whose reading of each config is only needed where there is more than one run."""
    return results_of(runs) if len(runs) > 1 else tuple(Result(run.name, (run,)) for run in runs)


def _siblings(runs: Sequence[Run], project: Project) -> list[Run]:
    """The runs, and after them every other finished run of the project that is one result with one of them."""

    def about(run: Run) -> tuple[object, ...]:
        return (run.kind, *(run.part("data").get(name) for name in _SAME))

    wanted = {about(run) for run in runs}
    others = [run for run in list_runs(project) if run.status == "finished" and about(run) in wanted]
    ids = {run.id for run in runs}
    together = results_of([*runs, *(run for run in others if run.id not in ids)])
    of_them = [result for result in together if ids & {run.id for run in (*result.runs, *result.repeats)}]
    return [run for result in of_them for run in result.runs]


def evaluation_of(run: Run, subset: str, fields: Fields) -> dict[str, Any]:
    """The evaluation of a run, of the weights that it has now.

    Raises:
        UserError: it was not evaluated on the subset, or its weights were replaced since; with file and line.
    """
    again = f"type `projectkit evaluate {run.id}{'' if subset == 'val' else f' --subset {subset}'}`"
    try:
        document = run.evaluation(subset)
    except UserError as error:
        raise fields.error("subset", f"{error.what} ({error.where})", error.remedy or again) from error
    if document is None:
        raise fields.error("subset", f"the run {run.id} has not been evaluated on {subset}", again)
    if run.outdated(document):
        what = f"the run {run.id} was trained further after it had been evaluated on {subset}"
        raise fields.error("subset", what, again)
    return document


def history_of(run: Run, metric: str, fields: Fields) -> tuple[list[int], list[float]]:
    """Steps and values of a metric that training logged.

    Raises:
        UserError: it was never logged; with file and line.
    """
    try:
        return run.history(metric)
    except UserError as error:
        raise UserError(
            f"the run {run.id} never logged {metric!r}", where=fields.where("metrics"), remedy=error.remedy
        ) from error


def subset_words(name: str) -> str:
    """A subset as people call it."""
    return _SUBSETS.get(name, name.replace("_", " "))


def named_source(runs: Mapping[str, Run], words: str = "") -> Node:
    """What is printed below something that was drawn from runs: `words`, and `runs`, their ids."""
    ids = list(dict.fromkeys(run.id for run in runs.values()))
    return {"words": f"{words}{'Run' if len(ids) == 1 else 'Runs'} ", "runs": ids}
