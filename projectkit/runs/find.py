"""Finding runs by folder, id, part of an id, `latest` or `best`, in `runs/` and `results/`.

A kept run is the same run: where both copies are there, the one in `runs/` is taken, as it still has its checkpoints.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from projectkit.errors import UserError, nearest
from projectkit.project import Project, find_project, require_project
from projectkit.runs import ids
from projectkit.runs.notes import marks_of
from projectkit.runs.reader import Run, read_folder, read_run

TRASH = ".trash"  # below the runs; what lies in it stands in archive.py
_SHOWN = 5  # candidates that an error lists
_TIME, _HEX = 16, 6  # characters of an id: the time with its hyphen, and what makes it unique
_ID_LENGTH = 22  # of the shortest id: a longer text is a mistyped id rather than a name
_NEVER = datetime.min.replace(tzinfo=UTC)
# Runs are compared by their monitored metric only where all of this is the same.
_SAME_DATA = ("class_path", "name", "target", "split", "split_digest", "card_digest")


def load_run(ref: str = "latest") -> Run:
    """The run that `ref` names, a folder anywhere or else a run of the working directory's project; see `find_run`."""
    return find_run(ref, project_of(ref))


def project_of(ref: str | Path) -> Project:
    """The project that the run belongs to: the one around its folder where `ref` is a folder, else the working directory's.

    Raises:
        UserError: there is none.
    """
    around = find_project(Path(str(ref).strip()).expanduser()) if _is_folder(ref) else None
    return around or require_project()


def find_run(ref: str | Path, project: Project) -> Run:
    """The run that `ref` names.

    Args:
        ref: a folder, an id, a part of an id that only one run has, `latest` (the newest finished run of kind `train`),
            or `best` (by the monitored metric, among finished `train` runs with the data, target, split and monitor of
            `latest`). Neither of the two words means an archived run: what was put away is not chosen by itself.
        project: the project whose runs and results are looked at.

    Raises:
        UserError: no run fits, several do, or it cannot be read; the message lists candidates or says what to type.
    """
    text = str(ref).strip()
    if text == "latest":
        return _latest(list_runs(project))
    if text == "best":
        return _best(list_runs(project))
    if _is_folder(ref):
        run = read_run(Path(ref))
        return replace(run, kept=_kept(run.id, project))
    places = _places(project)
    run_id = match_id(text, places, trashed=_trashed(project))
    return replace(read_run(places[run_id]), kept=_kept(run_id, project))


def list_runs(project: Project) -> list[Run]:
    """Every run of the project, newest first; one that cannot be read has the status `unreadable` and says why."""
    runs = [_tolerant(path, project) for path in _places(project).values()]
    return sorted(runs, key=lambda run: (run.created or _NEVER, run.id), reverse=True)


def find_tolerant(ref: str | Path, project: Project) -> Run:
    """As `find_run`, and also a run whose record cannot be read, with the status `unreadable`: for what is done to the folder alone."""
    text = str(ref).strip()
    if not _is_folder(ref) and text not in ("latest", "best"):
        places = _places(project)
        return _tolerant(places[match_id(text, places)], project)
    return find_run(ref, project)


def short_ids(project: Project, *, named: bool = True) -> dict[str, str]:
    """Each run's id without its time, `<name>-<6 hex>`, or those six digits alone, where that can be typed for the id.

    Args:
        project: whose runs they are.
        named: with the name; else the digits alone.
    """
    every = list(_places(project))
    together = "\n".join(every)
    start = _TIME if named else -_HEX
    short = {run_id: run_id[start:] if ids.PATTERN.fullmatch(run_id) else run_id for run_id in every}
    return {run_id: part if together.count(part) == 1 else run_id for run_id, part in short.items()}


def summary(run: Run) -> dict[str, Any]:
    """One row of `runs list`: plain values, None where the run does not have them."""
    data, metric, durations = run.part("data"), run.monitor.get("metric"), run.part("durations")
    return {
        "id": run.id,
        "name": run.name,
        "kind": run.kind,
        "status": run.status,
        "reason": run.problem or run.reason,
        "created": run.created.isoformat() if run.created else None,
        "duration_s": durations.get(
            "total_s", durations.get("fit_s")
        ),  # of one that goes on, or was killed: to its last epoch
        "data": data.get("name") or data.get("class_path"),
        "target": data.get("target"),
        "monitor": metric,
        "value": _monitored(run),
        "kept": run.kept is not None,
    }


def _is_folder(ref: str | Path) -> bool:
    text = str(ref).strip()
    return isinstance(ref, Path) or "/" in text or "\\" in text or text.startswith((".", "~"))


