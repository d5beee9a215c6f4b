"""`projectkit evaluate`: a run's numbers on one subset, and in a few lines what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projectkit import console, machine
from projectkit.cli.options import as_json

if TYPE_CHECKING:
    from projectkit.runs import Run

Entry = Mapping[str, Any]  # value, low, high


@click.command(short_help="Measure a run: metrics with 95% intervals, figures, mistakes, cost.")
@click.argument("run", default="latest")
@click.option("--subset", default="val", show_default=True, help="val, test, or a further subset of the split.")
@click.option("--prevalence", type=float, help="Share of positives where the model is to work: 0.001 is 1 in 1,000.")
@click.option("--per-day", type=float, default=10_000.0, show_default=True, help="Samples a day there.")
@click.option("--attribute", type=int, default=8, show_default=True, help="Mistakes whose inputs are attributed.")
@click.option("--no-cost", is_flag=True, help="Measure no latency and no memory.")
@as_json
def evaluate(
    run: str, subset: str, prevalence: float | None, per_day: float, attribute: int, no_cost: bool, as_json: bool
) -> None:
    """Measure RUN: metrics with 95% intervals, curves, calibration, cost, the most confident mistakes.

    Temperature and threshold are fitted on val. A look at a test subset is recorded in ledger/.
    """
    screen = console.error_console()
    machine.cpu_policy().prepare()
    from projectkit.runs import find_run, project_of

    found = find_run(run, project_of(run))
    if unfinished := _unfinished(found):
        screen.print(unfinished, highlight=False, soft_wrap=True)
    with screen.status(f"evaluating {found.id} on {subset}"):
        from projectkit.evaluation import Options
        from projectkit.evaluation import evaluate as measure

        options = Options(prevalence=prevalence, per_day=per_day, attribute=attribute, cost=not no_cost)
        evaluated = measure(found, subset, options=options)
    document = evaluated.document
    if as_json:
        return console.print_json(document)
    click.echo(f"{found.id} on {subset}, n = {document['n']:,}")
    console.print_metrics(document["metrics"])
    click.echo()
    console.print_facts(in_words(document))
    pages = [file for file in evaluated.files if file.suffix == ".html"]
    for page in pages:
        click.echo(f"{'page':<20}{console.path(page)}")
    _tell_files(evaluated.files, evaluated.run, screen)
    if command := _next(evaluated.run, subset):
        screen.print(f"next: {command}", highlight=False, soft_wrap=True)


def in_words(document: Mapping[str, Any]) -> dict[str, Any]:
    """What an evaluation says beside its table of metrics, in words: label -> text."""
    facts: dict[str, Any] = {}
    if operating := document.get("operating"):
        facts["threshold"] = _threshold(operating)
        facts["a day" if operating.get("alarms") else "prevalence"] = _day(operating)
    if calibration := document.get("calibration"):
        facts["calibration"] = _calibration(calibration)
    fitted = [
        name
        for name, part in (("threshold", operating), ("temperature", calibration))
        if part and part.get("same_samples")
    ]
    if fitted:
        be, flatter = ("were", "flatter") if len(fitted) > 1 else ("was", "flatters")
        facts["careful"] = (
            f"{' and '.join(fitted)} {be} fitted on these very samples, which {flatter}; test judges them"
        )
    if notes := document.get("notes"):
        facts["note"] = "; ".join(notes)
    if worse := [each for each in document.get("slices") or () if each.get("worse")]:
        facts["worse on"] = _slices(worse, "error" if document.get("kind") == "regression" else "accuracy")
    if cost := document.get("cost"):
        facts["cost"] = _cost(cost)
    if refused := document.get("refused"):
        facts["refused"] = _by_reason(refused)
    return facts


def _threshold(operating: Mapping[str, Any]) -> str:
    said = [
        f"{word} {_interval(operating[name])}"
        for name, word in (("precision", "precision"), ("recall", "recall"), ("fpr", "false positive rate"))
        if operating.get(name)
    ]
    chosen = f"{operating['threshold']:.4g} for '{operating['positive']}' ({operating['chosen_by']} on val)"
    return f"{chosen}: {', '.join(said)}" if said else chosen


def _calibration(calibration: Mapping[str, Any]) -> str:
    worse = calibration["loss_after"] > calibration["loss_before"]
    return (
        f"ECE {calibration['ece_before']:.3f}, loss {calibration['loss_before']:.3f}; "
        f"at val's temperature of {calibration['temperature']:.2f} "
        f"ECE {calibration['ece_after']:.3f}, loss {calibration['loss_after']:.3f}"
        f"{' (worse: these samples are unlike val)' if worse else ''}"
    )


def _day(operating: Mapping[str, Any]) -> str:
    alarms = operating.get("alarms")
    if not alarms:
        own = operating["own_prevalence"]
        return (
            f"{own:.3g} of these samples are '{operating['positive']}'; "
            "where they are rarer, --prevalence 0.001 says how many alarms are false"
        )
    return (
        f"at a prevalence of {operating['prevalence']:g}, {operating['per_day']:,.0f} samples: "
        f"precision {_interval(alarms['precision'])}, "
        f"{_count(alarms['false_alarms_per_day'])} false alarms, {_count(alarms['missed_per_day'])} missed"
    )


def _slices(worse: Sequence[Mapping[str, Any]], metric: str) -> str:
    first, more = worse[0], len(worse) - 1
    rest = f"; {more} more slice{'s' * (more != 1)} on the page" if more else ""
    return (
        f"{first['column']}: {first['label']} (n = {first['n']:,}): {metric} {first['value']:.3f} "
        f"({first['low']:.3f} to {first['high']:.3f}), elsewhere {first['rest']:.3f}{rest}"
    )


def _cost(cost: Mapping[str, Any]) -> str:
    memory = cost["memory_mib"]
    times = ", ".join(f"{each['median']:.3g} ms for {size}" for size, each in cost["latency_ms"].items())
    beside = ", ".join(f"{_memory(each)} for {size}" for size, each in memory["activations"].items())
    threads = f", {cost['threads']} thread{'s' * (cost['threads'] != 1)}" if cost["device"] == "cpu" else ""
    return (
        f"{cost['parameters']:,} parameters, {_memory(memory['weights'])}; {times} ({cost['device']}{threads}); "
        f"activations {beside}"
    )


def _memory(mib: float) -> str:
    return f"{mib:.3g} MiB" if mib >= 0.1 else f"{1024 * mib:.2g} KiB"


def _by_reason(refused: Mapping[str, str]) -> dict[str, str]:
    """Names that are refused for one reason share a line."""
    names: dict[str, list[str]] = {}
    for name, reason in refused.items():
        names.setdefault(reason, []).append(name)
    return {", ".join(each): reason for reason, each in names.items()}


def _interval(entry: Entry) -> str:
    return f"{entry['value']:.3f} ({entry['low']:.3f} to {entry['high']:.3f})"


def _count(entry: Entry) -> str:
    value, low, high = (
        f"{entry[end]:,.1f}" if entry[end] < 10 else f"{entry[end]:,.0f}" for end in ("value", "low", "high")
    )
    return f"{value} ({low} to {high})"


def _unfinished(run: Run) -> str | None:
    """What to know of a run whose training did not reach its end."""
    if run.status == "finished":
        return None
    if run.status == "running":
        return f"{run.id} is still going on: what is measured is its checkpoint so far"
    reason = f" ({run.reason})" if run.reason else ""
    return f"{run.id} was not trained to its end, it {_ENDED.get(run.status, run.status)}{reason}: its checkpoint is measured"


_ENDED = {"interrupted": "was interrupted", "failed": "failed"}


def _tell_files(files: tuple[Path, ...], run: Run, screen: Any) -> None:
    """Where everything lies, in one line; the page has one of its own, and so has a look in the ledger."""
    folders: dict[str, list[str]] = {}
    looks = [file for file in files if not file.is_relative_to(run.path)]
    for file in files:
        if file in looks:
            continue
        folders.setdefault(file.parent.relative_to(run.path).as_posix(), []).append(file.name)
    shown = [
        f"{folder}/{names[0]}" if len(names) == 1 else f"{len(names)} files in {folder}/"
        for folder, names in folders.items()
        if not names[0].endswith(".html")
    ]
    screen.print(f"wrote in {console.path(run.path)}: {', '.join(shown)}", highlight=False)
    for look in looks:
        screen.print(f"recorded the look: {console.path(look)}", highlight=False)


def _next(run: Run, subset: str) -> str | None:
    """What a first evaluation is followed by: something simple to stand beside it."""
    from projectkit.runs import list_runs, project_of

    if subset != "val" or run.kind != "train":
        return None
    data = run.part("data").get("name")
    known = [each for each in list_runs(project_of(run.path)) if each.kind == "baseline"]
    if data is None or any(each.part("data").get("name") == data for each in known):
        return f"projectkit runs compare {run.id} --kind baseline{f' --data {data}' if data else ''}" if known else None
    return f"projectkit baseline data.name={data}" if known else "projectkit baseline"
