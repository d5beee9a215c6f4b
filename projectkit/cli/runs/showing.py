"""`projectkit runs show`: one run in full, how it ended and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from projectkit import console
from projectkit.cli.options import as_json

if TYPE_CHECKING:
    from projectkit.runs import Run

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
        "forced",
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
        "baseline",
        "resolved",
        "git",
        "lock",
        "versions",
        "hardware",
    ),
)


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
        "forced": run.forced_changes(),
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
            if run.outdated(found[path.stem]):
                again = f"type `projectkit evaluate {run.id} --subset {path.stem}`"
                click.echo(
                    f"warning: the evaluation on {path.stem} is of weights that were replaced since; {again}", err=True
                )
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
        "data": {
            key: str(value)[:12] if key.endswith("_digest") else value
            for key, value in run.part("data").items()
            if key != "card"  # sentences; `projectkit data info` has them too
        },
        "git": commit or git.get("reason"),
        "durations": {"total": console.duration(facts["duration_s"]), "fit": describe_time(run.seconds)}
        if run.seconds
        else None,
        "disk": console.size(facts["disk_bytes"]),
        "resolved": {key: value for key, value in run.part("resolved").items() if value not in (None, {}, [])},
    }
