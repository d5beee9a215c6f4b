"""Blocks of a section that draw from runs, so that every number on a poster names where it came from.

| file | subject |
|---|---|
| table.py | the table of directives, and `draw` |
| results.py | `results`, `numbers` |
| cells.py | numbers as they are printed: of one run, or the mean of several |
| value.py, captions.py | numbers inside a sentence; captions |
| card.py, audit.py, ledger.py | `data-card`, `audit`, `ledger` |
| qr.py | `qr` |
| figure.py, diagram.py, differences.py | `figure`, `curves`; `diagram`; `differences` |
| evaluated.py | figures of an evaluation, drawn anew from its document |
| drawings.py | figures that are drawn once the layout knows their size |
| found.py | the runs and evaluations that a directive names |
| age.py | what is older than its run |
| shown.py | `Shown`: a number or a figure, with the run that it came from |
"""
