"""A page about a data set: what it holds, what would mislead, and what its split protects from.

| file | subject |
|---|---|
| examine.py | counts: copies, conflicts, overlap, missing values |
| baseline.py | a plain model on the leak-free and on a careless split |
| subject.py | the set, its default target, both splits |
| sections.py, looks.py | the sections of the page; the one that shows the samples |
| markup.py | HTML, escaped |
"""

from __future__ import annotations

from pathlib import Path

from projectkit.datasets import catalogue
from projectkit.datasets.report.sections import introduction, sections
from projectkit.datasets.report.subject import Subject
from projectkit.errors import WorkError
from projectkit.project import find_project


def default_path(name: str) -> Path:
    """Where the page goes if nothing else is said: `reports/` in the project, else the current folder."""
    project = find_project()
    folder = project.root / "reports" if project else Path.cwd()
    return folder / f"data-{name}.html"


def write_report(name: str, path: Path) -> Path:
    """Write one static page about a data set, which needs nothing beside it; it is fetched where the store lacks it.

    Args:
        name: the data set.
        path: of the page; its folder is made.

    Returns:
        `path`.

    Raises:
        UserError: no data set has this name.
        WorkError: the data cannot be had, or the page cannot be written.
    """
    from projectkit.datasets.report import markup

    subject = Subject.of(catalogue.card(name), catalogue.load(name))
    page = markup.document(subject.card.title, introduction(subject), sections(subject))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkError(
            f"the page cannot be written: {reason}", where=str(path), remedy="give another place with `-o FILE`"
        ) from error
    return path
