"""Where posters lie: a team's repository, a poster's folder, or a folder that only holds what was built."""

from __future__ import annotations

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
            found.setdefault(place.build.resolve(), place)
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
    """The poster's own files and the kept runs; runs that were not kept may be of another machine."""
    assert place.sources is not None
    for top in (place.sources, place.sources.parent / "results"):
        for path in top.rglob("*"):
            if path.is_file() and place.build not in path.parents:
                yield path
