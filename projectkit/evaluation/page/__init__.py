"""The static page of an error analysis: `errors/<subset>/index.html` in the run's folder.

It works from a folder, without a script, a server or a network. Texts, names and ids of samples are content: they are made harmless
and escaped in one place, `datasets.report.markup`.

| file | subject |
|---|---|
| content.py | `Content`: all that the page is made from, as plain values |
| sections.py | the sections of the page, in order |
| inputs.py | one sample, by the form of its data, with its attribution |
| drawing.py | pixels as PNG, series and bars as small drawings |
| page.css | what the page adds to the look of the reports |
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from projectkit.datasets.report import markup
from projectkit.evaluation.page.content import Content, Shown
from projectkit.evaluation.page.sections import introduction, sections

__all__ = ["Content", "Shown", "page_html"]


def page_html(content: Content) -> bytes:
    """The whole page, UTF-8."""
    title = f"Mistakes of {content.run} on {content.subset}"
    page = markup.document(title, introduction(content), sections(content), _style())
    return page.encode("utf-8", "backslashreplace")  # a name with half of a character


@cache
def _style() -> str:
    return (files("projectkit.evaluation.page") / "page.css").read_text(encoding="utf-8")
