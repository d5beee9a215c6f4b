"""Posters built in processes of their own, so that one that hangs, or needs too much, is named and the others go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from projectkit.errors import UserError
from projectkit.poster.gallery.places import Place
from projectkit.project import find_project

_DEADLINE_S = 180.0  # of one poster; an A0 takes about two seconds
AT_ONCE = max(1, min(4, os.cpu_count() or 1))  # builds, or decoded pictures: an A0 takes 110 MB
_RUNS = "PROJECTKIT_RUNS"  # of one team: it would be taken for every team's


@dataclass(frozen=True)
class Failure:
    """A poster that is not on the wall.

    Args:
        folder: as it was given.
        message: one line, with what to do.
    """

    folder: str
    message: str


def build_all(places: Sequence[Place], say: Callable[[str], None]) -> list[Failure]:
    """Build the posters at these places.

    Args:
        places: with sources.
        say: is told how far it is.

    Returns:
        What failed, in their order.
    """
    failures = []
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for count, (place, message) in enumerate(zip(places, threads.map(_build, places), strict=True), start=1):
            say(f"building posters: {count} of {len(places)}")
            if message:
                failures.append(Failure(place.name, message))
    return failures


def _build(place: Place) -> str:
    """Empty, or why it failed."""
    assert place.sources is not None
    sources = place.sources.resolve()
    try:
        project = find_project(sources)
    except UserError as error:
        return str(error)
    if project is None:
        return (
            "its folder is in no project, so that nothing can be built; hand in the built poster with its poster.json"
        )
    environment = {name: value for name, value in os.environ.items() if name != _RUNS} | {"PYTHONUTF8": "1"}
    # -P: what a team has in its folder must not be imported in place of what we need
    command = [sys.executable, "-P", "-m", "projectkit", "poster", "build", str(sources)]
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=project.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_DEADLINE_S,
        )
    except subprocess.TimeoutExpired:
        return f"the build took longer than {_DEADLINE_S:.0f} s; run `projectkit poster build` there"
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    said = lines[-1].removeprefix("projectkit: ") if lines else f"the build ended with status {done.returncode}"
    return said
