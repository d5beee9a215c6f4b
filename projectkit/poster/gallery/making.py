"""`make_gallery`: from teams' folders to a site, which takes the place of the old one only when it is complete."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import ProjectkitError, UserError, WorkError
from projectkit.poster.gallery.building import AT_ONCE, Failure, build_all
from projectkit.poster.gallery.entry import Entry, read_entry
from projectkit.poster.gallery.frame import ASSETS, asset
from projectkit.poster.gallery.numbers import Hung, hung
from projectkit.poster.gallery.pictures import Picture, pictures
from projectkit.poster.gallery.places import is_current, places
from projectkit.poster.gallery.prints import codes_page, plan_page
from projectkit.poster.gallery.team import team_page
from projectkit.poster.gallery.wall import wall_page
from projectkit.runs.files import replace_folder

_MARK = "gallery.json"  # says that a folder is a site of ours, which may be replaced


@dataclass(frozen=True)
class Gallery:
    """A site that was made.

    Args:
        index: its first page.
        posters: in the order that they hang in.
        failures: posters that are not on it.
        warnings: what else should be known, a line each.
        size: bytes of all files.
    """

    index: Path
    posters: tuple[Hung, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    size: int


def make_gallery(
    folders: Iterable[Path], output: Path, *, title: str = "Posters", say: Callable[[str], None] = lambda _: None
) -> Gallery:
    """Make the site of some posters; those that are not built, or older than their sources, are built first.

    Args:
        folders: each a team's repository, a poster's folder, a folder with what was built, or a folder of such folders.
        output: the site's folder; a site of ours that is there is replaced.
        title: of the session.
        say: is told how far it is, in a few words.

    Raises:
        UserError: the output is a folder with something else in it.
        WorkError: no folder has a poster that can be shown, or the site cannot be written.
    """
    _check_output(output)
    entries, failures = _entries(folders, say)
    say("making pictures")
    shown, more = _pictured(entries)
    failures += more
    if not shown:
        first = f"{failures[0].folder}: {failures[0].message}" if failures else "no folder was given"
        raise WorkError(f"there is no poster to show; {first}")
    posters, warnings = hung([entry for entry, _ in shown])
    drawn = {id(entry): both for entry, both in shown}
    site = _Site([(poster, *drawn[id(poster.entry)]) for poster in posters], title)
    try:
        size = site.replace(output)
    except OSError as error:
        what = f"the site cannot be written: {error.strerror or error}"
        raise WorkError(what, where=str(output), remedy="name another place: --output FOLDER") from error
    return Gallery(output / "index.html", tuple(posters), tuple(failures), tuple(warnings), size)


def _check_output(output: Path) -> None:
    if output.exists() and not (output / _MARK).is_file() and (not output.is_dir() or any(output.iterdir())):
        what = "there is something else than a gallery"
        raise UserError(what, where=str(output), remedy="name another place: --output FOLDER")


def _entries(folders: Iterable[Path], say: Callable[[str], None]) -> tuple[list[Entry], list[Failure]]:
    found = places(folders)
    missing = "there is no poster: no poster/poster.yaml, poster.yaml or poster.json; name a team's repository"
    failures = [Failure(place.name, missing) for place in found if not place.found]
    stale = [place for place in found if place.sources is not None and not is_current(place)]
    failures += build_all(stale, say)
    failed = {failure.folder for failure in failures}
    entries = []
    for place in found:
        if place.name not in failed:
            try:
                entries.append(read_entry(place))
            except (ProjectkitError, OSError) as error:
                failures.append(Failure(place.name, str(error)))
    return entries, failures


def _pictured(entries: Sequence[Entry]) -> tuple[list[tuple[Entry, tuple[Picture, Picture]]], list[Failure]]:
    """The pictures of each poster; threads, as Pillow lets others run while it decodes and encodes."""

    def both(entry: Entry) -> tuple[Picture, Picture] | Failure:
        try:
            return pictures(entry.png)
        except ProjectkitError as error:
            return Failure(entry.folder, str(error))

    with ThreadPoolExecutor(AT_ONCE) as threads:
        made = list(zip(entries, threads.map(both, entries), strict=True))
    shown = [(entry, each) for entry, each in made if not isinstance(each, Failure)]
    return shown, [each for _, each in made if isinstance(each, Failure)]


class _Site:
    """The files of a site."""

    def __init__(self, posters: Sequence[tuple[Hung, Picture, Picture]], title: str) -> None:
        self._posters = posters
        self._title = title

    def replace(self, output: Path) -> int:
        """Write the site beside its place, then put it there; the bytes of it."""
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
            site = Path(scratch) / "site"
            self._write(site)
            size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
            replace_folder(site, output, Path(scratch) / "old")
        return size

    def _write(self, site: Path) -> None:
        hung = [poster for poster, _, _ in self._posters]
        both = [(large, small) for _, large, small in self._posters]
        (site / "assets").mkdir(parents=True)
        for name in ASSETS:
            (site / "assets" / name).write_bytes(asset(name))
        (site / "index.html").write_bytes(wall_page(self._title, hung, both))
        (site / "plan.html").write_bytes(plan_page(self._title, hung))
        (site / "codes.html").write_bytes(codes_page(self._title, hung))
        for index, (poster, large, thumbnail) in enumerate(self._posters):
            folder = site / "teams" / poster.slug
            folder.mkdir(parents=True)
            before = hung[index - 1] if index else None
            after = hung[index + 1] if index + 1 < len(hung) else None
            (folder / "index.html").write_bytes(team_page(self._title, poster, large, before, after))
            (folder / "poster.webp").write_bytes(large.content)
            (folder / "thumbnail.webp").write_bytes(thumbnail.content)
            shutil.copyfile(poster.entry.pdf, folder / "poster.pdf")
        posters = [
            {"number": poster.number, "title": poster.entry.title, "folder": f"teams/{poster.slug}"} for poster in hung
        ]
        listed = json.dumps({"schema": 1, "title": self._title, "posters": posters}, ensure_ascii=False, indent=1)
        (site / _MARK).write_text(listed + "\n", encoding="utf-8", newline="\n")
