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
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projectkit import __version__
from projectkit.errors import ProjectkitError, UserError, did_you_mean, nearest

if TYPE_CHECKING:
    from rich.console import Console

    from projectkit.findings import Finding

GROUPS = ("data", "runs", "poster")
SHOWN_BY_DEBUG = "--debug shows the traceback"


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
    except click.UsageError as error:
        if not words or words[-1] in GROUPS:  # a group alone: its help says what there is
            click.echo(error.format_message())
            sys.exit(2)
        _fail(_usage(error), 2)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped", 130)
    except ProjectkitError as error:
        if debug:
            raise
        _fail(str(error), error.exit_status)
    except Exception as error:
        if debug:
            raise
        _fail(f"{type(error).__name__}: {' '.join(str(error).split())}; this is not expected, {SHOWN_BY_DEBUG}", 1)
    sys.exit(status if isinstance(status, int) else 0)


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
        given = _ask(given)
    known = [question.key for question in questions()]
    for key in given:
        if key not in known:
            raise UserError(f"'{key}' is no question of the template", remedy=did_you_mean(key, known))
    root = create_project(given, output)
    click.echo(f"{root}\nnext: cd {root.name}, then read README.md, or at once: projectkit train", err=True)
    click.echo(root)


@commands.command()
@as_json
def doctor(as_json: bool) -> int:
    """Look at this machine: Python, torch, device, disk, store, tracker, fonts."""
    from projectkit.scaffold import examine

    return _report(examine(), as_json)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
def demo(folder: Path | None) -> None:
    """Live a whole project: generate, train, evaluate, make the poster. Under three minutes on two cores."""
    from projectkit.scaffold.demo import run_demo

    run_demo(folder, _console())


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
        return _print_json(rows)
    shown = [
        (
            row["name"],
            row["modality"],
            _size(row["bytes"]),
            "yes" if row["here"] else "no",
            row["licence"],
            row["title"],
        )
        for row in rows
    ]
    _print_table(("name", "modality", "size", "here", "licence", "what"), shown)


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
        "citation": card.citation,
        "files": [
            {"name": file.name, "bytes": file.size, "sha256": file.sha256, "urls": list(file.urls)}
            for file in card.files
        ],
    }
    if as_json:
        return _print_json(facts)
    _print_facts(facts)


@data.command("fetch")
@click.argument("name")
@as_json
def data_fetch(name: str, as_json: bool) -> None:
    """Bring a data set into the store, checked by SHA-256."""
    from projectkit import datasets

    with _Download() as progress:
        files = datasets.fetch(name, progress=progress)
    if as_json:
        return _print_json({"name": name, "files": [str(file) for file in files]})
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
    names = [name] if name else [each for each in datasets.names() if datasets.is_here(each)]
    return _report([finding for each in names for finding in datasets.verify(each)], as_json)


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
    if print_config:
        from projectkit.config import config_to_yaml, load_config

        return click.echo(config_to_yaml(load_config(config, overrides).config), nl=False)
    from projectkit.config import load_config
    from projectkit.project import find_project, require_project

    # a typing mistake is found in a tenth of a second, before torch is imported
    load_config(config, overrides)
    find_project(config.parent) or require_project()
    console = _console()
    with console.status("starting"):
        from projectkit.training import train as fit
    run = fit(config, overrides, resume=resume, command=["projectkit", *sys.argv[1:]], console=console)
    if as_json:
        from projectkit.runs import summary

        return _print_json({**summary(run), "path": str(run.path), "best": run.best, "last": run.last})
    console.print(f"kept in {run.path}; next: projectkit evaluate {run.id}", highlight=False, soft_wrap=True)
    click.echo(run.id)


@commands.command()
@click.argument("run", default="latest")
@click.option("--subset", default="val", show_default=True, help="val, test, or a further subset of the split.")
@as_json
def evaluate(run: str, subset: str, as_json: bool) -> None:
    """Measure a run: every metric with its 95% interval, confusion matrix, ROC. A look at a test subset is recorded."""
    console = _console()
    from projectkit.project import require_project
    from projectkit.runs import find_run

    found = find_run(run, require_project())
    with console.status(f"evaluating {found.id} on {subset}"):
        from projectkit.evaluation import evaluate as measure

        evaluated = measure(found, subset)
    if as_json:
        return _print_json(evaluated.document)
    document = evaluated.document
    click.echo(f"{found.id} on {subset}, n = {document['n']}")
    rows = [
        (name, _figure(value["value"]), _interval(value), value.get("method") or "")
        for name, value in document["metrics"].items()
    ]
    _print_table(("metric", "value", "95% interval", "method"), rows)
    for file in evaluated.files:
        console.print(f"wrote {file}", highlight=False, soft_wrap=True)


@commands.group()
def runs() -> None:
    """What has been run."""


@runs.command("list")
@as_json
def runs_list(as_json: bool) -> None:
    """All runs, newest first."""
    from projectkit.project import require_project
    from projectkit.runs import list_runs, summary

    rows = [summary(run) for run in list_runs(require_project())]
    if as_json:
        return _print_json(rows)
    if not rows:
        return click.echo("no run yet; start one with `projectkit train`")
    columns = ("id", "kind", "status", "data", "monitor", "value", "duration_s", "kept")
    _print_table(columns, [[_figure(row.get(column)) for column in columns] for row in rows])


@runs.command("show")
@click.argument("run", default="latest")
@as_json
def runs_show(run: str, as_json: bool) -> None:
    """One run: its settings, how it ended, its best metrics, its evaluations."""
    from projectkit.project import require_project
    from projectkit.runs import find_run, summary

    found = find_run(run, require_project())
    facts = {**summary(found), "path": str(found.path), **found.record, "evaluations": found.evaluations()}
    if as_json:
        return _print_json(facts)
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
    _print_facts({key: facts[key] for key in shown if facts.get(key) is not None})
    for subset, document in found.evaluations().items():
        click.echo(f"\non {subset}, n = {document['n']}")
        rows = [(name, _figure(value["value"]), _interval(value)) for name, value in document["metrics"].items()]
        _print_table(("metric", "value", "95% interval"), rows)


