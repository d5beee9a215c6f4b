"""The commands, a few lines each: read the arguments, call a room, print what it gave.

| command | room |
|---|---|
| `new`, `doctor`, `demo` | scaffold |
| `data list / info / fetch / verify` | datasets |
| `train` | training |
| `evaluate` | evaluation |
| `runs list / show / keep` | runs |
| `poster init / build` | poster |

Nothing heavy is imported before a command needs it, so that `--help` answers at once. Results go to standard output, progress and
errors to standard error. Exit status: 0 done, 1 the work failed or a check found something, 2 the input is wrong.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from projectkit import __version__, console
from projectkit.errors import ProjectkitError, UserError, did_you_mean
from projectkit.project import find_project, require_project

GROUPS = ("data", "runs", "poster")


def main(arguments: Sequence[str] | None = None) -> None:
    """The `projectkit` command: run it, turn errors into one line and an exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")  # a Windows console is often not UTF-8
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words  # anywhere on the line
    words = [word for word in words if word != "--debug"]
    try:
        status = commands.main(words, prog_name="projectkit", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.UsageError as error:
        if not words or words[-1] in GROUPS:  # a group alone: its help says what there is
            click.echo(error.format_message())
            sys.exit(2)
        line, status = console.usage_line(error), 2
    except (click.Abort, KeyboardInterrupt):
        line, status = "stopped", 130
    except ProjectkitError as error:
        if debug:
            raise
        line, status = str(error), error.exit_status
    except Exception as error:
        if debug:
            raise
        line, status = console.unexpected_line(error, Path(__file__).parent), 1
    click.echo(f"projectkit: {line}", err=True)
    sys.exit(status)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="projectkit")
def commands() -> None:
    r"""A team project in deep learning, from the first commit to the poster.

    \b
    Start:    projectkit new
    Then:     projectkit train, projectkit evaluate latest, projectkit poster build
    """


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@commands.command()
@click.argument("answers", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--no-input", is_flag=True, help="Ask nothing; take the default of what is not given.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path(), help="Folder to make the repository in."
)
def new(answers: tuple[str, ...], no_input: bool, output: Path) -> None:
    """Generate a team's repository."""
    from projectkit.scaffold import create_project, questions

    given = dict(_pair(answer) for answer in answers)
    if not no_input:
        given = console.ask(given)
    known = [question.key for question in questions()]
    for key in given:
        if key not in known:
            raise UserError(f"'{key}' is no question of the template", remedy=did_you_mean(key, known))
    root = create_project(given, output, say=lambda note: click.echo(f"warning: {note}", err=True))
    folder = str(root.relative_to(Path.cwd()) if root.is_relative_to(Path.cwd()) else root)
    typed = f'"{folder}"' if " " in folder else folder
    click.echo(f"next: cd {typed}, then read README.md, or at once: projectkit train", err=True)
    click.echo(root)


@commands.command()
@as_json
def doctor(as_json: bool) -> int:
    """Look at this machine: Python, torch, device, disk, store, tracker, fonts."""
    from projectkit.scaffold import examine

    return console.report(examine(), as_json=as_json)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
def demo(folder: Path | None) -> None:
    """Live a whole project: generate, train, evaluate, make the poster. Under three minutes on two cores."""
    from projectkit.scaffold.demo import run_demo

    run_demo(folder, console.error_console())


@commands.group()
def data() -> None:
    """The catalogue and the shared store."""


@data.command("list")
@as_json
def data_list(as_json: bool) -> None:
    """Every data set: what it is, how large, its licence, whether it is here."""
    from projectkit import datasets

    rows = [{**_card_row(datasets.card(name)), "here": datasets.is_here(name)} for name in datasets.names()]
    if as_json:
        return console.print_json(rows)
    shown = [
        (
            row["name"],
            row["modality"],
            console.size(row["bytes"]),
            "yes" if row["here"] else "no",
            row["licence"],
            row["title"],
        )
        for row in rows
    ]
    console.print_table(("name", "modality", "size", "here", "licence", "what"), shown)


@data.command("info")
@click.argument("name")
@as_json
def data_info(name: str, as_json: bool) -> None:
    """A data set's card: classes, splits, traps, licence, citation."""
    from projectkit import datasets

    card = datasets.card(name)
    facts = {
        **_card_row(card),
        "here": datasets.is_here(name),
        "description": card.description,
        "targets": {target: list(value.class_names) for target, value in card.targets.items()},
        "default_target": card.default_target,
        "splits": sorted(card.splits),
        "traps": list(card.traps),
        "safety": card.safety,
        "redistributable": card.redistributable,
        "citation": card.citation,
        "files": [
            {"name": file.name, "bytes": file.size, "sha256": file.sha256, "urls": list(file.urls)}
            for file in card.files
        ],
    }
    if as_json:
        return console.print_json(facts)
    console.print_facts(facts)


@data.command("fetch")
@click.argument("name")
@as_json
def data_fetch(name: str, as_json: bool) -> None:
    """Bring a data set into the store, checked by SHA-256."""
    from projectkit import datasets

    with console.Download() as progress:
        files = datasets.fetch(name, progress=progress)
    if as_json:
        return console.print_json({"name": name, "files": [str(file) for file in files]})
    click.echo("\n".join(map(str, files)) if files else f"{name} needs no download")


