"""Reading the ledger: every look at the labels of a test subset, a small file each in `ledger/`; evaluation writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from projectkit.runs.files import read_json

SCHEMA = 1
FREE = ("train", "val")  # what a model was fitted to or chosen by may be looked at as often as one likes


@dataclass(frozen=True)
class Look:
    """One look at a test subset.

    Args:
        time: UTC, ISO 8601.
        run: whose predictions were compared with the labels.
        subset: whose labels were used.
        data: name, target and split digest, as in the run record.
        checkpoint_sha256: of the weights that were evaluated.
    """

    time: str
    run: str
    subset: str
    data: Mapping[str, object]
    checkpoint_sha256: str


def looks(ledger: Path) -> list[Look]:
    """All looks so far, oldest first; files that are no looks are passed over."""
    found = [look for path in ledger.glob("*.json") if (look := _look(path)) is not None]
    return sorted(found, key=lambda look: (look.time, look.run, look.subset))


def no_looks(ledger: Path) -> list[str]:
    """The names of files that should be looks and cannot be read as such, so that they are not counted."""
    return [path.name for path in sorted(ledger.glob("*.json")) if _look(path) is None]


def _look(path: Path) -> Look | None:
    try:
        document = read_json(path)
        look = Look(**{name: document[name] for name in Look.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    texts = (look.time, look.run, look.subset)
    return look if isinstance(look.data, dict) and all(isinstance(text, str) for text in texts) else None
