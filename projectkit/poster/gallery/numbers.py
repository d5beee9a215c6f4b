"""The numbers that posters hang by, and the names of their folders in the site."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from projectkit.poster.gallery.entry import Entry

_LONGEST = 48  # characters of a folder's name


@dataclass(frozen=True)
class Hung:
    """A poster in its place.

    Args:
        entry: the poster.
        number: that it hangs by.
        slug: the name of its folder in the site.
    """

    entry: Entry
    number: str
    slug: str

    @property
    def anchor(self) -> str:
        """The name of its place on the wall, which none of the page's own elements has."""
        return f"poster-{self.slug}"


def hung(entries: Iterable[Entry]) -> tuple[list[Hung], list[str]]:
    """Give each poster a number and a folder; the order in which they come does not matter.

    A number that a team has is kept. The others get the free ones, in the order of their folders' names; so does the second of two
    with the same number.

    Returns:
        The posters, in the order of their numbers, and a line for each number that was given twice.
    """
    ordered = sorted(entries, key=lambda entry: _natural(entry.path))
    owners: dict[str, Entry] = {}
    warnings = []
    for entry in ordered:
        if entry.number and entry.number in owners:
            first = owners[entry.number]
            warnings.append(f"{entry.folder}: number {entry.number} is {first.folder}'s; it gets another one")
        elif entry.number:
            owners[entry.number] = entry
    kept = {id(entry): number for number, entry in owners.items()}
    free = (str(number) for number in itertools.count(1) if str(number) not in owners)
    slugs = _slugs(ordered)
    placed = [Hung(entry, kept.get(id(entry)) or next(free), slug) for entry, slug in zip(ordered, slugs, strict=True)]
    return sorted(placed, key=lambda each: _natural(each.number)), warnings


def _natural(text: str) -> list[tuple[int, int, str]]:
    """`team-9` before `team-10`."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _slugs(entries: Sequence[Entry]) -> list[str]:
    """A folder's name for each: its title in plain letters, so that an address stays when a poster is added."""
    taken: set[str] = set()
    slugs = []
    for entry in entries:
        base = _plain(entry.title)
        if len(base) < 5:  # another script, which has no plain letters; CON and AUX, which are no folders on Windows
            base = f"poster-{base or _plain(entry.team) or _plain(PurePosixPath(entry.path).name)}".rstrip("-")
        slug = next(name for name in _candidates(base) if name not in taken)
        taken.add(slug)
        slugs.append(slug)
    return slugs


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    words = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
    whole = words if len(words) <= _LONGEST else words[: _LONGEST + 1].rpartition("-")[0]
    return whole or words[:_LONGEST]


def _candidates(base: str) -> Iterable[str]:
    return itertools.chain([base], (f"{base}-{count}" for count in itertools.count(2)))