@runs.command("keep")
@click.argument("run", default="latest")
def runs_keep(run: str) -> None:
    """Copy a run, without checkpoints and predictions, to results/, to be committed."""
    from projectkit.project import require_project
    from projectkit.runs import find_run, keep_run

    project = require_project()
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
    from projectkit.project import require_project

    written = init_poster(require_project().root)
    click.echo("\n".join(map(str, written)) if written else "poster/ is complete, nothing was written")


@poster.command("build")
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the PDF and the PNG.")
@as_json
def poster_build(folder: Path | None, output: Path | None, as_json: bool) -> None:
    """Typeset poster/ to one page: PDF and PNG."""
    from projectkit.poster import build_poster
    from projectkit.project import require_project

    project = require_project()
    with _console().status("typesetting"):
        built = build_poster(folder or project.root / "poster", project, output=output)
    for warning in built.warnings:
        click.echo(f"warning: {warning}", err=True)
    if as_json:
        return _print_json(
            {
                "pdf": str(built.pdf),
                "png": str(built.png),
                "words": built.words,
                "scale": built.scale,
                "warnings": list(built.warnings),
            }
        )
    click.echo(f"{built.pdf}\n{built.png}")


# -- from the command line to plain values --


def _config_and_overrides(arguments: Iterable[str]) -> tuple[Path, list[str]]:
    """The config is the one argument without `=`."""
    files = [word for word in arguments if "=" not in word]
    if len(files) > 1:
        raise UserError(
            f"{len(files)} configs are named: {', '.join(files)}",
            where="train",
            remedy="name one; settings are key=value",
        )
    return Path(files[0] if files else "configs/train.yaml"), [word for word in arguments if "=" in word]


def _pair(answer: str) -> tuple[str, str]:
    key, equals, value = answer.partition("=")
    if not equals or not key:
        raise UserError(
            f"'{answer}' is not KEY=VALUE", where="new", remedy="for example: project_title='Phishing by SMS'"
        )
    return key, value


def _ask(given: dict[str, str]) -> dict[str, str]:
    """Ask what is not given, one question after another; a later default follows from the answers so far."""
    from projectkit.scaffold import check_answer, questions

    answers = dict(given)
    for key in [question.key for question in questions()]:
        if key in answers:
            continue
        question = next(each for each in questions(answers) if each.key == key)
        kind = click.Choice(question.choices) if question.choices else str

        def checked(value: str, key: str = key) -> str:
            try:
                check_answer(key, value)
            except ProjectkitError as error:
                raise click.UsageError(str(error)) from error  # asked again
            return value

        reader: Any = None if question.choices else checked
        answers[key] = click.prompt(question.prompt, default=question.default, type=kind, value_proc=reader, err=True)
    return answers


def _usage(error: click.UsageError) -> str:
    """One line for a command line that click does not understand."""
    context = error.ctx
    where = context.command_path if context else "projectkit"
    what = error.format_message().split(". ")[0].rstrip(".")
    what = what[0].lower() + what[1:]
    remedy = f"see `{where} --help`"
    if context is not None and isinstance(error, click.NoSuchOption):
        options = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        near = nearest(error.option_name, options)
        remedy = f"did you mean {near}?" if near else remedy
    elif context is not None and isinstance(context.command, click.Group) and "'" in what:
        remedy = did_you_mean(what.split("'")[1], context.command.commands)
    return f"{what}; {remedy}"


# -- from plain values to what is printed --


def _fail(line: str, status: int) -> None:
    click.echo(f"projectkit: {line}", err=True)
    sys.exit(status)


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns by white space, so that the output can be read by eye and by awk."""
    lines = [list(columns), *[["-" if cell in (None, "") else str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _print_facts(facts: dict[str, Any]) -> None:
    for key, value in facts.items():
        text = (
            ", ".join(f"{name} {_figure(each)}" for name, each in value.items()) if isinstance(value, dict) else value
        )
        text = (
            " ".join(map(_figure, value))
            if isinstance(value, list) and all(isinstance(each, str) for each in value)
            else text
        )
        click.echo(f"{key:<16}{_figure(text)}")


def _report(findings: Sequence[Finding], as_json: bool) -> int:
    from projectkit import findings as form

    if as_json:
        _print_json(form.as_json(findings))
    else:
        for finding in findings:
            advice = f"; {finding.advice}" if finding.advice else ""
            click.echo(f"{finding.status:<8} {finding.where}: {finding.message}{advice}")
    return form.exit_status(findings)


def _card_row(card: Any) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "modality": card.modality,
        "licence": card.licence,
        "bytes": sum(file.size for file in card.files),
    }


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count else "no download"


def _figure(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)


def _interval(value: dict[str, Any]) -> str:
    return f"{value['low']:.4f} to {value['high']:.4f}" if value.get("low") is not None else "-"


class _Download:
    """A progress bar for `datasets.fetch`, which knows nothing of bars."""

    def __enter__(self) -> Callable[[str, int, int | None], None]:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=_console(), transient=True
        )
        self._tasks: dict[str, Any] = {}
        self._bar.start()
        return self._advance

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def _advance(self, file: str, done: int, total: int | None) -> None:
        if file not in self._tasks:
            self._tasks[file] = self._bar.add_task(file, total=total)
        self._bar.update(self._tasks[file], completed=done, total=total)


if __name__ == "__main__":
    main()
