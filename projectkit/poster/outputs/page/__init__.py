"""The poster as a page that reads well on a phone: one file of HTML, for the address behind the QR code.

It works from a folder, without a script, a server or a network: pictures and drawings lie inside it. What a team writes is escaped in
one place, `markup.py`.

| file | subject |
|---|---|
| document.py | `page`: title, authors, sections, links around what the nodes give |
| nodes.py | a node of the tree to HTML |
| pictures.py | figures as the poster has them, photographs made small |
| markup.py | escaped text, elements |
| colours.py | the theme's colours on light and on dark, with enough contrast |
| page.css | the look |
"""

from __future__ import annotations

from projectkit.poster.outputs.page.document import page as page

__all__ = ["page"]
