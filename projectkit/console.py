"""What the commands ask and print: questions, one-line errors, tables, facts, JSON, findings, a download's progress.

Results go to standard output, everything else to standard error. The commands choose what is shown; how it looks stands here.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projectkit.errors import ProjectkitError, did_you_mean, nearest, one_line

if TYPE_CHECKING:
    from rich.console import Console

    from projectkit.findings import Finding


def error_console() -> Console:
    """Rich's console on standard error, for progress."""
    from rich.console import Console

    return Console(stderr=True)


def ask(given: Mapping[str, str]) -> dict[str, str]:
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


def usage_line(error: click.UsageError) -> str:
    """One line for a command line that click does not understand."""
    context = error.ctx
    what = error.format_message().split(". ")[0].rstrip(".")
    what = what[0].lower() + what[1:]
    remedy = f"see `{context.command_path if context else 'projectkit'} --help`"
    if context is not None and isinstance(error, click.NoSuchOption):
        options = [name[2:] for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        near = nearest(error.option_name.lstrip("-"), options)  # the dashes are alike in all of them
        bare = f"settings have no dashes: projectkit train {error.option_name.lstrip('-')}=<value>"
        remedy = f"did you mean --{near}?" if near else bare if context.command.name == "train" else remedy
    elif context is not None and isinstance(context.command, click.Group) and "'" in what:
        remedy = did_you_mean(what.split("'")[1], context.command.commands)
    return f"{what}; {remedy}"


def unexpected_line(error: Exception, library: Path) -> str:
    """One line for an error that nobody planned: most often the team's own code, whose last line is named.

    Args:
        error: as it was caught.
        library: the folder of this library; frames below it or in installed packages are not the team's.
    """
    import errno
    import sysconfig

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EROFS):
        return f"{error.filename or 'a disk'}: {error.strerror}; make room there, and where temporary files lie"
    others = (library, *(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")))
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).suffix == ".py"
        and not any(Path(frame.filename).is_relative_to(folder) for folder in others)
    ]
    where = f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
    what = " ".join(str(error).split()) or "no message"
    return f"{where}{type(error).__name__}: {what}; --debug shows the traceback"


def print_json(value: Any) -> None:
    """A document for programs, written as in a run folder: NaN and infinity, which JSON lacks, are text."""
    from projectkit.runs.files import to_json

    click.echo(to_json(value, indent=1).decode("utf-8"))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns by white space, so that the output can be read by eye and by awk."""
    lines = [list(columns), *[["-" if cell in (None, "") else _harmless(str(cell)) for cell in row] for row in rows]]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for spreadsheets: empty where there is nothing, lists with spaces between; nothing is read as a formula."""
    import csv

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(cell) for cell in row])
    click.echo(stream.getvalue(), nl=False)


def screen_width() -> int | None:
    """The columns that a table may take: those of the terminal, or of `COLUMNS`; None in a pipe or a file."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return shutil.get_terminal_size((100, 24)).columns
    return None


def print_facts(facts: Mapping[str, Any]) -> None:
    """A name and its value a line, wrapped in a terminal; what is nested is indented below its name."""
    for key, value in facts.items():
        if isinstance(value, Mapping):
            click.echo(key)
            width = max([16, *(len(name) for name in value)]) + 2
            for name, each in value.items():
                click.echo(_wrapped(f"  {name:<{width}}", _text(each)))
        elif isinstance(value, list | tuple) and any(len(str(each)) > 40 for each in value):
            click.echo(key)
            for each in value:
                click.echo(_wrapped("  - ", _text(each)))
        else:
            click.echo(_wrapped(f"{key:<20}", _text(value)))


def print_text(text: str) -> None:
    """A sentence or two, on lines of the terminal's width; what is typed (`in backticks`) and numbers stay whole."""
    width, text = screen_width(), _harmless(text)
    click.echo(text if width is None else textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False))


def print_metrics(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """An evaluation's numbers with their intervals."""
    rows = [
        (
            name,
            _measured(entry["value"]),
            f"{_measured(entry['low'])} to {_measured(entry['high'])}" if entry.get("low") is not None else None,
            entry.get("method"),
        )
        for name, entry in metrics.items()
    ]
    print_table(("metric", "value", "95% interval", "method"), rows)


def _measured(value: Any) -> str:
    """Four decimals, as long as these are figures: an error in volts may be 12,345."""
    return f"{value:,.6g}" if isinstance(value, float) and 100 <= abs(value) < float("inf") else figure(value)


def report(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print what a check found; the exit status is returned."""
    from projectkit import findings as form

    if as_json:
        print_json(form.as_json(findings))
    else:
        for finding in findings:
            advice = f"; {finding.advice}" if finding.advice else ""
            click.echo(_wrapped(f"{finding.status:<8} ", one_line(f"{finding.where}: {finding.message}{advice}")))
    return form.exit_status(findings)


def path(file: Path) -> str:
    """A file as messages show it: from the working directory where it lies below it."""
    from projectkit.config.places import shown

    return shown(file)


def size(count: int) -> str:
    """Bytes as KiB, MiB or GiB."""
    if not count:
        return "no download"
    if count >= 2**30:
        return f"{count / 2**30:.1f} GiB"
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 / 10 else f"{count / 2**10:.1f} KiB"


def figure(value: Any) -> str:
    """A number with four decimals, a small one with three figures (a learning rate), anything else as it is."""
    if isinstance(value, float):
        return f"{value:.3g}" if 0 < abs(value) < 0.001 else f"{value:.4f}"
    return "-" if value is None else str(value)


def p_value(value: float | None) -> str:
    """A p in a table: `.012`, `<.001`; a dash where nothing was tested."""
    from projectkit.runs.verdict import number

    return "-" if value is None else "<.001" if value < 0.001 else number(value)


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return f"'{value}"  # a spreadsheet would compute it
    return value


def duration(seconds: float | None) -> str:
    """A time as a table shows it: `8.1s`, `3m05s`, `2h40m`."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def _wrapped(label: str, text: str) -> str:
    """A label and its text; in a terminal on lines of its width, with the text below itself."""
    columns, text = shutil.get_terminal_size((100, 24)).columns, _harmless(text)
    if not sys.stdout.isatty() or len(label) + len(text) <= columns:
        return label + text
    indent = " " * min(len(label), columns // 2)
    lines = textwrap.wrap(
        text, columns, initial_indent=label, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def _harmless(text: str) -> str:
    """What a record from elsewhere says, without the signs that a terminal takes for commands."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", text)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return figure(value)


class Download:
    """A progress bar for `datasets.fetch`, which knows nothing of bars; a context that gives the function to call."""

    def __enter__(self) -> Callable[[str, int, int | None], None]:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

        screen = error_console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            console=screen,
            transient=True,
            disable=not screen.is_terminal,  # a file would get an empty line from it
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
