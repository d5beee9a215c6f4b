"""A record whose `run.json` is damaged, told from the run's other files.

`run.json` is replaced whole, so no death of ours tears it; a disk, an editor or a merge can. `events.jsonl` has a copy of the record in the
lines of its start, of each resume and of its end, and `metrics.jsonl` what was reached since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from projectkit.runs.files import read_lines

_ENDS = ("finished", "failed", "interrupted")


def restored(path: Path) -> dict[str, Any] | None:
    """The record of the run in a folder without its `run.json`; None where the other files do not tell it."""
    record: dict[str, Any] | None = None
    best: Any = None
    whole = False  # the copy holds what the metrics would tell
    for event in read_lines(path / "events.jsonl"):
        kind, copy = event.get("event"), event.get("record")
        if isinstance(copy, dict) and isinstance(copy.get("schema"), int):
            record, whole = dict(copy), kind in _ENDS
        if record is None:
            continue
        if kind == "checkpointed" and event.get("name") == "best":
            best = event.get("step")
    if record is not None and not whole:
        rows = metric_rows(read_lines(path / "metrics.jsonl"))
        reached = {name: value for row in rows for name, value in row.items() if name != "time"}
        if reached:
            record["last"] = reached
        row = next((row for row in rows if best is not None and row["step"] == best), None)
        if row is not None:
            record["best"] = {
                name: value for name, value in row.items() if name in ("step", "epoch") or name.startswith("val/")
            }
    return record


def metric_rows(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lines of `metrics.jsonl` with what belongs to one step in one row, in the order of the steps; of two values the later counts."""
    rows: dict[int, dict[str, Any]] = {}
    for line in lines:
        step = line.get("step")
        if isinstance(step, int):
            rows.setdefault(step, {}).update(line)
    return [rows[step] for step in sorted(rows)]