@data.command("verify")
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Every data set that is here.")
@as_json
def data_verify(name: str | None, every: bool, as_json: bool) -> int:
    """Check the stored files against their SHA-256."""
    from projectkit import datasets

    if (name is None) == (not every):
        raise UserError(
            "name one data set, or give --all", where="data verify", remedy="for example: projectkit data verify sms"
        )
    names = [name] if name else datasets.in_store()
    return console.report([finding for each in names for finding in datasets.verify(each)], as_json=as_json)


@commands.command()
@click.argument("arguments", nargs=-1, metavar="[CONFIG] [KEY=VALUE]...")
@click.option(
    "--resume", metavar="auto|RUN", help="Go on with a run that did not finish; auto starts a new one if there is none."
)
@click.option("--print-config", is_flag=True, help="Print the config in full and stop.")
@as_json
def train(arguments: tuple[str, ...], resume: str | None, print_config: bool, as_json: bool) -> None:
    """Train what CONFIG describes (default configs/train.yaml); prints the run's id."""
    config, overrides = _config_and_overrides(arguments)
    from projectkit.config import config_to_yaml, load_config

    # a typing mistake is found in a tenth of a second, before torch is imported
    loaded = load_config(config, overrides)
    if print_config:
        return click.echo(config_to_yaml(loaded.config), nl=False)
    find_project(config.parent) or require_project()
    screen = console.error_console()
    with screen.status("starting"):
        from projectkit.training import train as fit
    run = fit(config, overrides, resume=resume, command=["projectkit", *sys.argv[1:]], console=screen)
    if as_json:
        from projectkit.runs import summary

        return console.print_json({**summary(run), "path": str(run.path), "best": run.best, "last": run.last})
    screen.print(f"kept in {run.path}; next: projectkit evaluate {run.id}", highlight=False, soft_wrap=True)
    click.echo(run.id)


@commands.command()
@click.argument("run", default="latest")
@click.option("--subset", default="val", show_default=True, help="val, test, or a further subset of the split.")
@as_json
def evaluate(run: str, subset: str, as_json: bool) -> None:
    """Measure a run: every metric with its 95% interval, confusion matrix, ROC. A look at a test subset is recorded."""
    screen = console.error_console()
    from projectkit.runs import find_run, project_of

    found = find_run(run, project_of(run))
    with screen.status(f"evaluating {found.id} on {subset}"):
        from projectkit.evaluation import evaluate as measure

        evaluated = measure(found, subset)
    if as_json:
        return console.print_json(evaluated.document)
    click.echo(f"{found.id} on {subset}, n = {evaluated.document['n']}")
    console.print_metrics(evaluated.document["metrics"])
    for file in evaluated.files:
        screen.print(f"wrote {file}", highlight=False, soft_wrap=True)


@commands.group()
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
    from projectkit.runs import find_run, project_of, summary

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


@commands.group()
def poster() -> None:
    """The poster for the last day."""


@poster.command("init")
def poster_init() -> None:
    """Write a starting poster into poster/; what is there stays as it is."""
    from projectkit.poster import init_poster
    from projectkit.scaffold import poster_fields, recorded_answers

    root = require_project().root
    answers = recorded_answers(root)
    written = init_poster(root, **(poster_fields(answers) if answers else {}))
    click.echo("\n".join(map(str, written)) if written else "poster/ is complete, nothing was written")


@poster.command("build")
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the PDF and the PNG.")
@as_json
def poster_build(folder: Path | None, output: Path | None, as_json: bool) -> None:
    """Typeset poster/ to one page: PDF and PNG."""
    from projectkit.poster import build_poster

    project = require_project()
    with console.error_console().status("typesetting"):
        built = build_poster(folder or project.root / "poster", project, output=output)
    for warning in built.warnings:
        click.echo(f"warning: {warning}", err=True)
    if as_json:
        return console.print_json(
            {
                "pdf": str(built.pdf),
                "png": str(built.png),
                "words": built.words,
                "scale": built.scale,
                "warnings": list(built.warnings),
            }
        )
    click.echo(f"{built.pdf}\n{built.png}")


def _card_row(card: Any) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "modality": card.modality,
        "licence": card.licence,
        "bytes": card.size,
    }


def _config_and_overrides(arguments: Iterable[str]) -> tuple[Path, list[str]]:
    """The config is the one argument without `=`; without it, that of the project around the working directory."""
    files = [word for word in arguments if "=" not in word]
    if len(files) > 1:
        what = f"{len(files)} configs are named: {', '.join(files)}"
        raise UserError(what, where="train", remedy="name one; settings are key=value")
    project = None if files else find_project()
    root = Path(os.path.relpath(project.root)) if project else Path()
    return root / (files[0] if files else "configs/train.yaml"), [word for word in arguments if "=" in word]


def _pair(answer: str) -> tuple[str, str]:
    key, equals, value = answer.partition("=")
    if not equals or not key:
        raise UserError(
            f"'{answer}' is not KEY=VALUE", where="new", remedy="for example: project_title='Phishing by SMS'"
        )
    return key, value


if __name__ == "__main__":
    main()