def _places(project: Project) -> dict[str, Path]:
    """Run id -> folder; runs/ before results/. A folder of another name counts where it holds a run.json."""
    found: dict[str, Path] = {}
    for root in (project.runs.resolve(), project.results.resolve()):
        try:
            with os.scandir(root) as entries:
                names = sorted(entry.name for entry in entries if entry.name[0] != "." and entry.is_dir())
        except OSError:
            continue
        for name in names:
            if ids.PATTERN.fullmatch(name) or (root / name / "run.json").is_file():
                found.setdefault(name, root / name)
    return found


def _trashed(project: Project) -> Iterator[str]:
    """Ids of whole runs in the trash; a generator, so that nothing is read for a run that is there."""
    for room in ("runs", "results"):
        folder = project.runs / TRASH / room
        yield from sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ()


def _kept(run_id: str, project: Project) -> Path | None:
    path = project.results / run_id
    return path if (path / "run.json").is_file() else None


def _tolerant(path: Path, project: Project) -> Run:
    kept = _kept(path.name, project)
    try:
        return replace(read_folder(path.resolve() if path.is_symlink() else path), kept=kept)
    except UserError as error:
        return Run(path, {}, problem=error.what, kept=kept)


def match_id(
    text: str,
    known: Iterable[str],
    *,
    empty: str = "train one with `projectkit train`",
    see: str = "see `projectkit runs list`",
    words: Sequence[str] = ("latest", "best"),
    trashed: Iterable[str] = (),
) -> str:
    """The one id that `text` is, or is a part of.

    Args:
        text: as it was typed.
        known: the ids that there are.
        empty: the remedy where there is none at all.
        see: the remedy where no id is near.
        words: what can be typed as well.
        trashed: ids of runs in the trash; asked where none of the known fits.

    Raises:
        UserError: no id fits, or several do; the message lists candidates, or names the nearest id or name.
    """
    names = sorted(known, reverse=True)
    if text in names:
        return text
    found = [name for name in names if text and text.lower() in name]
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        listed = ", ".join(found[:_SHOWN]) + more
        raise UserError(
            f"'{text}' is part of {len(found)} run ids: {listed}", remedy="type more of the one that you mean"
        )
    gone = [name for name in trashed if text and text.lower() in name]
    if gone:
        raise UserError(
            f"the run '{gone[0]}' is in the trash", remedy=f"`projectkit runs rm --undo {gone[0]}` brings it back"
        )
    # most mistypings are of a run's name, which is the shorter part of its id; the newest of equal names is offered
    by_name = {match[2]: name for name in reversed(names) if (match := ids.PATTERN.fullmatch(name))}
    near = nearest(text.lower(), by_name) if len(text) < _ID_LENGTH else None
    near = by_name[near] if near else nearest(text, [*names, *words])
    remedy = f"did you mean '{near}'?" if near else see if names else empty
    raise UserError(f"no run '{text}'", remedy=remedy)


def _latest(runs: list[Run]) -> Run:
    finished = [run for run in runs if run.status == "finished" and run.kind == "train"]
    for run in finished:
        if not marks_of(run).archived:
            return run
    if finished:
        remedy = "name a run, or bring one back with `projectkit runs archive --undo RUN`"
        raise UserError("no finished training run that is not archived", remedy=remedy)
    others = Counter(f"{run.status} {run.kind}".removesuffix(" unknown") for run in runs)
    have = f" (there is: {', '.join(f'{count} {what}' for what, count in others.items())})" if others else ""
    raise UserError(f"no finished training run yet{have}", remedy="run `projectkit train`")


def _best(runs: list[Run]) -> Run:
    latest = _latest(runs)
    if not latest.monitor.get("metric"):
        raise UserError(
            f"'best' needs a monitored metric, and the latest run, {latest.id}, has none",
            remedy="add `monitor: {metric: val/f1_macro, mode: max}` to the config, or name a run",
        )
    sign = -1.0 if latest.monitor.get("mode") == "min" else 1.0
    fitting = [run for run in runs if run.status == "finished" and run.kind == "train" and _same(run) == _same(latest)]
    scored = [
        (sign * value, run)
        for run in fitting
        if (value := _monitored(run)) is not None and not math.isnan(value) and not marks_of(run).archived
    ]
    if not scored:
        what = f"no finished run has a value of {latest.monitor['metric']}"
        raise UserError(what, remedy="name a run; see `projectkit runs list`")
    return max(scored, key=lambda pair: pair[0])[1]  # the newest of equals: `runs` is newest first


def _same(run: Run) -> tuple[Any, ...]:
    data = run.part("data")
    return (*(data.get(key) for key in _SAME_DATA), run.monitor.get("metric"), run.monitor.get("mode"))


def _monitored(run: Run) -> float | None:
    return run.best.get(run.monitor.get("metric", ""))
