"""Blocks of a section that draw from runs, so that every number on a poster names where it came from.

| file | subject |
|---|---|
| drawing.py | the table of directives, and `draw` |
| shown.py | `Shown`: a number or a figure, with the run that it came from |
| evaluated.py | figures of an evaluation, drawn anew from its document |
"""
