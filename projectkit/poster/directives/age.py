"""What on a poster is older than its run, or still going to change: said once for each run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from projectkit.errors import UserError
from projectkit.poster.directives.shown import Shown
from projectkit.project import Project
from projectkit.runs import Run, find_run, read_run

_OF_RECORD = ("samples", "looks")  # not of an evaluation, though they are of a subset


def aged(shown: Iterable[Shown], project: Project) -> Iterator[str]:
    """Why what a directive shows will not stay as it is, a line for each run.

    An evaluation of weights that were replaced since is an error already where it is read (`found.evaluation_of`).

    Args:
        shown: what the directive drew.
        project: whose runs they are.
    """
    asked: dict[str, list[Shown]] = {}
    for one in shown:
        for run_id in one.mean_of or (one.run,):
            asked.setdefault(run_id, []).append(one)
    for run_id, of_run in asked.items():
        run = find_run(run_id, project)
        if run.status == "running":
            yield f"the run {run_id} is still going on; build the poster again when it has ended"
        elif run.kept and run.kept.resolve() != run.path.resolve() and _is_behind(run, run.kept, of_run):
            yield (
                f"results/{run_id} is older than the run, so that a partner builds another poster; "
                f"type `projectkit runs keep {run_id}`"
            )


def _is_behind(run: Run, kept: Path, shown: Iterable[Shown]) -> bool:
    """Whether something that is shown is not what the kept copy of the run has."""
    for one in shown:
        name = "audit.json" if one.what == "audit" else f"evaluation/{one.subset}.json"
        if one.what not in _OF_RECORD and _content(kept / name) != _content(run.path / name):
            return True
    try:
        return read_run(kept).last != run.last
    except UserError:
        return True


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
