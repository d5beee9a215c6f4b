"""What readers of cards share: the columns that a card expects of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from projectkit.datasets.readers.rows import read_rows
from projectkit.errors import WorkError


def columns_of(path: Path, names: Sequence[str], *, form: str = "csv") -> list[list[str]]:
    """The cells of the named columns of a CSV or JSONL file, one list a column.

    Raises:
        WorkError: it is not such a file, or it lacks a column.
    """
    rows = read_rows(path, form)
    missing = [name for name in names if name not in rows.columns]
    if missing:
        known = ", ".join(rows.columns)[:100]
        raise WorkError(
            f"no column '{missing[0]}' among {known}", where=path.name, remedy="fetch the file again, or mend the card"
        )
    return [rows.columns[name] for name in names]
