"""`projectkit runs show` and `projectkit runs compare`: one run in full, and several side by side."""

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

# how it ended and how good it is, before what it was made of
_SHOWN = (
    *(
        "id",
        "path",
        "kind",
        "status",
        "damage",
        "ending",
        "message",
        "next",
        "tags",
        "notes",
        "command",
        "created",
        "sessions",
        "seed",
    ),
    *(
        "config",
        "best",
        "last",
        "durations",
        "memory",
        "disk",
        "data",
        "resolved",
        "git",
        "lock",
        "versions",
        "hardware",
    ),
)
_SETTING_WIDTH = 30  # of a value in a comparison: a longer one is cut, `--json` has it in full


@click.command("show", short_help="One run: how it ended, what to do next, all of it.")
@click.argument("run", default="latest")
@as_json
def runs_show(run: str, as_json: bool) -> None:
    """One run: how it ended and what to do next, its settings, metrics, evaluations, notes."""
    from projectkit.runs import find_run, project_of

    found = find_run(run, project_of(run))
    facts = _facts(found)
    if as_json:
        return console.print_json(facts)
    shown = {**facts, **_in_words(found, facts)}
    console.print_facts({key: shown[key] for key in _SHOWN if shown.get(key) not in (None, [], {}, "")})
    for subset, document in facts["evaluations"].items():
        click.echo(f"\non {subset}, n = {document['n']}")
        console.print_metrics(document["metrics"])


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


def _facts(run: Run) -> dict[str, Any]:
    """Everything that is known of a run, as `--json` gives it."""
    from projectkit.runs import summary
    from projectkit.runs.advice import ending, next_step
    from projectkit.runs.archive import folder_size
    from projectkit.runs.notes import marks_of
    from projectkit.runs.values import config_of

    marks = marks_of(run)
    said = [{"time": note.time, "by": note.by, "text": note.text} for note in marks.notes]
    return {
        **summary(run),
        **run.record,
        "status": run.status,
        "reason": run.reason,
        "path": str(run.path),
        "damage": run.damage,
        "ending": ending(run),
        "message": run.record.get("message") if ending(run) else None,  # a resumed run's first end is past
        "next": next_step(run),
        "tags": list(marks.tags),
        "archived": marks.archived,
        "notes": said,
        "sessions": [
            {"time": event.get("time"), "event": event["event"], "command": event.get("command")}
            for event in run.events()
            if event.get("event") in ("started", "resumed")
        ],
        "disk_bytes": folder_size(run.path),
        "config": config_of(run),
        "evaluations": _evaluations(run),
    }


def _evaluations(run: Run) -> dict[str, dict[str, Any]]:
    """Those that can be read; a damaged one is told and hides nothing else."""
    from projectkit.errors import ProjectkitError

    found = {}
    for path in sorted((run.path / "evaluation").glob("*.json")):
        try:
            found[path.stem] = run.evaluation(path.stem) or {}
        except ProjectkitError as error:
            click.echo(f"warning: {error}", err=True)
    return found


def _in_words(run: Run, facts: dict[str, Any]) -> dict[str, Any]:
    """Those of the facts that a person reads more easily in other words."""
    from projectkit.runs import describe_time
    from projectkit.runs.values import age, chosen_settings, progress

    git = run.part("git")
    commit = (
        f"{git.get('commit')}{' and what source.diff holds' if git.get('dirty') else ''}" if git.get("commit") else None
    )
    far = progress(run)
    reason = f" ({facts['reason']})" if facts["reason"] else f", {far} done" if far else ""
    return {
        "status": run.status + reason + (", archived" if facts["archived"] else "") + (", kept" if run.kept else ""),
        "notes": [f"{note['time'][:16].replace('T', ' ')} {note['by']}: {note['text']}" for note in facts["notes"]],
        "command": " ".join(map(str, facts["command"])) if isinstance(facts.get("command"), list) else None,
        "created": f"{facts['created']} ({age(run.created)} ago)" if facts["created"] else None,
        "sessions": f"{len(facts['sessions'])}, the last from {facts['sessions'][-1].get('time')}"
        if len(facts["sessions"]) > 1
        else None,
        "config": {
            key: repr(value) if isinstance(value, float) else value
            for key, value in chosen_settings(facts["config"]).items()
        },
        # twelve digits tell two digests apart; --json has them in full
        "data": {key: str(value)[:12] if key.endswith("_digest") else value for key, value in run.part("data").items()},
        "git": commit or git.get("reason"),
        "durations": {"total": console.duration(facts["duration_s"]), "fit": describe_time(run.seconds)}
        if run.seconds
        else None,
        "disk": console.size(facts["disk_bytes"]),
        "resolved": {key: value for key, value in run.part("resolved").items() if value not in (None, {}, [])},
    }


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
