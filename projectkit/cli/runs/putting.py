"""`projectkit runs archive` and `projectkit runs rm`: runs out of sight, and into the trash; and back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from projectkit import console
from projectkit.cli.options import as_json

if TYPE_CHECKING:
    from projectkit.project import Project
    from projectkit.runs import Run
    from projectkit.runs.archive import PutAway

_EMPTYING = "`projectkit runs rm --empty-trash` frees the space"


@click.command("archive", short_help="Hide runs from lists; --undo shows them again.")
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@click.option("--undo", is_flag=True, help="Show them again, with the checkpoints that are still in the trash.")
@as_json
def runs_archive(names: tuple[str, ...], undo: bool, as_json: bool) -> None:
    """Hide runs from lists; checkpoints that only served to go on with them are put into the trash."""
    from projectkit.runs.archive import archive_run, unarchive_run

    done = [(unarchive_run if undo else archive_run)(run, project) for run, project in _found(names)]
    verb = "shown again" if undo else "archived"
    _tell(done, verb, "of its checkpoints back" if undo else "of its checkpoints in the trash", as_json=as_json)


@click.command("rm", short_help="Put runs into the trash; --undo brings them back.")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@click.option("--checkpoints", is_flag=True, help="The weights only; record, metrics and predictions stay.")
@click.option("--force", is_flag=True, help="Also runs that are kept in results/, with that copy.")
@click.option("--undo", is_flag=True, help="Bring them back from the trash.")
@click.option("--trash", is_flag=True, help="List what is in the trash.")
@click.option("--empty-trash", is_flag=True, help="Delete for good what is in the trash.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def runs_rm(
    names: tuple[str, ...],
    checkpoints: bool,
    force: bool,
    undo: bool,
    trash: bool,
    empty_trash: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Put runs into the trash, from which they can be brought back until it is emptied."""
    from projectkit.errors import UserError
    from projectkit.project import require_project
    from projectkit.runs import archive

    chosen = [name for name, given in (("--checkpoints", checkpoints), ("--undo", undo), ("--trash", trash)) if given]
    chosen += ["--empty-trash"] if empty_trash else []
    if len(chosen) > 1:
        raise UserError(
            f"{' and '.join(chosen)} exclude each other", where="projectkit runs rm", remedy="give one of them"
        )
    if trash or empty_trash:
        if names:
            remedy = "leave RUN out, or the option; RUN... alone puts runs into the trash"
            raise UserError("the trash is listed and emptied as a whole", where=" ".join(names), remedy=remedy)
        return _trash(require_project(), empty=empty_trash, yes=yes, as_json=as_json)
    if not names:
        raise UserError("which run?", where="projectkit runs rm", remedy="type its id; see `projectkit runs list`")
    if undo:
        done = [archive.restore_run(name, require_project()) for name in names]
        return _tell(done, "brought back", "files in all", as_json=as_json)
    found = _found(names, unreadable=True)
    for run, project in found:  # all of them, before the first is touched
        archive.refuse_removal(run, project, force=force or checkpoints)
    what = "the checkpoints of " if checkpoints else ""
    _ask(f"put {what}{_names([run.id for run, _ in found])} into the trash?", yes=yes)
    if checkpoints:
        done = [archive.remove_checkpoints(run, project) for run, project in found]
    else:
        done = [archive.remove_run(run, project, force=force) for run, project in found]
    _tell(done, "in the trash", "files in all", as_json=as_json)


def _found(names: Sequence[str], *, unreadable: bool = False) -> list[tuple[Run, Project]]:
    """The runs, each once; where asked for also those that cannot be read."""
    from projectkit.runs import find_run, project_of
    from projectkit.runs.find import find_tolerant

    found = {}
    for name in names:
        project = project_of(name)
        run = (find_tolerant if unreadable else find_run)(name, project)
        found[run.path] = run, project
    return list(found.values())


def _trash(project: Project, *, empty: bool, yes: bool, as_json: bool) -> None:
    from projectkit.runs.archive import empty_trash, trashed

    there = trashed(project)
    if empty and there:
        size = console.size(sum(each.bytes for each in there))
        _ask(f"delete {_names([each.id for each in there])} ({size}) for good?", yes=yes)
        return _tell(empty_trash(project), "deleted", "files in all", as_json=as_json)
    if as_json:
        return console.print_json([_plain(each) for each in there])
    if not there:
        return click.echo("the trash is empty")
    console.print_table(("id", "files", "size"), [(each.id, each.files, _size(each)) for each in there])
    click.echo(f"`projectkit runs rm --undo RUN` brings one back, {_EMPTYING}", err=True)


def _ask(question: str, *, yes: bool) -> None:
    from projectkit.errors import UserError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("nobody is there to be asked", where="projectkit runs rm", remedy="add --yes")
    click.confirm(question, abort=True, err=True)


def _tell(done: Sequence[PutAway], verb: str, what: str, *, as_json: bool) -> None:
    if as_json:
        return console.print_json([_plain(each) for each in done])
    for each in done:
        click.echo(f"{each.id}  {verb}" + (f", {each.files} {what} ({_size(each)})" if each.files else ""))
    if "trash" in f"{verb} {what}" and any(each.files for each in done):
        click.echo(f"`--undo` brings back what is in the trash; {_EMPTYING}", err=True)


def _plain(each: PutAway) -> dict[str, object]:
    return {"id": each.id, "files": each.files, "bytes": each.bytes}


def _size(each: PutAway) -> str:
    return console.size(each.bytes) if each.bytes else "0 B"


def _names(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{len(ids)} runs ({', '.join(ids[:3])}{' ...' if len(ids) > 3 else ''})"
