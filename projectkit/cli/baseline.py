"""The command of baselines."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from projectkit import console
from projectkit.cli.options import as_json, config_and_overrides

if TYPE_CHECKING:
    from projectkit.evaluation.baseline import Baselines, Kept
    from projectkit.runs import Run

_BESIDE = ("accuracy", "average_precision", "auroc")  # the first that is there and not ranked by stands beside it


@click.command(short_help="What plain models reach on the config's own split.")
@click.argument("arguments", nargs=-1, metavar="[CONFIG] [KEY=VALUE]...")
@click.option(
    "--only", multiple=True, metavar="NAME", help="Of majority, nearest, linear, forest ...; can be repeated."
)
@click.option(
    "--subset", metavar="NAME", help="Measure them on this subset as well: test, or a further one of the split."
)
@as_json
def baseline(arguments: tuple[str, ...], only: tuple[str, ...], subset: str | None, as_json: bool) -> None:
    """Fit plain models on the split and the encoded features of CONFIG; each is kept as a run and measured on val.

    CONFIG defaults to configs/train.yaml. A look at a test subset is recorded.
    """
    config, overrides = config_and_overrides(arguments, "baseline")
    screen = console.error_console()
    with screen.status("starting") as status:
        from projectkit.evaluation.baseline import baselines

        command = ["projectkit", *sys.argv[1:]]
        found = baselines(config, overrides, only=only, subset=subset, command=command, say=status.update)
    if as_json:
        return console.print_json(_document(found))
    _print(found)
    if found.trained is not None:  # else a note says how to get one
        screen.print(f"next: {_next(found, found.trained)}", highlight=False, soft_wrap=True)


def _document(found: Baselines) -> dict[str, Any]:
    return {
        "metric": found.metric,
        "trained": None if found.trained is None else found.trained.id,
        "notes": list(found.notes),
        "baselines": [
            {
                **each.run.part("baseline"),
                "id": each.run.id,
                "path": str(each.run.path),
                "evaluations": {subset: one["metrics"] for subset, one in each.run.evaluations().items()},
                "minus_trained": None if each.beside is None else each.beside.as_dict(),
            }
            for each in found.kept
        ],
    }


def _print(found: Baselines) -> None:
    known = {name for each in found.kept for name in each.metrics}
    second = [name for name in _BESIDE if name in known and name != found.metric][:1]
    heads = ["baseline", found.metric, *second]
    if found.trained is not None:
        heads += [f"minus {_short(found.trained)(found.trained)}", "p"]
    rows = []
    for each in found.kept:
        row = [each.run.name, _interval(each.metrics.get(found.metric, {}))]
        row += [console.figure(each.metrics.get(name, {}).get("value")) for name in second]
        if each.beside is not None:
            row += [_interval(each.beside.as_dict(), signed=True), console.p_value(each.beside.p)]
        rows.append(row)
    console.print_table(heads, rows)
    for each in found.kept:
        if each.beside is not None and each.beside.value is None:
            console.print_text(f"{each.run.name}: {each.beside.test}")
    click.echo()
    console.print_facts({each.run.name: f"{_how(each)}; {each.run.id}" for each in found.kept})
    for note in found.notes:
        console.print_text(note)


def _next(found: Baselines, trained: Run) -> str:
    """The trained run against the strongest of its baselines."""
    from projectkit.metrics import less_is_better

    sign = -1 if less_is_better(found.metric) else 1
    strongest = max(
        found.kept, key=lambda each: sign * each.metrics.get(found.metric, {}).get("value", -sign * math.inf)
    )
    short = _short(trained)
    return f"projectkit runs compare {short(trained)} {short(strongest.run)}"


def _short(trained: Run) -> Callable[[Run], str]:
    from projectkit.runs import project_of
    from projectkit.runs.find import short_ids

    known = short_ids(project_of(trained.path))
    return lambda run: known.get(run.id, run.id)


def _interval(entry: Any, *, signed: bool = False) -> str:
    value = entry.get("value")
    if value is None:
        return "-"
    text = f"{value:+.4f}" if signed else console.figure(value)
    return text if entry.get("low") is None else f"{text} [{entry['low']:.4f},{entry['high']:.4f}]"


def _how(each: Kept) -> str:
    part = each.run.part("baseline")
    chosen = f"k = {part['k']}, {part['distance']}; " if "k" in part else ""
    return f"{chosen}{part.get('features')}"
