"""From nodes to a page: composed, measured, laid out, drawn.

| file | subject |
|---|---|
| compose.py | a poster's sources, with directives drawn and pictures read, to what the design reads |
| arrangements.py | where columns may stand, and the middle of a billboard |
| widest.py | words that could be wider than a narrow column |
| layout.py | which block where, in which size |
| plan.py | from what was measured to a layout, from a layout to what the design draws |
| typesetter.py | staging and Typst: measuring, then any output |
| worker.py, worker_main.py | Typst in a process of its own, with limits of time and memory; the program that it runs |
| warm.py | what is kept between builds of a poster that is being written |
| printing.py | what a print shop needs in a PDF beyond the page |
| frame.py | what stands around the sections: header, footer, theme, logos |
| fonts.py | the bundled fonts, and what is taken where they lack a character |
| faults.py | what Typst refuses, in the team's words |
| pictures.py | pictures, from inside the project only |
| design/ | the look of a page, in Typst; its content is data and never evaluated |
"""
