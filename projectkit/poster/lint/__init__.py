"""A look at a poster before it is printed: what cannot be read, what is old, what was left unfinished.

| file | subject |
|---|---|
| linting.py | `lint_poster`: all checks, one typesetting |
| checks.py | the table of checks |
| proof.py | `Proof`: what a check looks at: sources, layout, pages, runs |
| printed.py | sizes of letters and of pictures, read from the PDF |
| passages.py | headings, paragraphs, cells and captions, each with its place |
| wording.py | words that checks look for, by language |
| fit.py | too long, too empty |
| sizes.py | type against the distance from which it is read |
| length.py | how many words, on the sheet and in a paragraph |
| resolution.py | pixels an inch, in print |
| figures.py | type inside figures, colours that look alike to some |
| contrast.py | the theme's colours on each other |
| qr.py | the QR code: can it be read, does it lead to the repository |
| alternatives.py | alternative texts |
| numbers.py | numbers typed by hand, against the runs |
| headings.py | headings that only name a chapter |
| required.py | sections that the course asks for |
| people.py | title and authors |
| links.py | addresses |
| unfinished.py | what is still the starter's, or missing |
| kept.py | runs that a clone of the repository has not |
| built.py | files of an earlier build |
| said.py | what directives and typesetting have to say |
"""

from __future__ import annotations

from projectkit.poster.lint.linting import lint_poster as lint_poster

__all__ = ["lint_poster"]
