"""What a section says: Markdown to a tree of plain values, without a word of how it looks.

| file | subject |
|---|---|
| markdown.py | `parse`: blocks; the table of all kinds of nodes |
| spans.py | what stands within a line |
| callouts.py | quotations and call-outs |
| footnotes.py | footnotes, numbered |
| citations.py | citations, numbered, and the list of references |
| bibliography.py | a `.bib` file |
| maths/ | formulas: LaTeX to a tree, and to MathML |
| rules.py | the Markdown that is understood |
| nodes.py | words of nodes, walking through them |
| written.py | where a piece of a text stands, for errors |
| words.py | where long words may be broken |
"""
