"""`metrics.csv`: the record's metrics as a table, one row a step, for those who open it in a spreadsheet."""

from __future__ import annotations

import csv
import io

from projectkit.runs import RunWriter, atomic_write, read_run
from projectkit.runs.sync import rows_by_step


def write_table(writer: RunWriter) -> None:
    """Write the table; made from the record when a training ends, so a resumed run has each step once.

    Raises:
        OSError: it cannot be written.
    """
    rows = rows_by_step(read_run(writer.path))
    first = ("step", "epoch", "time")
    names = [*first, *sorted({name for row in rows.values() for name in row} - set(first))]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, names, restval="")
    table.writeheader()
    table.writerows(rows.values())
    atomic_write(writer.path / "metrics.csv", text.getvalue().encode("utf-8"))
