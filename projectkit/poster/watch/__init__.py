"""The poster while it is written: built again whenever its sources change, and shown in a browser that follows.

| file | subject |
|---|---|
| watching.py | `watch`: the loop, from a change to what is shown |
| sources.py | the files that a poster is made from, and whether they changed |
| view.py | `View`: the poster as it is at the moment, or what is wrong with it |
| server.py | the local page: loopback only, for this machine's browser only |
| page/ | the page: HTML, CSS, JavaScript |
"""

from __future__ import annotations

from projectkit.poster.watch.view import View as View
from projectkit.poster.watch.watching import watch as watch

__all__ = ["View", "watch"]
