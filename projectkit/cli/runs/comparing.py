"""`projectkit runs compare`: runs and results side by side, in as many columns as the terminal has room for, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.cli.runs.listing import chosen, filtered

if TYPE_CHECKING:
    from projectkit.runs import Run
    from projectkit.runs.compare import Comparison, Line
    from projectkit.runs.versus import Versus

_SETTING_WIDTH = 30  # of a value in a comparison: a longer one is cut, `--json` has it in full
_SEEDS_SHOWN = 6  # of a result; of more the first and the last


@click.command("compare", short_help="Runs side by side: what differs, by how much, and is it chance?")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@filtered
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@as_json
def runs_compare(names: tuple[str, ...], as_csv: bool, as_json: bool, **options: Any) -> None:
    """Runs side by side: settings that differ, numbers that differ, whether by more than chance, and what makes it unfair.

    RUN is an id or a part of one, `best`, `latest` or a folder; with filters, the runs that they choose join in. Runs that differ in
    the seed alone are one result, and so are the folds of one split.
    """
    from projectkit.project import require_project
    from projectkit.runs import find_run, project_of
    from projectkit.runs.compare import compare

    found = [find_run(name, project_of(name)) for name in names]
    if any(options.values()):
        found += [row.run for row in chosen(require_project(), options) if not row.run.problem]
    result = compare(found, _project(found).ledger if found else None)
    if as_json:
        return console.print_json(result.as_dict())
    if as_csv:
        return _compared_csv(result)
    _compared(result)


def _compared(result: Comparison) -> None:
    for reason in result.unfair:
        console.print_text(f"not a fair comparison: {reason}")
    grouped = 1 < len(result.results) < len(result.runs)  # one result alone is looked at run by run
    heads, settings, numbers = _of_results(result) if grouped else _of_runs(result)
    same = [line for _, lines, _ in numbers for line in lines if all(value == line.values[0] for value in line.values)]
    numbers = [(title, [line for line in lines if line not in same], cell) for title, lines, cell in numbers]
    for title, lines, cell in [("setting", settings, _setting), *numbers]:
        # a run that was not evaluated has no column among those that were
        there = [index for index in range(len(heads)) if any(line.values[index] is not None for line in lines)]
        rows = [[line.key, *(cell(line, index) for index in there)] for line in lines]
        if rows:
            _side_by_side(title, [heads[index] for index in there], rows)
    if len(result.results) < len(result.runs):
        _print_results(result)
    _print_differences(result)
    if not result.settings:
        click.echo(f"no setting differs ({result.alike} are the same)")
    if same:
        console.print_text(f"equal in all of them: {', '.join(line.key for line in same)}")
    if any(line.best is not None for _, lines, _ in numbers for line in lines):
        click.echo("* best of the line   ! its interval does not touch that of the worst")
    for text in (*result.notes, *result.sentences):
        click.echo()
        console.print_text(text)


def _of_runs(result: Comparison) -> tuple[list[str], Sequence[Line], list[Any]]:
    """The heads of a column a run, the settings, and the blocks of numbers: title, lines, what a cell shows."""
    from projectkit.runs.find import short_ids

    short = short_ids(_project(result.runs))
    heads = [short.get(run.id, run.id) for run in result.runs]  # a folder from elsewhere has none
    # what was evaluated of all of them need not be told again without its interval
    told = {line.key for line in result.evaluated if None not in line.values}
    logged = [line for line in result.logged if line.key not in told]
    return (
        heads,
        result.settings,
        [("evaluated", list(result.evaluated), _interval), ("logged at best", logged, _figure)],
    )


def _of_results(result: Comparison) -> tuple[list[str], Sequence[Line], list[Any]]:
    """The same with a column a result."""
    from projectkit.runs.replicates import MACHINE

    at = {run.id: index for index, run in enumerate(result.runs)}
    members = [[at[run.id] for run in each.runs] for each in result.results]
    settings = []
    for line in result.settings:
        if line.key in MACHINE:  # differs within a result as well
            continue
        values = tuple(_merged([line.values[index] for index in indices]) for indices in members)
        if any(value != values[0] for value in values):
            settings.append(replace(line, values=values))
    numbers = [line for line in result.by_result if sum(value is not None for value in line.values) > 1]
    return [each.described for each in result.results], settings, [("mean of the runs", numbers, _interval)]


def _merged(values: Sequence[Any]) -> Any:
    """One value for all runs of a result: theirs, or each of them once."""
    different = list(dict.fromkeys(map(repr, values)))
    if len(different) == 1:
        return values[0]
    texts = list(dict.fromkeys(map(str, values)))
    return ",".join(texts if len(texts) <= _SEEDS_SHOWN else [*texts[:2], "...", texts[-1]])


def _print_results(result: Comparison) -> None:
    """How many runs each result has, with which seeds, and the mean and spread of the metric that is shown first."""
    keys = [pair.key for pair in result.differences] or [line.key for line in result.by_result]
    line = next((line for line in result.by_result if line.key in keys[:1]), None)
    folded = any(each.folds for each in result.results)
    rows = []
    for index, each in enumerate(result.results):
        row = [each.label, str(len(each.runs)), _merged(each.seeds) if each.seeds else None]
        row += [_merged(each.folds) if each.folds else None] if folded else []
        if line is not None:
            ends = (line.low[index], line.high[index])
            interval = None if ends[0] is None or ends[1] is None else f"{ends[0]:.4f} to {ends[1]:.4f}"
            row += [_or_dash(line.values[index]), _or_dash(line.spread[index]), interval]
        rows.append([_or_dash(cell) for cell in row])
    measured = [] if line is None else [line.key, "spread", "95% interval"]
    _side_by_side("result", ["runs", "seeds", *(["folds"] if folded else []), *measured], rows)
    if repeats := [run.id for each in result.results for run in each.repeats]:
        console.print_text(f"repeats a seed, so it is not counted: {', '.join(repeats)}")
        click.echo()


def _print_differences(result: Comparison) -> None:
    """Each difference with its interval and p: of two results every metric, of more every pair."""
    pairs = result.differences
    if not pairs:
        return
    names = [each.label for each in result.results]
    several = len(names) > 2
    widened = any(pair.with_samples is not None for pair in pairs)
    heads = ["value", "95% interval", "p", *(["p (Holm)"] if several else []), *(["with samples"] if widened else [])]
    for key in dict.fromkeys(pair.key if several else "" for pair in pairs):
        rows = []
        for pair in pairs:
            between = f"{names[pair.first]} - {names[pair.second]}"
            if key in ("", pair.key):
                found = pair.difference
                row = [
                    between if several else pair.key,
                    _signed(found.value),
                    _ends(found.low, found.high),
                    console.p_value(found.p),
                ]
                row += [console.p_value(pair.p_holm)] if several else []
                row += [_ends(*pair.with_samples) if pair.with_samples else "-"] if widened else []
                rows.append([*row, "-" if pair.better is None else names[pair.better]])
        _side_by_side(key or between, [*heads, "better"], rows)
    tests: dict[str, list[str]] = {}
    for pair in pairs:
        tests.setdefault(pair.test, []).append(f"{names[pair.first]} - {names[pair.second]}" if several else pair.key)
    for test, keys in tests.items():
        console.print_text(f"{test}: {', '.join(dict.fromkeys(keys))}" if len(tests) > 1 else f"test: {test}")
    if widened:
        click.echo("with samples: the interval where the samples are drawn anew as well")
    click.echo()


def _signed(value: float) -> str:
    from projectkit.runs.verdict import number

    return f"{'' if value < 0 else '+'}{number(value, 4)}"


def _ends(low: float, high: float) -> str:
    return f"[{_signed(low)},{_signed(high)}]"


def _or_dash(value: Any) -> str:
    return "-" if value is None else console.figure(value)


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
    """A column a run; what belongs to a difference stands below the runs of its first result."""
    rows: list[list[Any]] = [["setting", line.key, *line.values] for line in result.settings]
    for line in result.evaluated:
        rows.append(["evaluated", line.key, *line.values])
        rows += [
            ["evaluated", f"{line.key} {end}", *ends] for end, ends in (("low", line.low), ("high", line.high)) if ends
        ]
    rows += [["logged", line.key, *line.values] for line in result.logged]
    of_run = {run.id: each for each in result.results for run in (*each.runs, *each.repeats)}
    rows.append(["result", "label", *(of_run[run.id].label for run in result.runs)])
    for pair in result.differences:
        rows += _difference_rows(result, pair)
    for what, lines in (("unfair", result.unfair), ("note", result.notes), ("sentence", result.sentences)):
        rows += [[what, line, *[None] * len(result.runs)] for line in lines]
    console.print_csv(["what", "key", *(run.id for run in result.runs)], rows)


def _difference_rows(result: Comparison, pair: Versus) -> Iterator[list[Any]]:
    first, second = result.results[pair.first], result.results[pair.second]
    members = {run.id for run in first.runs}
    found = pair.difference
    ends = ("", found.value), (" low", found.low), (" high", found.high), (" p", found.p), (" p_holm", pair.p_holm)
    for end, value in ends:
        if value is not None:
            cells = [value if run.id in members else None for run in result.runs]
            yield ["difference", f"{pair.key} {first.label} - {second.label}{end}", *cells]


def _project(runs: Sequence[Run]) -> Any:
    from projectkit.runs import project_of

    return project_of(runs[0].path)
