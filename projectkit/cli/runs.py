"""The commands about what has been run: `projectkit runs ...`."""

from __future__ import annotations

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.project import require_project


@click.group()
def runs() -> None:
    """What has been run."""


@runs.command("list")
@as_json
def runs_list(as_json: bool) -> None:
    """All runs, newest first."""
    from projectkit.runs import list_runs, summary

    rows = [summary(run) for run in list_runs(require_project())]
    if as_json:
        return console.print_json(rows)
    if not rows:
        return click.echo("no run yet; start one with `projectkit train`")
    columns = ("id", "kind", "status", "data", "monitor", "value", "duration_s", "kept")
    console.print_table(columns, [[console.figure(row.get(column)) for column in columns] for row in rows])


@runs.command("show")
@click.argument("run", default="latest")
@as_json
def runs_show(run: str, as_json: bool) -> None:
    """One run: its settings, how it ended, its best metrics, its evaluations."""
    from projectkit.runs import describe_time, find_run, project_of, summary

    found = find_run(run, project_of(run))
    facts = {**summary(found), "path": str(found.path), **found.record, "evaluations": found.evaluations()}
    if as_json:
        return console.print_json(facts)
    shown = (
        "id",
        "path",
        "kind",
        "status",
        "reason",
        "command",
        "created",
        "seed",
        "data",
        "resolved",
        "best",
        "last",
        "durations",
    )
    if found.seconds:
        facts["durations"] = {"total_s": found.part("durations").get("total_s"), "fit": describe_time(found.seconds)}
    console.print_facts({key: facts[key] for key in shown if facts.get(key) is not None})
    for subset, document in found.evaluations().items():
        click.echo(f"\non {subset}, n = {document['n']}")
        console.print_metrics(document["metrics"])


@runs.command("keep")
@click.argument("run", default="latest")
def runs_keep(run: str) -> None:
    """Copy a run, without checkpoints and predictions, to results/, to be committed."""
    from projectkit.runs import find_run, keep_run, project_of

    project = project_of(run)
    kept = keep_run(find_run(run, project), project)
    click.echo(f"next: git add {kept.relative_to(project.root).as_posix()}, then commit it", err=True)
    click.echo(kept)
