"""The commands, a few lines each: read the arguments, call a room, print what it gave.

| file | commands | room |
|---|---|---|
| `project.py` | `new`, `subjects`, `doctor`, `demo` | scaffold |
| `data.py`, `newdata.py`, `look.py` | `data ...`; `data new`; what `data info` shows | datasets |
| `check.py` | `check` | training |
| `baseline.py` | `baseline` | evaluation |
| `experiment.py` | `train` | training |
| `evaluate.py` | `evaluate` | evaluation |
| `runs/` | `runs ...` | runs |
| `sync.py` | `sync` | runs |
| `poster/` | `poster ...` | poster |
| `options.py` | what many of them take | |

Nothing heavy is imported before a command needs it, so that `--help` answers at once. Results go to standard output, progress and
errors to standard error. Exit status: 0 done, 1 the work failed or a check found something, 2 the input is wrong.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from projectkit import __version__, console
from projectkit.cli.baseline import baseline
from projectkit.cli.check import check
from projectkit.cli.data import data
from projectkit.cli.evaluate import evaluate
from projectkit.cli.experiment import train
from projectkit.cli.poster import poster
from projectkit.cli.project import demo, doctor, new, subjects
from projectkit.cli.runs import runs
from projectkit.cli.sync import sync
from projectkit.errors import ProjectkitError, WorkError, one_line

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
        status = _run(words)
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
        line, status = console.unexpected_line(error, Path(__file__).parents[1]), 1
    click.echo(f"projectkit: {one_line(line)}", err=True)
    sys.exit(status)


def _run(words: list[str]) -> object:
    """One command; a `sys.exit()` in a team's model or data would else look like success."""
    try:
        return commands.main(words, prog_name="projectkit", standalone_mode=False)
    except SystemExit as error:
        if error.code:
            raise
        raise WorkError(
            "the command was ended by a sys.exit() in the project's code, before its work was done",
            remedy="raise an error in its place",
        ) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="projectkit")
def commands() -> None:
    """A team project in deep learning, from the first commit to the poster.

    \b
    Start:    projectkit new
    Then:     projectkit train, projectkit evaluate latest, projectkit poster build
    """  # noqa: D301 - click takes the backspace for "leave these lines as they are"


for command in (new, subjects, doctor, demo, data, check, baseline, train, evaluate, runs, sync, poster):
    commands.add_command(command)
