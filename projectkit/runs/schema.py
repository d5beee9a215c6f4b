"""The versions of `run.json`, and what turns an older one into today's.

| schema | since |
|---|---|
| 1 | the first; later also `process`, and `durations.seconds` beside `fit_s` |
| 2 | who writes a run stands in `sessions/`; `source`, `code_digest`, `memory`; `git` has `branch` and `submodules` |

A reader takes its own and every older one: what an older one does not have is absent, and what it said in another place is moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from projectkit.errors import UserError

SCHEMA = 2
EVALUATION_SCHEMA = 1  # of evaluation/*.json
MODEL_SCHEMA = 1  # of model.json
FIGURE_SCHEMA = 1  # of evaluation/figures/*.json


def upgraded(document: Mapping[str, Any]) -> dict[str, Any]:
    """A record of any schema up to today's, as today's."""
    record = dict(document)
    for step in _STEPS[max(0, record["schema"] - 1) :]:
        record = step(record)
    return record | {"schema": SCHEMA}


def refuse_newer(document: Mapping[str, Any], path: Path, *, known: int) -> None:
    """Refuse a document of a version that is not known here.

    Raises:
        UserError: it says no version, or a later one than `known`.
    """
    schema = document.get("schema")
    if not isinstance(schema, int):
        raise UserError(
            "no schema version, so not written by projectkit", where=str(path), remedy="see `projectkit runs list`"
        )
    if schema > known:
        raise UserError(
            f"written by a newer projectkit (schema {schema!r}, this one reads up to {known})",
            where=str(path),
            remedy="upgrade projectkit to the version that your partner uses",
        )


def _from_1(record: dict[str, Any]) -> dict[str, Any]:
    """The first versions timed the training as one piece."""
    durations = record.get("durations")
    if isinstance(durations, dict) and "seconds" not in durations and isinstance(durations.get("fit_s"), int | float):
        whole = durations.get("total_s", durations["fit_s"])
        seconds = {"training": durations["fit_s"], "other": max(0.0, round(whole - durations["fit_s"], 3))}
        record["durations"] = {**durations, "seconds": seconds}
    return record


_STEPS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (_from_1,)
