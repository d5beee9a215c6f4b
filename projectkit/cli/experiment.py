"""`projectkit train`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from projectkit import console, machine
from projectkit.cli.options import as_json, config_and_overrides
from projectkit.errors import UserError
from projectkit.project import find_project, require_project


@click.command()
@click.argument("arguments", nargs=-1, metavar="[CONFIG] [KEY=VALUE]...")
@click.option(
    "--resume", metavar="auto|RUN", help="Go on with a run that did not finish; auto starts a new one if there is none."
)
@click.option("--repeat", metavar="RUN", help="Train a finished run again from its record, and compare the two.")
@click.option(
    "--force", is_flag=True, help="With --resume RUN or --repeat: also where config, code, data or versions changed."
)
@click.option("--print-config", is_flag=True, help="Print the config in full and stop.")
@as_json
def train(
    arguments: tuple[str, ...],
    resume: str | None,
    repeat: str | None,
    force: bool,
    print_config: bool,
    as_json: bool,
) -> None:
    """Train what CONFIG describes, and print the run's id. CONFIG defaults to configs/train.yaml."""
    if repeat is not None:
        return _repeat(repeat, arguments, resume=resume, force=force, as_json=as_json)
    if force and resume is None:
        raise UserError("--force is for a run that is there", remedy="add --resume RUN, or remove --force")
    if resume not in (None, "auto") and all("=" in word for word in arguments):
        config, overrides = _config_of_run(str(resume)), list(arguments)
    else:
        config, overrides = config_and_overrides(arguments, "train")
    from projectkit.config import config_to_yaml, load_config

    # a typing mistake is found in a tenth of a second, before torch is imported
    loaded = load_config(config, overrides)
    if print_config:
        return click.echo(config_to_yaml(loaded.config), nl=False)
    find_project(config.parent) or require_project()
    # threads that wait patiently slow down a small model, unless their number is measured
    if loaded.config.speed.tune == "auto" and loaded.config.data.class_path is None:
        machine.cpu_policy().prepare()
    screen = console.error_console()
    with screen.status("starting"):
        from projectkit.training import train as fit
    run = fit(config, overrides, resume=resume, force=force, command=["projectkit", *sys.argv[1:]], console=screen)
    if as_json:
        from projectkit.runs import summary

        return console.print_json({**summary(run), "path": str(run.path), "best": run.best, "last": run.last})
    screen.print(
        f"kept in {console.path(run.path)}; next: projectkit evaluate {run.id}", highlight=False, soft_wrap=True
    )
    click.echo(run.id)


def _repeat(name: str, arguments: tuple[str, ...], *, resume: str | None, force: bool, as_json: bool) -> None:
    """A run once more; exit status 1 where it comes out otherwise and nothing explains it."""
    if arguments or resume is not None:
        raise UserError(
            "--repeat takes config and seed from the run",
            remedy=f"type `projectkit train --repeat {name}` alone; to change a key, train that run's config.yaml with key=value",
        )
    from projectkit.runs import find_run, project_of

    original = find_run(name, project_of(name))
    machine.cpu_policy().prepare()
    screen = console.error_console()
    with screen.status("starting"):
        from projectkit.training.repeat import repeat as repeated
    run, comparison = repeated(original, force=force, command=["projectkit", *sys.argv[1:]], console=screen)
    if as_json:
        console.print_json({"id": run.id, "path": str(run.path), "repeats": original.id, **comparison.as_dict()})
    else:
        screen.print(f"{run.id} repeats {original.id}: {comparison.line}", highlight=False, soft_wrap=True)
        click.echo(run.id)
    if not comparison.identical and not comparison.explained:
        sys.exit(1)


def _config_of_run(name: str) -> Path:
    """A run goes on with its own config, which may have been put together on the command line."""
    from projectkit.runs import backup_folder, find_run, project_of, restore_runs

    project, folder = project_of(name), backup_folder()
    if folder is not None:  # it may be there alone
        restore_runs(folder, project.runs, wanted=lambda run: name.strip().lower() in run.id)
    return find_run(name, project).path / "config.yaml"
