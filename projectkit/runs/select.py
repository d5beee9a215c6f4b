"""Choosing runs: by status, data, tag, age and by conditions such as `val/f1_macro>0.8`, in an order that is asked for."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from projectkit.errors import UserError, did_you_mean
from projectkit.runs.files import as_float
from projectkit.runs.reader import Run
from projectkit.runs.values import Row, require_known

STATUSES = ("running", "finished", "failed", "interrupted", "unreadable")
KINDS = ("train", "smoke", "baseline")
_CONDITION = re.compile(r"\s*([^\s=<>!~]+)\s*(>=|<=|!=|==|=|>|<|~)\s*(.*?)\s*", re.DOTALL)
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Condition:
    """One condition on a value of a run; `key` is a name of `runs/values.py`.

    Args:
        key: whose value is looked at; a run that has none does not fit, but for `key=null`.
        operator: `=`, `!=`, `<`, `<=`, `>`, `>=`, or `~`: the text, or a member of the list, holds that text.
        value: what it is compared with, as YAML reads it.
        text: the value as it was typed.
    """

    key: str
    operator: str
    value: Any
    text: str

    def fits(self, row: Row) -> bool:
        """Whether a run meets it."""
        found = row.value(self.key)
        if found is None or found == []:
            return self.operator == "=" and self.value is None
        if self.operator in ("=", "!="):
            return self._equals(found) == (self.operator == "=")
        if self.operator == "~":
            parts = found if isinstance(found, list) else [found]
            return any(self.text.casefold() in str(part).casefold() for part in parts)
        left, right = as_float(found), as_float(self.value)
        if left is None or right is None:
            return False
        return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[self.operator]

    def _equals(self, found: Any) -> bool:
        if isinstance(found, bool) or isinstance(self.value, bool):
            return found is self.value
        left, right = as_float(found), as_float(self.value)
        if left is not None and right is not None:
            return left == right
        return bool(found == self.value) or str(found) == self.text


@dataclass(frozen=True)
class Filters:
    """Which runs are wanted; what is empty lets every run pass.

    Args:
        status: any of these; see `STATUSES`.
        kind: any of these; see `KINDS`.
        data: any of these data sets, `*` and `?` stand for anything.
        name: any of these names, in the same way.
        tags: all of these.
        since: created then or later.
        where: all of these conditions.
        archived: archived runs as well.
        last: no more than so many, the newest.
    """

    status: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    where: tuple[Condition, ...] = ()
    archived: bool = False
    last: int | None = None


def select(runs: Iterable[Run], filters: Filters) -> list[Row]:
    """The runs that pass, in the order in which they came; what needs no further file is asked first.

    Args:
        runs: newest first, as `list_runs` gives them.
        filters: which are wanted.

    Raises:
        UserError: no run of the project has the tag, or a value of the name that a condition asks for.
    """
    every = [Row(run) for run in runs]
    rows = [row for row in every if _passes(row, filters)]
    if not filters.archived:
        rows = [row for row in rows if not row.marks.archived]
    if filters.tags:
        rows = [row for row in rows if set(filters.tags) <= set(row.marks.tags)]
        if not rows:
            _require_tags(filters.tags, every)
    require_known([condition.key for condition in filters.where], every)
    rows = [row for row in rows if all(condition.fits(row) for condition in filters.where)]
    return rows[: filters.last]


def sort(rows: Sequence[Row], key: str, *, reverse: bool = False) -> list[Row]:
    """The rows in ascending order of a value; those without one come last in either direction.

    Raises:
        UserError: no run has a value of that name.
    """
    if key == "age":  # is shown in words, of which no order comes
        key, reverse = "created", not reverse
    require_known([key], rows)
    known = [(row, order) for row in rows if (order := _order(row.value(key))) is not None]
    without = [row for row in rows if _order(row.value(key)) is None]
    return [row for row, _ in sorted(known, key=lambda pair: pair[1], reverse=reverse)] + without


def condition(text: str) -> Condition:
    """A condition as it is typed: `val/f1_macro>0.8`, `model.init_args.hidden=64`, `data~sms`.

    Raises:
        UserError: it has no operator, or compares the size of what is no number.
    """
    from projectkit.config.reading import parse

    match = _CONDITION.fullmatch(text)
    if match is None:
        remedy = "write --where 'val/f1_macro>0.8', in quotes; = != < <= > >= and ~ (holds the text) can be used"
        raise UserError(f"'{text}' is no condition", where="--where", remedy=remedy)
    key, operator, typed = match.groups()
    operator = "=" if operator == "==" else operator
    value = typed if operator == "~" else parse(typed, "--where", key=key, lines=False)[0] if typed else None
    if operator in ("<", "<=", ">", ">=") and as_float(value) is None:
        raise UserError(f"'{typed}' is no number", where=f"--where {key}", remedy=f"write --where '{key}{operator}0.8'")
    return Condition(key, operator, value, typed)


def moment(text: str, now: datetime | None = None) -> datetime:
    """A point in time as it is typed: `90m`, `2d` and `3w` ago, or a date, `2026-11-03` or `2026-11-03T14:00`, in local time.

    Raises:
        UserError: it is neither.
    """
    now = now or datetime.now(UTC)
    if match := _AGE.fullmatch(text.strip()):
        try:
            return now - timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(text.strip()).astimezone()  # without a zone: the local one
    except (ValueError, OverflowError):
        remedy = "write 90m, 12h, 2d or 3w, or a date such as 2026-11-03"
        raise UserError(f"'{text}' is no time", where="--since", remedy=remedy) from None


def _passes(row: Row, filters: Filters) -> bool:
    run = row.run
    if filters.status and run.status not in filters.status:
        return False
    if filters.kind and run.kind not in filters.kind:
        return False
    if filters.since is not None and (run.created is None or run.created < filters.since):
        return False
    return _like(row.columns["data"], filters.data) and _like(run.name, filters.name)


def _like(value: Any, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(str(value).casefold(), each.casefold()) for each in patterns)


def _require_tags(tags: Sequence[str], rows: Sequence[Row]) -> None:
    known = {tag for row in rows for tag in row.marks.tags}
    for tag in tags:
        if rows and tag not in known:
            raise UserError(f"no run has the tag '{tag}'", where="--tag", remedy=did_you_mean(tag, known))


def _order(value: Any) -> tuple[int, float, str] | None:
    """Numbers before text; None for what has no place: nothing, NaN, containers."""
    number = as_float(value)
    if number is not None:
        return None if math.isnan(number) else (0, number, "")
    return (1, 0.0, value) if isinstance(value, str) else None
