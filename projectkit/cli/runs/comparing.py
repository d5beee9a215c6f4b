"""`projectkit runs compare`: several runs side by side, in as many columns as the terminal has room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.cli.runs.listing import chosen, filtered

if TYPE_CHECKING:
    from projectkit.runs import Run
    from projectkit.runs.compare import Comparison, Line

_SETTING_WIDTH = 30  # of a value in a comparison: a longer one is cut, `--json` has it in full


@click.command("compare", short_help="Runs side by side: what differs, and is it fair?")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@filtered
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@as_json
def runs_compare(names: tuple[str, ...], as_csv: bool, as_json: bool, **options: Any) -> None:
    """Runs side by side: settings that differ, numbers that differ, and what makes the comparison unfair.

    RUN is an id or a part of one, `best`, `latest` or a folder; with filters, the runs that they choose join in.
    """
    from projectkit.project import require_project
    from projectkit.runs import find_run, project_of
    from projectkit.runs.compare import compare

    found = [find_run(name, project_of(name)) for name in names]
    if any(options.values()):
        found += [row.run for row in chosen(require_project(), options) if not row.run.problem]
    result = compare(found)
    if as_json:
        return console.print_json(result.as_dict())
    if as_csv:
        return _compared_csv(result)
    _compared(result)


def _compared(result: Comparison) -> None:
    from projectkit.runs.find import short_ids

    short = short_ids(_project(result.runs))
    heads = [short.get(run.id, run.id) for run in result.runs]  # a folder from elsewhere has none
    for reason in result.unfair:
        click.echo(f"not a fair comparison: {reason}")
    # what was evaluated of all of them need not be told again without its interval
    told = {line.key for line in result.evaluated if None not in line.values}
    logged = [line for line in result.logged if line.key not in told]
    numbers = [*result.evaluated, *logged]
    same = [line for line in numbers if all(value == line.values[0] for value in line.values)]
    blocks = (
        ("setting", result.settings, _setting),
        ("evaluated", [line for line in result.evaluated if line not in same], _interval),
        ("logged at best", [line for line in logged if line not in same], _figure),
    )
    for title, lines, cell in blocks:
        # a run that was not evaluated has no column among those that were
        there = [index for index in range(len(heads)) if any(line.values[index] is not None for line in lines)]
        rows = [[line.key, *(cell(line, index) for index in there)] for line in lines]
        if rows:
            _side_by_side(title, [heads[index] for index in there], rows)
    if not result.settings:
        click.echo(f"no setting differs ({result.alike} are the same)")
    if same:
        click.echo(f"equal in all of them: {', '.join(line.key for line in same)}")
    if any(line.best is not None for line in (*result.evaluated, *result.logged)):
        click.echo("* best of the line   ! its interval does not touch that of the worst")


def _side_by_side(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table with a column a run; in a narrow terminal several below one another, each with as many runs as fit."""
    width = console.screen_width()
    for first, last in _fitting(title, heads, rows, width):
        console.print_table([title, *heads[first:last]], [[row[0], *row[1 + first : 1 + last]] for row in rows])
        click.echo()


def _fitting(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None
) -> Iterator[tuple[int, int]]:
    needed = [max(map(len, column)) + 2 for column in zip([title, *heads], *rows, strict=True)]
    first = 0
    while first < len(heads):
        last = first + 1
        while last < len(heads) and (width is None or needed[0] + sum(needed[1 + first : 2 + last]) - 2 <= width):
            last += 1
        yield first, last
        first = last


def _setting(line: Line, index: int) -> str:
    text = console.figure(line.values[index]) if not isinstance(line.values[index], float) else repr(line.values[index])
    text = text.replace(" ", "")
    return text if len(text) <= _SETTING_WIDTH else f"{text[: _SETTING_WIDTH - 1]}…"


def _figure(line: Line, index: int) -> str:
    return console.figure(line.values[index]) + ("*" if line.best == index else "")


def _interval(line: Line, index: int) -> str:
    text = _figure(line, index)
    if line.low and line.low[index] is not None and line.high[index] is not None:
        text += f" [{line.low[index]:.4f},{line.high[index]:.4f}]"
    return text + ("!" if line.best == index and line.low and line.apart else "")


def _compared_csv(result: Comparison) -> None:
    rows: list[list[Any]] = [["setting", line.key, *line.values] for line in result.settings]
    for line in result.evaluated:
        rows.append(["evaluated", line.key, *line.values])
        rows += [
            ["evaluated", f"{line.key} {end}", *ends] for end, ends in (("low", line.low), ("high", line.high)) if ends
        ]
    rows += [["logged", line.key, *line.values] for line in result.logged]
    rows += [["unfair", reason, *[None] * len(result.runs)] for reason in result.unfair]
    console.print_csv(["what", "key", *(run.id for run in result.runs)], rows)


def _project(runs: Sequence[Run]) -> Any:
    from projectkit.runs import project_of

    return project_of(runs[0].path)
