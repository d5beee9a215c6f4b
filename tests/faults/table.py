"""The fault table: one row is one test, and `docs/faults.md` is made from the rows.

A test that is a row carries `@fault(...)`. The page is made by reading these files, not by importing them, so that it is the same on a
machine that lacks half of what the tests need:

    python tests/faults/table.py    # rewrites docs/faults.md; a test holds it current
"""

from __future__ import annotations

import ast
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "faults.md"
DEADLINE_S = 60

# The order of the page: a file of tests is a section of it.
SECTIONS = {
    "test_faults_stopping": "A training is stopped",
    "test_faults_kills": "A training is killed",
    "test_faults_numbers": "The training itself goes wrong",
    "test_faults_machine": "The machine gives out",
    "test_faults_files": "Files are damaged or not what they were",
    "test_faults_backup": "The disk is lost with the session, and where runs are copied to",
    "test_faults_many": "Many runs at once",
    "test_faults_sleep": "A machine sleeps",
    "test_faults_runs": "Clocks and records",
    "test_faults_input": "Config and data are wrong",
    "test_faults_places": "Odd paths, and answers that mean harm",
    "test_faults_source": "Odd repositories",
    "test_faults_store": "The store of data sets",
    "test_faults_tracking": "The tracker fails",
    "test_faults_cluster": "Clusters",
}

HEAD = """# When something goes wrong

What happens to a training, and what is left of it, for each fault that we could think of and provoke. Each row is a test in
`tests/faults/`: the fault is made to happen, and what stands here is what came of it.

Three rules hold for all of them. **One line says what, where and what to type next**; `--debug` in front of it shows the traceback. **The
exit status tells the kind**: 0 done, 1 the work failed, 2 your input is wrong, 130 Ctrl-C, 143 a cluster's signal, 129 a closed terminal.
**The run folder is true at any time**: `projectkit runs show` names how a run ended, and `projectkit train --resume auto` goes on with it.
"""


def fault(
    name: str, *, happens: str, kept: str, only: str | None = None, deadline_s: int = DEADLINE_S
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a test a row of the table.

    Args:
        name: the fault, in the words of somebody who has it.
        happens: what projectkit does.
        kept: what is on the disk afterwards.
        only: the system that can have it, as `platform.system()` calls it; elsewhere the test is skipped.
        deadline_s: after which the test fails, because something hangs.
    """

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        marked: Any = pytest.mark.fault(deadline_s=deadline_s)(test)
        if only is not None:
            marked = pytest.mark.skipif(platform.system() != only, reason=f"only {only} has it")(marked)
        return marked  # type: ignore[no-any-return]

    return mark


@dataclass(frozen=True)
class Row:
    """A row of the page."""

    name: str
    happens: str
    kept: str
    only: str | None = None


def rows_of(path: Path) -> list[Row]:
    """The rows of a file, in its order; a cell is a literal, or the name of one that the file gives it."""
    found, names = [], {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = node.value
        for mark in getattr(node, "decorator_list", []):
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "fault":
                shown = [word for word in mark.keywords if word.arg in Row.__dataclass_fields__]
                cells = {str(word.arg): _cell(word.value, names) for word in shown}
                found.append(Row(*(_cell(word, names) for word in mark.args), **cells))
    return found


def _cell(node: ast.expr, names: dict[str, ast.expr]) -> Any:
    return ast.literal_eval(names[node.id] if isinstance(node, ast.Name) else node)


def page() -> str:
    """`docs/faults.md` as the tests say."""
    files = {path.stem: path for path in HERE.glob("test_*.py")}
    if unplaced := [stem for stem, path in files.items() if rows_of(path) and stem not in SECTIONS]:
        raise ValueError(f"SECTIONS in {Path(__file__).name} has no title for {', '.join(sorted(unplaced))}")
    parts = [HEAD]
    for stem, title in SECTIONS.items():
        rows = rows_of(files[stem]) if stem in files else []
        if not rows:
            continue
        lines = [f"## {title}", "", "| fault | what happens | what is kept |", "|---|---|---|"]
        for row in rows:
            name = row.name[0].upper() + row.name[1:] + (f" ({row.only})" if row.only else "")
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (name, row.happens, row.kept)) + " |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
