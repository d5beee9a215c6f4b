"""The command that hands runs to Weights & Biases: `projectkit sync`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.project import require_project

if TYPE_CHECKING:
    from projectkit.project import Project
    from projectkit.runs import Run
    from projectkit.runs.sync import Pending, Target, Uploaded

STATUSES = ("running", "finished", "failed", "interrupted")
HOPELESS = ("key", "no-key", "unreachable", "busy", "wandb")  # what is wrong for one run is wrong for the next


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only runs of this status.")
@click.option("--deadline", default=600.0, show_default=True, help="Seconds for one run.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, send nothing.")
@as_json
def sync(runs: tuple[str, ...], statuses: tuple[str, ...], deadline: float, dry_run: bool, as_json: bool) -> int:
    """Hand runs to Weights & Biases: what is not there yet, once.

    \b
    projectkit sync          every run here but those of tracking.wandb=disabled
    projectkit sync latest   one run, also such a one
    Killed halfway, type it again: it goes on where the server stands.
    """  # noqa: D301 - click takes the backspace for "leave these lines as they are"
    rows, failed = [], False
    for run, target, what in _waiting(runs, statuses):
        row = {
            "run": run.id,
            "status": run.status,
            "pending": str(what),
            "uploaded": False,
            "url": None,
            "problem": None,
        }
        rows.append(row)
        if dry_run:
            if not as_json:
                click.echo(f"{run.id}  {what}")
            continue
        uploaded = _upload(run, target, what, deadline)
        failed = failed or (uploaded.problem is not None and uploaded.kind != "taken")
        row.update(uploaded=uploaded.problem is None, url=uploaded.url or None, problem=uploaded.problem)
        for note in uploaded.notes:
            click.echo(f"note: {run.id}: {note}", err=True)
        if not as_json and uploaded.problem is None:
            click.echo(f"{run.id}  {uploaded.url}")
        if uploaded.problem is not None:
            click.echo(f"{'left' if uploaded.kind == 'taken' else 'failed'}: {run.id}: {uploaded.problem}", err=True)
        if uploaded.kind in HOPELESS:
            break
    if as_json:
        console.print_json(rows)
    elif not rows:
        click.echo("everything is uploaded", err=True)
    return 1 if failed else 0


def _waiting(refs: tuple[str, ...], statuses: tuple[str, ...]) -> list[tuple[Run, Target, Pending]]:
    """The runs of which something is not there yet, oldest first."""
    from projectkit.errors import UserError
    from projectkit.runs import find_run, list_runs, project_of
    from projectkit.runs.sync import pending, read_marker, target_of, tracking_of

    named: list[tuple[Run, Project]]
    if refs:
        named = [(find_run(ref, project_of(ref)), project_of(ref)) for ref in refs]
    else:
        project = require_project()
        # a partner's run that was kept is handed over by the partner
        here = [run for run in reversed(list_runs(project)) if run.path.parent == project.runs and not run.problem]
        named = [(run, project) for run in here]
    found = []
    for run, project in named:
        if run.path.parent == project.results:
            raise UserError(
                "a copy that was kept", where=run.id, remedy="type `projectkit sync` on the machine that trained it"
            )
        tracking = tracking_of(run)
        if (statuses and run.status not in statuses) or (not refs and tracking.get("wandb") == "disabled"):
            continue
        target = target_of(tracking, project.root.name)
        what = pending(run, read_marker(run.path), checkpoint_mib=target.checkpoint_mib)
        if what:
            found.append((run, target, what))
    return found


def _upload(run: Run, target: Target, what: Pending, deadline_s: float) -> Uploaded:
    from projectkit.runs.sync import Uploading

    with console.error_console().status("") as screen:
        tell = _teller(run.id, what, screen.update)
        tell({"state": "connecting"})
        uploading = Uploading(run.path, target, deadline_s=deadline_s)
        return uploading.wait(tell)


def _teller(run: str, what: Pending, show: Callable[[str], None]) -> Callable[[Mapping[str, Any]], None]:
    words = {
        "connecting": "asks the server",
        "connected": "sends rows",
        "sending": "sends config, evaluations and files",
        "finishing": "waits until the server has it",
    }

    def tell(said: Mapping[str, Any]) -> None:
        if said.get("state") in words:
            show(f"{run}: {words[said['state']]} ({what})")

    return tell
