"""What a section says: Markdown to a tree of plain values, without a word of how it looks.

| file | subject |
|---|---|
| markdown.py | Markdown to nodes |
| words.py | where long words may be broken |
"""
