"""The poster: a team's Markdown and runs in, one page out, as PDF and PNG.

Content is data from end to end: text becomes a tree, the tree becomes JSON, and the template draws it; nothing a team writes
is evaluated. Numbers and curves come from runs, through `projectkit.runs`, and name them.

| file | subject |
|---|---|
| build.py | `build_poster`: the way through, and the error of a poster that is too long |
| source.py | `poster.yaml` and `sections/*.md` |
| fields.py | YAML keys with their types and places |
| markdown.py | Markdown to a tree |
| directives.py | results, numbers, curves and figures from runs |
| evaluated.py | figures of an evaluation, drawn anew from its document |
| pictures.py | pictures, from inside the project only |
| words.py | where long words may be broken |
| compose.py | all of that to what the typesetter reads |
| fonts.py | the bundled fonts, and what is taken where they lack a character |
| layout.py | which block where, in which size |
| typeset.py | staging, Typst, two passes |
| faults.py | what Typst refuses, in the team's words |
| template.typ | the design and the layout |
| starter.py, starter/ | `init_poster`: what a new project starts with |
"""

from __future__ import annotations

from projectkit.poster.build import Built as Built
from projectkit.poster.build import build_poster as build_poster
from projectkit.poster.starter import init_poster as init_poster

__all__ = ["Built", "build_poster", "init_poster"]
