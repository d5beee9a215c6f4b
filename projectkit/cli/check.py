"""The command that looks at a training before it is begun."""

from __future__ import annotations

import math

import click

from projectkit import console, machine
from projectkit.cli.options import as_json, config_and_overrides


@click.command(short_help="Debug a model before a long run: shapes, loss, gradients, modes, rate.")
@click.argument("arguments", nargs=-1, metavar="[CONFIG] [KEY=VALUE]...")
@click.option(
    "--seconds", type=click.FloatRange(min=1.0), default=13.0, show_default=True, help="Time for the whole look."
)
@as_json
def check(arguments: tuple[str, ...], seconds: float, as_json: bool) -> int:
    """Look at what CONFIG describes as if it were trained, in under 20 seconds: nothing is kept but the picture of the rates.

    CONFIG defaults to configs/train.yaml. Exit status 1 where an error was found.
    """
    if not math.isfinite(seconds):
        raise click.BadParameter(f"{seconds} is no number of seconds", param_hint="'--seconds'")
    config, overrides = config_and_overrides(arguments, "check")
    from projectkit.config import load_config

    load_config(config, overrides)  # a typing mistake is found before torch is imported
    machine.cpu_policy().prepare()
    screen = console.error_console()
    with screen.status("checking"):
        from projectkit.training.check import check as examine

        checked = examine(config, overrides, seconds=seconds)
    status = console.report(checked.findings, as_json=as_json)
    if checked.picture is not None and not as_json:
        screen.print(f"wrote {console.path(checked.picture)}", highlight=False, soft_wrap=True)
    if not status and not as_json:
        screen.print("next: projectkit train", highlight=False)
    return status
