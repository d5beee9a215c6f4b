"""A page about one run, or several overlaid: `projectkit runs open`. It works from a folder, without a server and without a network.

| file | subject |
|---|---|
| content.py | what the page says, as one document |
| curves.py, thinning.py | the metrics, read as they grow; at most about 2,000 points a curve |
| html.py | the document and the assets as files |
| writing.py | where the page lies, writing it, and writing it again while a run goes on |
| assets/ | the page's own HTML, styles and scripts: numbers, a chart, panels of charts, sections, the page |
"""

from __future__ import annotations

from projectkit.runs.page.writing import Page as Page
from projectkit.runs.page.writing import write_single as write_single

__all__ = ["Page", "write_single"]
