"""What on a poster is older than its run, or still going to change: said once for each run, with file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from projectkit.poster.directives.shown import Shown
from projectkit.project import Project
from projectkit.runs import Run, find_run


def aged(shown: Iterable[Shown], place: str, project: Project) -> Iterator[str]:
    """Why what a directive shows will not stay as it is, a line for each run and reason.

    An evaluation of weights that were replaced since is an error already where it is read (`found.evaluation_of`).

    Args:
        shown: what the directive drew.
        place: file and line, for the message.
        project: whose runs they are.
    """
    for run_id in dict.fromkeys(run_id for each in shown for run_id in each.mean_of or (each.run,)):
        run = find_run(run_id, project)
        if run.status == "running":
            yield f"{place}: the run {run.id} is still going on; build the poster again when it has ended"
        elif run.kept and run.kept.resolve() != run.path.resolve() and _differs(run, run.kept):
            yield (
                f"{place}: results/{run.id} is older than the run, so a partner's poster shows other numbers; "
                f"type `projectkit runs keep {run.id}`"
            )


def _differs(run: Run, kept: Path) -> bool:
    """Whether an evaluation or the audit of the run is not what its kept copy has."""
    names = [path.relative_to(run.path) for path in (run.path / "evaluation").glob("*.json") if path.name[0] != "."]
    for name in (*names, *(path.relative_to(run.path) for path in run.path.glob("audit.json"))):
        copy = kept / name
        if not copy.is_file() or copy.read_bytes() != (run.path / name).read_bytes():
            return True
    return False
