"""Where posters lie: a team's repository, a poster's folder, or a folder that only holds what was built."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FILES = ("poster.json", "poster.pdf", "poster.png")  # what the wall needs of a built poster


@dataclass(frozen=True)
class Place:
    """A folder that a poster was looked for in.

    Args:
        name: as errors show it.
        within: nothing outside it is read.
        build: holds `poster.json` and what belongs to it, or will.
        sources: holds `poster.yaml`; None where a poster came without what it was made from, or there is none.
    """

    name: str
    within: Path
    build: Path
    sources: Path | None

    @property
    def found(self) -> bool:
        """Whether there is a poster, built or not."""
        return self.sources is not None or (self.build / "poster.json").is_file()


def places(folders: Iterable[Path]) -> list[Place]:
    """The posters of some folders, each once.

    Args:
        folders: each a team's repository, a poster's folder, a folder with `poster.json`, or a folder of such folders.
    """
    found: dict[Path, Place] = {}
    for folder in folders:
        here = _place(folder)
        below = [] if here.found else [place for place in map(_place, _subfolders(folder)) if place.found]
        for place in below or [here]:
            found.setdefault(Path(os.path.realpath(place.build)), place)  # `resolve` fails in a loop of links
    return list(found.values())


def is_current(place: Place) -> bool:
    """Whether all files are there, and none of what they were built from is newer."""
    files = [place.build / name for name in FILES]
    if not all(file.is_file() for file in files):
        return False
    if place.sources is None:
        return True
    built = min(file.stat().st_mtime_ns for file in files)
    return all(source.stat().st_mtime_ns <= built for source in _inputs(place))


def _place(folder: Path) -> Place:
    for top in (folder / "poster", folder):
        if (top / "poster.yaml").is_file():
            return Place(str(folder), folder, top / "build", top)
        if (top / "build" / "poster.json").is_file():
            return Place(str(folder), folder, top / "build", None)
    return Place(str(folder), folder, folder, None)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _inputs(place: Place) -> Iterator[Path]:
    """The files of the poster's project, of which a poster may show any; not the hidden ones, nor what was built."""
    assert place.sources is not None
    project = place.sources.parent
    for folder, names, files in os.walk(project if (project / "pyproject.toml").is_file() else place.sources):
        here = Path(folder)
        names[:] = [name for name in names if name[0] != "." and name != "__pycache__" and here / name != place.build]
        yield from (here / name for name in files if (here / name).is_file())
