"""Any value of a run by its name: a column of the list, a metric, a key of the record, a key of the config.

| name | what it is |
|---|---|
| `status`, `data`, `value`, `tags`, `age` ... | a column of `runs list` |
| `val/f1_macro`, `best.val/loss`, `last.train/loss` | of the best checkpoint, else of the last epoch; or of that which is named |
| `test/f1_macro` | of the evaluation on that subset, where training did not log it |
| `resolved.device`, `data.split_digest`, `git.commit` | a key of run.json |
| `model.init_args.hidden`, `trainer.max_epochs` | a key of config.yaml, which is read for these names only |
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from projectkit.errors import ProjectkitError, UserError, nearest
from projectkit.runs.files import as_float
from projectkit.runs.find import summary
from projectkit.runs.notes import Marks, marks_of
from projectkit.runs.reader import Run

_AGES = ((86400 * 7, "w"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_TAIL = 2**15  # bytes: some lines of metrics
_FROM = 2  # of a unit: 90 minutes say more than one hour
_LINE = re.compile(r"( *)((?:[\w-]+)): ?(.*)")


class Row:
    """A run as a line of a list; what has to be read from further files is read when it is asked for, and once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.columns = summary(run)
        self._marks: Marks | None = None
        self._config: str | None = None

    @property
    def marks(self) -> Marks:
        """Tags, notes, and whether the run is archived."""
        if self._marks is None:
            self._marks = marks_of(self.run)
        return self._marks

    def as_dict(self) -> dict[str, Any]:
        """The row for programs: every column, plain values."""
        return {**self.columns, **{name: column(self) for name, column in _FURTHER.items()}}

    def value(self, key: str) -> Any:
        """The value of that name, see the table above; None where this run has none."""
        key = _ALSO.get(key, key)
        if key in self.columns:
            return self.columns[key]
        if key in _FURTHER:
            return _FURTHER[key](self)
        for found in (self._metric(key), _inside(self.run.record, key), self._evaluated(key)):
            if found is not None:
                return found
        return None if "/" in key else self._configured(key)

    def names(self) -> Iterator[str]:
        """Names that this run has a value for; those of the config are left out, as they would have to be read."""
        yield from (*self.columns, *_FURTHER, *self.run.best, *self.run.last)
        yield from (key for key, _ in flat(self.run.record))

    def _metric(self, key: str) -> float | None:
        where, dot, metric = key.partition(".")
        if dot and where in ("best", "last"):
            return (self.run.best if where == "best" else self.run.last).get(metric)
        return self.run.best.get(key, self.run.last.get(key)) if "/" in key else None

    def _evaluated(self, key: str) -> float | None:
        subset, slash, metric = key.partition("/")
        if not slash or not (self.run.path / "evaluation" / f"{subset}.json").is_file():
            return None
        try:
            document = self.run.evaluation(subset) or {}
            return None if self.run.outdated(document) else as_float(document["metrics"][metric]["value"])
        except (ProjectkitError, KeyError, TypeError):
            return None

    def _configured(self, key: str) -> Any:
        if self._config is None:
            try:
                self._config = (self.run.path / "config.yaml").read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                self._config = ""
        return config_value(self._config, key)


def require_known(keys: Sequence[str], rows: Sequence[Row]) -> None:
    """Refuse a name that no run has a value for.

    Raises:
        UserError: the message names the nearest name.
    """
    for key in (_ALSO.get(key, key) for key in keys):
        if not rows or key in rows[0].columns or key in _FURTHER or any(row.value(key) is not None for row in rows):
            continue
        known = {name for row in rows for name in row.names()} | {name for name, _ in flat(config_of(rows[0].run))}
        if key not in known:  # a known name without a value is no mistake
            near = nearest(key, known)
            remedy = f"did you mean '{near}'?" if near else "`projectkit runs show RUN --json` has the names of a run"
            raise UserError(f"no run has a '{key}'", remedy=remedy)


def config_value(text: str, key: str) -> Any:
    """The value of a dotted key in a recorded config; None where it is not there.

    The whole of a config takes 5 ms to parse, so the line of the key is looked for and its value alone is parsed: recorded configs have one
    key a line, indented.
    """
    from projectkit.config.reading import parse

    wanted = key.split(".")
    if f"{wanted[-1]}:" not in text:
        return None
    at: list[tuple[int, str]] = []  # the keys that the present line lies in, with their indentation
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        depth = len(match[1])
        at = [*(outer for outer in at if outer[0] < depth), (depth, match[2])]
        if [name for _, name in at] == wanted:
            below = []
            for following in lines[number + 1 :]:
                same = not following[:depth].strip() and following[depth:].startswith(
                    "- "
                )  # a list may stand below its key
                if following[: depth + 1].strip() and not same:
                    break
                below.append(following)
            return parse("\n".join([match[3], *below]).strip("\n"), "config.yaml")[0]
    return None


def flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of nested mappings with its dotted key; a list is one value."""
    for name, value in document.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, Mapping) and value:
            yield from flat(value, key)
        else:
            yield key, value


def age(since: datetime | None, now: datetime | None = None) -> str | None:
    """How long ago that was, in one unit: `45s`, `12m`, `3h`, `5d`, `6w`."""
    if since is None:
        return None
    seconds = max(0, int(((now or datetime.now(UTC)) - since).total_seconds()))
    for unit, letter in _AGES:
        if seconds >= unit * _FROM:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


def progress(run: Run) -> str | None:
    """How far a running run is, in per cent of the steps that are planned; None of one that has ended, or where no end is known."""
    planned = as_float(run.record.get("planned_steps"))
    if run.status != "running" or not planned:
        return None
    return f"{min(1.0, newest_step(run) / planned):.0%}"


def newest_step(run: Run) -> int:
    """The step of the last line that was logged; only the end of the file is read, as this is asked of running runs again and again."""
    try:
        with (run.path / "metrics.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        lines = []
    for line in reversed(lines):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return int(json.loads(line)["step"])
    return int(run.last.get("step", 0))


def config_of(run: Run) -> dict[str, Any]:
    """A run's config in full; empty where it cannot be read."""
    try:
        return run.config()
    except ProjectkitError:
        return {}


def chosen_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Those settings of a config, by dotted key, that are not the schema's defaults: what somebody chose."""
    from projectkit.config import Config, config_to_dict

    defaults = dict(flat(config_to_dict(Config())))
    return {key: value for key, value in flat(config) if key not in defaults or value != defaults[key]}


def _inside(document: Mapping[str, Any], key: str) -> Any:
    value: Any = document
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


# columns beyond those of `summary`, from further files or from the clock
_FURTHER: dict[str, Callable[[Row], Any]] = {
    "tags": lambda row: list(row.marks.tags),
    "notes": lambda row: len(row.marks.notes),
    "archived": lambda row: row.marks.archived,
    "progress": lambda row: progress(row.run),
    "age": lambda row: age(row.run.created),
}
_ALSO = {"time": "duration_s"}  # the list's shorter word for a column
