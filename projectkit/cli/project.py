"""The commands around a project: new, subjects, doctor, demo."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.errors import UserError, did_you_mean


@click.command()
@click.argument("answers", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--subject", "subject_id", metavar="ID", help="Start from a subject of the course (`projectkit subjects`)."
)
@click.option("--no-input", is_flag=True, help="Ask nothing; take the default of what is not given.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path(), help="Folder to make the repository in."
)
def new(answers: tuple[str, ...], subject_id: str | None, no_input: bool, output: Path) -> None:
    """Generate a team's repository."""
    from projectkit.scaffold import create_project, find_subject, questions

    subject = find_subject(subject_id) if subject_id else None
    given = dict(_pair(answer) for answer in answers)
    if subject:
        given = {**subject.answers(), **given}
    if not no_input:
        given = console.ask(given)
    known = [question.key for question in questions()]
    for key in given:
        if key not in known:
            raise UserError(f"'{key}' is no question of the template", remedy=did_you_mean(key, known))
    root = create_project(given, output, subject=subject, say=lambda note: click.echo(f"warning: {note}", err=True))
    folder = str(root.relative_to(Path.cwd()) if root.is_relative_to(Path.cwd()) else root)
    typed = f'"{folder}"' if " " in folder else folder
    click.echo(f"next: cd {typed}, then read README.md, or at once: projectkit train", err=True)
    click.echo(root)


@click.command()
@as_json
def subjects(as_json: bool) -> None:
    """The subjects that the course proposes. They stand in subjects.yaml in a folder of $PROJECTKIT_CARDS."""
    from projectkit.scaffold import list_subjects

    found = list_subjects()
    if as_json:
        return console.print_json([{**asdict(each), "file": str(each.file)} for each in found])
    if not found:
        return click.echo(
            "no subject is proposed here; a course sets PROJECTKIT_CARDS to a folder with a subjects.yaml"
        )
    columns = ("id", "data", "difficulty", "teams", "title")
    console.print_table(columns, [[getattr(each, column) for column in columns] for each in found])


@click.command()
@as_json
def doctor(as_json: bool) -> int:
    """Is this machine fit: Python, torch, device, disk, data, fonts?"""
    from projectkit.scaffold import examine

    return console.report(examine(), as_json=as_json)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
def demo(folder: Path | None) -> None:
    """Live a whole project: generate, train, evaluate, poster. Under three minutes on two cores."""
    from projectkit.scaffold.demo import run_demo

    run_demo(folder, console.error_console())


def _pair(answer: str) -> tuple[str, str]:
    key, equals, value = answer.partition("=")
    if not equals or not key:
        raise UserError(
            f"'{answer}' is not KEY=VALUE", where="new", remedy="for example: project_title='Phishing by SMS'"
        )
    return key, value
