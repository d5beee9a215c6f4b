"""`docs/faults.md` is what the tests say, and each row of it is a test that can run."""

from __future__ import annotations

import pytest
from table import HERE, PAGE, page, rows_of


def test_the_page_of_faults_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "type `python tests/faults/table.py`"


@pytest.mark.parametrize("path", sorted(HERE.glob("test_*.py")), ids=lambda path: path.stem)
def test_a_row_names_its_fault_once_and_ends_no_cell_with_a_full_stop(path) -> None:
    rows = rows_of(path)
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    for row in rows:
        assert all(cell and not cell.endswith(".") and "\n" not in cell for cell in (row.name, row.happens, row.kept))
