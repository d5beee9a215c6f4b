"""`projectkit data new`: a card for files that have none, by looking at them and asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.errors import ProjectkitError, UserError

_NONE = "-"  # typed where a column is asked for and there is none


@click.command("new")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", help="What teams will type; default: from the files' names.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder of the card; default: cards/."
)
@click.option("--title", help="As people call it.")
@click.option("--label", metavar="COLUMN", help="The column with the classes.")
@click.option("--text", metavar="COLUMN", help="The column that is the input; - for a table.")
@click.option("--group", metavar="COLUMN", help="What must not be split apart; - for nothing.")
@click.option("--time", metavar="COLUMN", help="When a row happened; - for none.")
@click.option("--licence", help="As the makers state it.")
@click.option(
    "--url", "urls", multiple=True, help="Where the file will be on the web; or their folder, with a slash at its end."
)
@click.option(
    "--withhold",
    metavar="SHARE",
    type=click.FloatRange(0, 1, True, True),
    help="Keep this share's labels to the staff.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing, take the guesses.")
@click.option("--force", is_flag=True, help="Write over a card that is there.")
@as_json
def data_new(
    files: tuple[Path, ...],
    name: str | None,
    output: Path | None,
    urls: tuple[str, ...],
    withhold: float | None,
    no_input: bool,
    force: bool,
    as_json: bool,
    **given: str | None,
) -> int:
    """Write a card for data of your own. FILES are CSV, TSV, JSONL or NPZ, or one folder of pictures; it looks at them, asks, and warns."""
    from projectkit.datasets.own.newcard import default_name, write_new
    from projectkit.datasets.own.survey import survey

    seen = survey(files)
    ask = _default if no_input else _ask
    chosen = name or ask("Name (a-z, 0-9, _)", default_name(files), _check_name)
    folder = output or _cards_folder()
    _refuse_taken(chosen, folder)
    keys, left_out = _keys(seen, given, ask)
    title = given["title"] or ask("Title", chosen.replace("_", " ").capitalize(), _anything)
    keys = {"title": title, **keys}
    licence = given["licence"] or ask("Licence (- if you do not know)", _NONE, _anything)
    if licence != _NONE:
        keys["licence"] = licence
    made = write_new(
        files, seen, keys, left_out, name=chosen, folder=folder, urls=urls, withhold=withhold or 0.0, force=force
    )
    written = [made.path, *made.files, *([made.labels] if made.labels else [])]
    if as_json:
        from projectkit.findings import as_json as document

        console.print_json({"name": chosen, "files": list(map(str, written)), **document(made.findings)})
        return int(any(finding.status == "error" for finding in made.findings))
    for column, why in left_out.items():
        click.echo(f"left out {column}: {why}")
    status = console.report(made.findings, as_json=False)
    click.echo("\n".join(map(console.path, written)))
    for line in _next(chosen, folder, made):
        click.echo(line, err=True)
    return status


def _keys(
    seen: Any, given: Mapping[str, str | None], ask: Callable[[str, str, Callable[[str], None]], str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The card's keys; each question's default follows from the answers before it."""
    from projectkit.datasets.own.guess import propose

    answers = {key: given[key] for key in ("label", "text", "group", "time") if given[key]}
    questions = {"label": "Column with the classes"}
    if seen.form != "npz":
        questions["text"] = f"Column with the text that is the input ({_NONE}: a table of all the others)"
    questions["group"] = f"Column with what must not be split apart, such as a host or a person ({_NONE}: none)"
    questions["time"] = f"Column with the time ({_NONE}: none)"

    def proposed(answers: Mapping[str, str | None]) -> tuple[dict[str, Any], dict[str, str]]:
        return propose(seen, **{key: "" if value == _NONE else value for key, value in answers.items()})

    for key, question in questions.items() if seen.columns else ():
        if key in answers:
            continue
        try:
            default = str(proposed(answers)[0].get(key, _NONE))
        except UserError:
            if ask is _default or key != "label":
                raise
            default = _NONE  # no column looks like a label, but a person may know it

        def check(value: str, key: str = key) -> None:
            proposed({**answers, key: value})

        answers[key] = ask(question, default, check)
    return proposed(answers)


def _ask(prompt: str, default: str, check: Callable[[str], None]) -> str:
    def checked(value: str) -> str:
        try:
            check(value)
        except ProjectkitError as error:
            raise click.UsageError(str(error)) from error  # asked again
        return value

    answer: str = click.prompt(prompt, default=default, value_proc=checked, err=True)
    return answer


def _default(_: str, default: str, __: Callable[[str], None]) -> str:
    return default


def _check_name(name: str) -> None:
    from projectkit.datasets.own.folders import check_name

    check_name(name, where="name")


def _anything(_: str) -> None:
    pass


def _cards_folder() -> Path:
    """The team's `cards/`, else one in the working directory."""
    from projectkit.datasets.own.folders import FOLDER
    from projectkit.project import find_project

    project = find_project()
    return (project.root if project else Path.cwd()) / FOLDER


def _refuse_taken(name: str, folder: Path) -> None:
    from projectkit import datasets
    from projectkit.datasets.own.folders import found

    others = [file for file in found().get(name, []) if file.parent.resolve() != folder.resolve()]
    if name in datasets.names() and (others or name not in found()):
        where = console.path(others[0]) if others else "data list"
        raise UserError(
            f"there is a data set '{name}' already", where=where, remedy=f"choose another: --name our_{name}"
        )


def _next(name: str, folder: Path, made: Any) -> list[str]:
    from projectkit.datasets.own.folders import folders

    lines = []
    if folder.resolve() not in folders():
        lines.append(f"next: set PROJECTKIT_CARDS={folder.resolve()}, so that projectkit finds the card")
    lines.append(f"next: projectkit data info {name}, then projectkit train data.name={name}")
    if made.labels:
        lines.append(
            f"keep {console.path(made.labels)} to yourself: it has the labels of {made.test_samples:,} of {made.samples:,} rows; "
            f"to evaluate, set PROJECTKIT_LABELS={made.labels.parent}"
        )
    return lines
