"""Where a page lies, and how it is written: at once, and again while a run goes on.

The page of a run lies in the run's folder. Where that cannot be written, or is committed (`results/`), and for several runs, it lies in
`reports/runs/`, which git leaves alone.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from projectkit.errors import WorkError
from projectkit.project import Project
from projectkit.runs.files import atomic_write, to_json
from projectkit.runs.page.content import Content
from projectkit.runs.page.html import data_js, index_html, single_html
from projectkit.runs.reader import Run

EVERY_S = 2.0  # between two looks at a run that goes on
_AT_LEAST_S = (
    10.0  # a page that shows the same is written again after this, so that it can say that somebody looks after it
)


class Page:
    """The page of some runs.

    Args:
        runs: one, or several that are overlaid.
        project: whose runs they are.
    """

    def __init__(self, runs: Sequence[Run], project: Project) -> None:
        self._content = Content(runs)
        self._folders = _folders(runs, project)
        self._written: tuple[float, bytes] | None = None

    @property
    def path(self) -> Path:
        """The page, once it has been written."""
        return self._folders[0] / "index.html"

    @property
    def running(self) -> bool:
        """Whether one of the runs goes on."""
        return self._content.running

    def write(self, *, live: bool) -> None:
        """Write the page whole.

        Args:
            live: whether `follow` will write it again; the page looks for news only then.

        Raises:
            WorkError: no folder for it can be written.
        """
        data = data_js(self._content.document(live=live and self.running))
        while True:
            folder = self._folders[0]
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if folder.parent.name == "runs" and folder.parent.parent.name == "reports":
                    # a repository from an older template may not leave reports/ out
                    atomic_write(folder.parent / ".gitignore", b"*\n")
                atomic_write(folder / "data.js", data)
                atomic_write(folder / "index.html", index_html())
            except OSError as error:
                if len(self._folders) == 1:
                    raise _cannot(folder, error) from error
                self._folders = self._folders[1:]  # another's run, or a disk that is read-only
            else:
                return

    def follow(self, *, every_s: float = EVERY_S, sleep: Callable[[float], None] = time.sleep) -> None:
        """Bring the page up to date until no run goes on any more; the last time it says so.

        Raises:
            WorkError: the page cannot be written any more.
        """
        while self.running:
            sleep(every_s)
            document = self._content.document(live=True)
            document["live"] = self.running
            shown = hashlib.sha256(to_json({**document, "written": 0})).digest()
            now = time.monotonic()
            if self._written is None or shown != self._written[1] or now - self._written[0] >= _AT_LEAST_S:
                try:
                    atomic_write(self.path.with_name("data.js"), data_js(document))
                except OSError as error:
                    raise _cannot(self.path.parent, error) from error
                self._written = (now, shown)


def write_single(runs: Sequence[Run], file: Path) -> None:
    """Write a page with everything in one file, as the runs are now.

    Raises:
        WorkError: the file cannot be written.
    """
    try:
        atomic_write(file, single_html(Content(runs).document(live=False)))
    except OSError as error:
        raise WorkError(
            f"cannot be written: {error.strerror or error}",
            where=str(file),
            remedy="name another place: --output FILE.html",
        ) from error


def _folders(runs: Sequence[Run], project: Project) -> list[Path]:
    """Where the page may lie, the best place first."""
    reports = project.root / "reports" / "runs"
    if len(runs) > 1:
        digest = hashlib.sha256("\n".join(run.id for run in runs).encode("utf-8")).hexdigest()
        return [reports / f"overlaid-{digest[:8]}"]
    run = runs[0]
    own = [] if run.path.parent == project.results.resolve() else [run.path / "page"]
    return [*own, reports / run.id]


def _cannot(folder: Path, error: OSError) -> WorkError:
    remedy = "write one file elsewhere with `projectkit runs open RUN --output FILE.html`"
    return WorkError(f"the page cannot be written: {error.strerror or error}", where=str(folder), remedy=remedy)
