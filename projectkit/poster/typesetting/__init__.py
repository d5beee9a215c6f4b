"""From nodes to a page: composed, measured, laid out, drawn.

| file | subject |
|---|---|
| compose.py | a poster's sources, with directives drawn and pictures read, to what the design reads |
| layout.py | which block where, in which size |
| typesetter.py | staging and Typst: measuring, then any output |
| frame.py | what stands around the sections: header, footer, theme, logos |
| fonts.py | the bundled fonts, and what is taken where they lack a character |
| faults.py | what Typst refuses, in the team's words |
| pictures.py | pictures, from inside the project only |
| design/ | the look of a page, in Typst; its content is data and never evaluated |
"""
