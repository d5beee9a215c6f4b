"""`View`: the poster as it is at the moment, or what is wrong with it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from projectkit.errors import ProjectkitError
from projectkit.poster.overfull import preview, told
from projectkit.poster.render import Rendered, rendered
from projectkit.poster.typesetting.warm import Warm
from projectkit.project import Project


@dataclass(frozen=True)
class View:
    """What the browser shows.

    Args:
        picture: SVG, or PNG of a poster that is too long; empty before there was one. It stays while the sources are wrong.
        problem: one line; empty where the poster is right.
        warnings: what is unfinished, each with its place.
        words: in the sections.
        scale: size of the text, in points; 0 where it did not fit.
        seconds: that this build took.
    """

    picture: bytes = b""
    problem: str = ""
    warnings: tuple[str, ...] = ()
    words: int = 0
    scale: float = 0.0
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """The picture's media type."""
        return "image/png" if self.picture.startswith(b"\x89PNG") else "image/svg+xml"


def look(folder: Path, project: Project, warm: Warm, before: View) -> View:
    """Build the poster as far as its picture.

    Args:
        folder: holds `poster.yaml` and `sections/`.
        project: whose runs and files it may show.
        warm: what is kept between builds.
        before: whose picture stays where the sources are wrong.
    """
    began = time.perf_counter()
    try:
        with rendered(folder, project, warm) as found:
            view = _view(found)
    except ProjectkitError as error:
        view = replace(before, problem=str(error), warnings=())
    except Exception as error:  # noqa: BLE001 -- a fault of ours must not end what a team writes beside; `build` shows its traceback
        view = replace(
            before, problem=f"{type(error).__name__}: {error}; see `projectkit --debug poster build`", warnings=()
        )
    return replace(view, seconds=time.perf_counter() - began)


def _view(found: Rendered) -> View:
    if found.layout is None:
        return View(preview(found), str(told(found).error()), found.warnings, found.words)
    return View(found.typesetter.svg(), "", found.warnings, found.words, found.layout.size)
