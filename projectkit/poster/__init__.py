"""The poster: a team's Markdown and runs in, one page out; lint, which looks at it as the hall will; the wall of all posters.

Content is data from end to end: text becomes a tree, the tree becomes JSON, and the design draws it; nothing a team writes
is evaluated. Numbers and curves come from runs, through `projectkit.runs`, and name them.

| file | subject |
|---|---|
| render.py | `rendered`: read, composed, laid out; what build, lint and watch have in common |
| build.py | `build_poster`: the files |
| overfull.py | a poster that does not fit: how many lines too many, and cuts that would do |
| source/ | `poster.yaml` and `sections/*.md`, as plain values |
| markup/ | Markdown to a tree |
| addresses.py | how addresses begin |
| directives/ | results, numbers, curves, figures from runs |
| themes/ | colours, fonts, logos, arrangement |
| typesetting/ | the tree to a page, in Typst |
| outputs/ | what a build gives beside the PDF: the page, pictures, `poster.json` |
| watch/ | `watch`: the poster in the browser while it is written |
| lint/ | `lint_poster`: what fails on the day |
| gallery/ | all posters of a course, as a site |
| starter.py, starter/ | `init_poster`: what a new project starts with |
"""

from __future__ import annotations

from projectkit.poster.build import Built as Built
from projectkit.poster.build import build_poster as build_poster
from projectkit.poster.starter import init_poster as init_poster

__all__ = ["Built", "build_poster", "init_poster"]
