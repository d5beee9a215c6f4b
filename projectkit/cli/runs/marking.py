"""`projectkit runs tag`, `note`, `keep` and `export`: what is said about a run, and what is handed on of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projectkit import console
from projectkit.cli.options import as_json

if TYPE_CHECKING:
    from projectkit.runs.notes import Marks


class _TagCommand(click.Command):
    """A command whose words may begin with a minus: `-bad` takes a tag away and is no bundle of options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [word for word in args if word in ("--json", "--help", "-h")]
        return super().parse_args(ctx, [*options, "--", *(word for word in args if word not in options)])


@click.command("tag", short_help="Give runs tags, take them away, show them.", cls=_TagCommand)
@click.argument("words", nargs=-1, required=True, metavar="RUN... [+TAG]... [-TAG]...")
@as_json
def runs_tag(words: tuple[str, ...], as_json: bool) -> None:
    """Give runs tags and take them away: `projectkit runs tag latest +good -draft`; without tags, show them."""
    from projectkit.errors import UserError
    from projectkit.runs import find_run, project_of
    from projectkit.runs.notes import tag_run

    add = [word[1:] for word in words if word.startswith("+")]
    remove = [word[1:] for word in words if word.startswith("-")]
    names = [word for word in words if not word.startswith(("+", "-"))]
    if not names:
        remedy = "type it before the tags: `projectkit runs tag latest +good`"
        raise UserError("which run?", where="projectkit runs tag", remedy=remedy)
    found = [find_run(name, project_of(name)) for name in names]  # all of them, before the first is changed
    done = [(run.id, tag_run(run, add, remove)) for run in found]
    if as_json:
        return console.print_json([{"id": run_id, "tags": list(marks.tags)} for run_id, marks in done])
    for run_id, marks in done:
        click.echo(f"{run_id}  {','.join(marks.tags) or '(no tag)'}")


@click.command("note", short_help="Write a note about a run, or show its notes.")
@click.argument("run")
@click.argument("text", required=False)
@as_json
def runs_note(run: str, text: str | None, as_json: bool) -> None:
    """Write a note about a run: `projectkit runs note latest "the split was wrong"`; without text, show its notes."""
    from projectkit.runs import find_run, project_of
    from projectkit.runs.notes import marks_of, note_run

    found = find_run(run, project_of(run))
    if text is not None:
        note_run(found, text)
    marks = marks_of(found)
    if as_json:
        return console.print_json({"id": found.id, "notes": _notes(marks)})
    if not marks.notes:
        return click.echo(f"no note on {found.id}")
    for note in marks.notes:
        click.echo(f"{note.time[:16].replace('T', ' ')}  {note.by}: {note.text}")


@click.command("keep", short_help="Copy runs to results/, small and made for git.")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@as_json
def runs_keep(names: tuple[str, ...], as_json: bool) -> None:
    """Copy runs (`latest` unless named) without checkpoints and predictions to results/, to be committed."""
    from projectkit.runs import find_run, keep_run, project_of

    found = [(find_run(name, project := project_of(name)), project) for name in names or ("latest",)]
    kept = [(keep_run(run, project), project) for run, project in found]
    if as_json:
        return console.print_json([{"id": path.name, "path": str(path)} for path, _ in kept])
    paths = " ".join(path.relative_to(project.root).as_posix() for path, project in kept)
    click.echo(f"next: git add {paths}, then commit it", err=True)
    for path, _ in kept:
        click.echo(path)


@click.command("export", short_help="A run in a zip, with all that repeats it but the data.")
@click.argument("run", default="latest")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The zip; default: the run's id, here.",
)
@click.option("--checkpoint", is_flag=True, help="With the best weights.")
@as_json
def runs_export(run: str, output: Path | None, checkpoint: bool, as_json: bool) -> None:
    """A zip with everything that is needed to repeat a run but the data: record, code, configs, lock, how to do it."""
    from projectkit.runs import find_run, project_of
    from projectkit.runs.export import export_run

    project = project_of(run)
    found = find_run(run, project)
    done = export_run(found, project, output or Path(f"{found.id}.zip"), checkpoint=checkpoint)
    if as_json:
        return console.print_json(
            {
                "path": str(done.path.resolve()),
                "bytes": done.bytes,
                "files": list(done.files),
                "notes": list(done.notes),
            }
        )
    for note in done.notes:
        click.echo(f"source/: {note}", err=True)
    click.echo(f"{len(done.files)} files, {console.size(done.bytes)}; unzip it into runs/ of any project", err=True)
    click.echo(done.path)


def _notes(marks: Marks) -> list[dict[str, Any]]:
    return [{"time": note.time, "by": note.by, "text": note.text} for note in marks.notes]
