"""The ledger: every look at a test subset, one small file each, committed with the repository.

A test set that has been looked at twenty times while choices were made is a second validation set. The ledger lets a team, and whoever
grades them, count the looks (`projectkit.runs.ledger` reads them). One file a look, so that two partners' looks merge without a conflict.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from projectkit.runs import atomic_write
from projectkit.runs.ledger import FREE, SCHEMA, Look


def record_look(ledger: Path, run: str, subset: str, data: Mapping[str, object], checkpoint_sha256: str) -> Path | None:
    """Write a look down; called before the labels are compared, so that no failure hides one.

    Returns:
        The file, or None for a subset that needs no record.
    """
    if subset in FREE:
        return None
    now = datetime.now(UTC)
    known = {key: data[key] for key in ("name", "target", "split", "split_digest", "class_path") if key in data}
    look = Look(now.isoformat(timespec="seconds"), run, subset, known, checkpoint_sha256)
    ledger.mkdir(parents=True, exist_ok=True)
    path = ledger / f"{now:%Y%m%d-%H%M%S}-{subset}-{os.urandom(3).hex()}.json"
    document = {"schema": SCHEMA, **asdict(look)}
    atomic_write(path, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())
    return path
