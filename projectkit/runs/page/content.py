"""What the page says, as one plain document: everything in it is text or numbers, and becomes markup nowhere.

A part of a run that is missing or damaged is named in `problems`; the rest of the page is there all the same.
"""

from __future__ import annotations

import base64
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from projectkit import __version__
from projectkit.errors import ProjectkitError
from projectkit.runs.advice import ending, next_step
from projectkit.runs.compare import compare
from projectkit.runs.durations import SHOWN
from projectkit.runs.files import read_json
from projectkit.runs.notes import marks_of
from projectkit.runs.page.curves import Curves
from projectkit.runs.reader import Run, read_run

_EVENTS = 400  # of a run; from a longer history the first 50 and the newest are shown
_FIRST = 50
_TEXT = 200_000  # characters of a config or a diff
_FIGURE = 4 << 20  # bytes of one figure
_FIGURES = 40  # of a run
# what a missing, damaged or hand-edited part of a record raises
_BROKEN = (OSError, ValueError, TypeError, AttributeError, KeyError, ProjectkitError)
_PARTS = ("data", "resolved", "git", "versions", "hardware", "process", "memory")


class Content:
    """The document of one page, made anew at each call and read on where the files have grown.

    Args:
        runs: in the order in which they are overlaid.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = list(runs)
        self._curves = [Curves(run.path / "metrics.jsonl") for run in runs]
        self._remembered: tuple[Any, dict[str, Any] | None] = (None, None)

    @property
    def running(self) -> bool:
        """Whether one of the runs went on when it was last looked at."""
        return any(run.status == "running" for run in self._runs)

    def document(self, *, live: bool) -> dict[str, Any]:
        """Look at the runs and tell what is there.

        Args:
            live: whether the page will be written again.
        """
        self._runs = [_again(run) for run in self._runs]
        return {
            "written": time.time(),
            "live": live,
            "version": __version__,
            "runs": [_about(run, curves) for run, curves in zip(self._runs, self._curves, strict=True)],
            "compared": self._compared(),
        }

    def _compared(self) -> dict[str, Any] | None:
        """What several runs differ in; worked out again where a status or a config changed, as it reads every config."""
        key = [(run.status, _changed(run.path / "config.yaml")) for run in self._runs]
        if self._remembered[0] != key:
            self._remembered = (key, _compared(self._runs))
        return self._remembered[1]


def _about(run: Run, curves: Curves) -> dict[str, Any]:
    problems: list[str] = []

    def tried(part: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return part()
        except _BROKEN as error:
            problems.append(str(error))
            return otherwise

    tried(curves.read, None)
    record, events, marks = run.record, tried(run.events, []), marks_of(run)
    return {
        "id": run.id,
        "name": run.name,
        "kind": run.kind,
        "status": run.status,
        "reason": run.reason,
        "ending": tried(lambda: ending(run), None),
        "message": record.get("message"),
        "next": None if run.status == "running" else tried(lambda: next_step(run), None),
        "path": str(run.path),
        "created": record.get("created"),
        "ended": record.get("ended"),
        "seed": record.get("seed"),
        "command": _command(record.get("command")),
        "parameters": record.get("parameters"),
        "planned": record.get("planned_steps"),
        "epoch_steps": tried(lambda: _epoch_steps(run), None),
        "monitor": dict(run.monitor),
        "best": run.best,
        "last": run.last,
        "lock": record.get("lock"),
        **{part: dict(run.part(part)) for part in _PARTS},
        "tags": list(marks.tags),
        "notes": [asdict(note) for note in marks.notes],
        "metrics": curves.document(),
        "evaluations": tried(lambda: _evaluations(run, problems), []),
        "figures": tried(lambda: _figures(run), []),
        "audit": tried(lambda: _audit(run), []),
        "config": tried(lambda: _text(run.path / "config.yaml"), ""),
        "diff": tried(lambda: _text(run.path / "source.diff"), ""),
        "durations": _durations(run),
        "events": _shortened(events),
        "events_count": len(events),
        "problems": problems,
    }


def _again(run: Run) -> Run:
    """The run as it is now; as it was where its record cannot be read at this moment."""
    try:
        return replace(read_run(run.path), kept=run.kept)
    except ProjectkitError:
        return run


def _evaluations(run: Run, problems: list[str]) -> list[dict[str, Any]]:
    """By subset: val, which was looked at while choosing, before test."""
    order = ("train", "val", "test")
    found = run.evaluations().items()
    problems += [
        f"the evaluation on {subset} is of weights that were replaced since: type `projectkit evaluate {run.id} --subset {subset}`"
        for subset, document in found
        if run.outdated(document)
    ]
    return [
        {
            "subset": subset,
            "n": document.get("n"),
            "checkpoint": (document.get("checkpoint") or {}).get("name"),
            "metrics": dict(document.get("metrics", {})),
        }
        for subset, document in sorted(
            found, key=lambda pair: (order.index(pair[0]) if pair[0] in order else 9, pair[0])
        )
    ]


def _figures(run: Run) -> list[dict[str, str]]:
    """Each as a data URI: shown as an image, an SVG can run nothing and load nothing."""
    paths = sorted(path for path in (run.path / "evaluation" / "figures").glob("*.svg") if path.name[0] != ".")
    return [
        {"name": path.stem, "src": f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"}
        for path in paths[:_FIGURES]
        if path.stat().st_size <= _FIGURE
    ]


def _audit(run: Run) -> list[dict[str, Any]]:
    path = run.path / "audit.json"
    findings = read_json(path).get("findings", []) if path.is_file() else []
    known = ("id", "status", "where", "message", "advice")
    return [{key: finding.get(key) for key in known} for finding in findings if isinstance(finding, dict)]


def _durations(run: Run) -> list[list[Any]]:
    """Phases and their seconds, the longest first, under the names that `projectkit train` gives them."""
    merged: dict[str, float] = {}
    for name, seconds in run.seconds.items():
        merged[SHOWN.get(name, name)] = merged.get(SHOWN.get(name, name), 0.0) + seconds
    return sorted(([name, seconds] for name, seconds in merged.items()), key=lambda pair: -pair[1])


def _compared(runs: Sequence[Run]) -> dict[str, Any] | None:
    """What several runs differ in, and why their numbers may not be comparable."""
    if len(runs) < 2:
        return None
    try:
        found = compare(runs)
    except _BROKEN as error:
        return {"unfair": [str(error)], "settings": []}
    return {"unfair": list(found.unfair), "settings": [[line.key, *line.values] for line in found.settings]}


def _epoch_steps(run: Run) -> float | None:
    """Steps of an epoch, where epochs and not steps bound the training."""
    planned, epochs = run.record.get("planned_steps"), _epochs(run.path, _changed(run.path / "config.yaml"))
    return planned / epochs if isinstance(planned, int) and epochs else None


@lru_cache(maxsize=32)
def _epochs(path: Path, changed: int) -> int | None:
    """The epochs that a run's config asks for; read again where the file changed: that takes 30 ms, and a live page asks every 2 s."""
    trainer = read_run(path).config().get("trainer") or {}
    epochs = trainer.get("max_epochs")
    bounded = trainer.get("max_steps") not in (None, -1)
    return epochs if isinstance(epochs, int) and epochs > 0 and not bounded else None


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_TEXT + 1)
    except FileNotFoundError:
        return ""
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}\n... the rest is in {path.name}"


def _shortened(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return events if len(events) <= _EVENTS else [*events[:_FIRST], *events[_FIRST - _EVENTS :]]


def _command(words: Any) -> str:
    return shlex.join(map(str, words)) if isinstance(words, list) else str(words or "")
