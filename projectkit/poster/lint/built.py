"""`built`: files of an earlier build that no longer say what the sources and the runs say."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from projectkit.findings import Finding
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.outputs.summary import sources_digest

_ADVICE = "type `projectkit poster build`, and print that"
_MOST_NAMED = 3


def built(proof: Proof) -> Iterator[Finding]:
    """A build that is older than a text, a picture or a run; worse where its numbers are no longer the runs'."""
    folder = proof.found.poster.folder / "build"
    told = _told(folder / "poster.json")
    if told is None or proof.found.layout is None:
        return
    where = f"{proof.found.poster.file.rpartition('/')[0] or '.'}/build/poster.pdf"
    if told.get("sources_digest") == sources_digest(proof.found, proof.project):
        yield finding("built", "ok", where, "was built from these sources and runs")
        return
    changed = list(_changed(told, proof))
    if changed:
        more = f", and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        message = f"its numbers are old: {', '.join(changed[:_MOST_NAMED])}{more}"
        yield finding("built", "error", where, message, _ADVICE, changed=changed)
    else:
        yield finding("built", "warning", where, "older than its sources or runs", _ADVICE)


def _changed(told: Mapping[str, Any], proof: Proof) -> Iterator[str]:
    """Numbers that the build shows and that are others today, matched by file, metric and order: lines move as texts grow."""
    now: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in proof.found.composed.shown:
        if one.text:
            now[_key(one.where, one.what, one.subset)].append(one.text)
    for one in told.get("numbers") or ():
        if not isinstance(one, Mapping) or not one.get("text"):
            continue
        texts = now[_key(one.get("where"), one.get("what"), one.get("subset"))]
        today = texts.pop(0) if texts else None
        if today is not None and today != one["text"]:
            yield f"{one['text']} of {one.get('what')} is {today} today"


def _told(file: Path) -> Mapping[str, Any] | None:
    """What the last build says of itself; None where there was none, or nothing that can be read."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _key(where: Any, what: Any, subset: Any) -> tuple[str, str, str]:
    """A number's place without its line: text above it may have grown."""
    return str(where).partition(":")[0], str(what), str(subset)
