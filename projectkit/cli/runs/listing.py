"""`projectkit runs list`: which runs, in which order, in as many columns as the terminal has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from projectkit import console
from projectkit.cli.options import as_json

if TYPE_CHECKING:
    from projectkit.project import Project
    from projectkit.runs.values import Row

# from left to right; `monitor` stands in the header of `value` where all runs have the same
_COLUMNS = ("id", "age", "status", "progress", "reason", "kind", "data", "monitor", "value", "time", "tags", "kept")
_ONLY_WITH_VALUES = ("progress", "reason", "tags", "kept", "archived", "monitor")
_DROPPED = ("kept", "kind", "reason", "time", "monitor", "tags", "data")  # in this order where there is no room
_CUT = 16  # characters of data and tags in a narrow terminal

_FILTERS: tuple[Callable[[Any], Any], ...] = (
    click.option("--status", multiple=True, help="running, finished, failed, interrupted or unreadable."),
    click.option("--kind", multiple=True, help="train, smoke or baseline."),
    click.option("--data", multiple=True, help="The data set; * stands for anything."),
    click.option("--name", multiple=True, help="The run's name; * stands for anything."),
    click.option("--tag", "tags", multiple=True, help="Runs with this tag (given twice: with both)."),
    click.option("--since", metavar="TIME", help="90m, 12h, 2d, 3w, or a date: 2026-11-03."),
    click.option(
        "--where",
        multiple=True,
        metavar="CONDITION",
        help="'val/f1_macro>0.8', model.init_args.hidden=64, resolved.device=cpu, name~lstm; = != < <= > >= ~.",
    ),
    click.option("--last", type=click.IntRange(min=1), metavar="N", help="The newest N of them."),
    click.option("--all", "archived", is_flag=True, help="Archived runs as well."),
)


def filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose runs; the command gets them as its further keywords, for `chosen`."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def chosen(project: Project, options: dict[str, Any]) -> list[Row]:
    """The runs that the options of `filtered` choose, newest first."""
    from projectkit.errors import UserError, did_you_mean
    from projectkit.runs import list_runs
    from projectkit.runs.select import KINDS, STATUSES, Filters, condition, moment, select

    for name, known in (("status", STATUSES), ("kind", KINDS)):
        for word in options[name]:
            if word not in known:
                raise UserError(f"no {name} '{word}'", where=f"--{name}", remedy=did_you_mean(word, known))
    since = options["since"] and moment(options["since"])
    where = tuple(condition(text) for text in options["where"])
    return select(list_runs(project), Filters(**{**options, "since": since, "where": where}))


@click.command("list", short_help="All runs, newest first; with filters, order, columns.")
@filtered
@click.option(
    "--sort", "key", metavar="KEY", help="By this column, metric or key, ascending (newest first without it)."
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--columns", metavar="A,B", help="These columns, metrics or keys: id,val/loss,optimizer.init_args.lr.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@as_json
def runs_list(key: str | None, reverse: bool, columns: str | None, as_csv: bool, as_json: bool, **options: Any) -> None:
    """All runs, newest first.

    Any part of an id that only one run has can be typed as RUN in other commands.
    """
    from projectkit.project import require_project
    from projectkit.runs.select import sort
    from projectkit.runs.values import require_known

    project = require_project()
    rows = chosen(project, options)
    if key is not None:
        rows = sort(rows, key, reverse=reverse)
    elif reverse:
        rows.reverse()
    names = [name for part in (columns or "").split(",") if (name := part.strip())]
    require_known(names, rows)
    if as_json:
        return console.print_json(
            [{name: row.value(name) for name in names} if names else row.as_dict() for row in rows]
        )
    if as_csv:
        header = names or list(rows[0].as_dict()) if rows else names
        return console.print_csv(header, [[row.value(name) for name in header] for row in rows])
    if not rows:
        return click.echo(_none(project))
    _print(rows, names, project)


def _none(project: Project) -> str:
    from projectkit.runs import list_runs

    there = len(list_runs(project))
    if not there:
        return "no run yet; start one with `projectkit train`"
    return f"none of {there} runs fits; leave a filter out, or add --all for archived ones"


def _print(rows: Sequence[Row], names: Sequence[str], project: Project) -> None:
    """The table; what has no room is left out, the least important first, and what was left out is said."""
    from projectkit.runs.find import short_ids

    columns = list(names) or [name for name in (*_COLUMNS, "archived") if _worth_showing(name, rows)]
    titles = {name: name for name in columns}
    monitors = {row.columns["monitor"] for row in rows} - {None}
    if not names and len(monitors) == 1:
        columns.remove("monitor")
        titles["value"] = str(monitors.pop())
    cells = {name: [_cell(row, name) for row in rows] for name in columns}
    width = console.screen_width()

    def room() -> bool:
        needed = [max(map(len, [titles[name], *cells[name]])) for name in columns]
        return width is None or sum(needed) + 2 * (len(needed) - 1) <= width

    if not room() and "id" in columns:
        short = short_ids(project)
        cells["id"] = [short.get(row.run.id, row.run.id) for row in rows]
    for name in ("data", "tags"):
        if not room() and name in columns and not names:
            cells[name] = [cell if len(cell) <= _CUT else f"{cell[: _CUT - 1]}…" for cell in cells[name]]
    left_out = []
    for name in _DROPPED if not names else ():
        if not room() and name in columns:
            columns.remove(name)
            left_out.append(name)
    if not room() and "id" in columns:
        short = short_ids(project, named=False)
        cells["id"] = [short.get(row.run.id, row.run.id) for row in rows]
    console.print_table([titles[name] for name in columns], zip(*(cells[name] for name in columns), strict=True))
    if left_out:
        click.echo(f"no room for {', '.join(left_out)}: widen the terminal, or choose with --columns", err=True)


def _worth_showing(name: str, rows: Sequence[Row]) -> bool:
    return name not in _ONLY_WITH_VALUES or any(_cell(row, name) != "-" for row in rows)


def _cell(row: Row, name: str) -> str:
    value = row.value(name)
    if name == "time":
        return console.duration(value)
    if isinstance(value, bool):
        return "yes" if value else "-"
    if isinstance(value, list):
        return ",".join(map(str, value)) or "-"
    if isinstance(value, float) and name != "value" and "/" not in name:
        return f"{value:.6g}"  # a setting is what was typed, a metric has four decimals
    return console.figure(value).replace(" ", "_") if value != "" else "-"
