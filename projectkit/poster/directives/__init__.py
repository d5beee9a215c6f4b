"""Blocks of a section that draw from runs, so that every number on a poster names where it came from.

| file | subject |
|---|---|
| table.py | the table of directives, and `draw` |
| results.py | `results`, `numbers` |
| figure.py | `figure`, `curves` |
| evaluated.py | figures of an evaluation, drawn anew from its document |
| drawings.py | figures that are drawn once the layout knows their size |
| found.py | the runs and evaluations that a directive names |
| shown.py | `Shown`: a number or a figure, with the run that it came from |
"""
