"""`watch`: the poster is built again whenever its sources change, and the browser is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from projectkit.poster.typesetting.warm import Warm
from projectkit.poster.watch.server import Server
from projectkit.poster.watch.sources import Snapshot, changed, snapshot
from projectkit.poster.watch.view import View, look
from projectkit.project import Project

_LOOK_S = 0.1
_SETTLE_S = 0.03  # an editor that writes a file in two steps is through with it


def watch(
    folder: Path,
    project: Project,
    *,
    port: int,
    opened: Callable[[str], object],
    built: Callable[[View], object],
    stop: threading.Event | None = None,
) -> None:
    """Show the poster in `folder` on a local page, which follows every change, until Ctrl-C or `stop`.

    A change of the text alone is shown at once, roughly (see `typesetting/warm.py`), and exactly as soon as nobody types.

    Args:
        folder: holds `poster.yaml` and `sections/`.
        project: whose runs and files it may show.
        port: the first that is tried.
        opened: is given the page's address when it can be opened.
        built: is given each view.
        stop: ends it.

    Raises:
        WorkError: none of the ports can be had.
    """
    folder = folder.resolve()
    stop = stop or threading.Event()
    warm = Warm()
    with closing(Server(port)) as server, warm.worker:
        opened(server.address)
        view, seen = View(), snapshot(folder, project)
        while True:
            view = look(folder, project, warm, view)
            server.show(view)
            built(view)
            if warm.was_rough and snapshot(folder, project) == seen:
                warm.rough = warm.was_rough = False  # nobody has typed since: now exactly
                continue
            ahead = _next(folder, project, seen, stop)
            if ahead is None:
                return
            paths, seen = ahead
            warm.was_rough, warm.rough = False, all(path.endswith(".md") for path in paths)
            if not warm.rough:
                warm.forget()


def _next(folder: Path, project: Project, seen: Snapshot, stop: threading.Event) -> tuple[set[str], Snapshot] | None:
    """Wait for a change: which files, and the state after it; None when it is time to stop."""
    while not stop.wait(_LOOK_S):
        now = snapshot(folder, project)
        if now == seen:
            continue
        while not stop.wait(_SETTLE_S):
            settled = snapshot(folder, project)
            if settled == now:
                return changed(seen, now), now
            now = settled
    return None
