"""A poster that does not fit: how many lines are too many, where they stand, and which cuts would do.

Every cut that is named was tried: the layout was made anew without it, at the smallest size of text that can be read. A cut is a number
of lines of one section, a figure or a table, two of them, or lines of every section in proportion to its length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from projectkit.errors import WorkError
from projectkit.poster.markup.nodes import walk
from projectkit.poster.render import Rendered
from projectkit.poster.source.sheets import MM_PER_INCH, POINTS_PER_INCH
from projectkit.poster.typesetting.layout import LINE_PITCH, Excess, Join, fits

_MOST_CUTS = 3
_TRIED = 12  # of the tallest figures and tables: pairs of them are 66 layouts
_PPI, _MOST_PIXELS = 50, 9e6
_NO_CUT = "cut more than half of it: this is the content of several posters"
_SEVERAL = 4.0  # pages: nobody gets there by counting lines
_GAPS = 3  # times the lines that are too many: where the least cut takes more, it is for want of a place
_HEADING_LINES = 3.0  # what stays where a block is taken out from below a heading
# What can only be taken out whole, with its name; all else is text, of which lines can be cut.
_WHOLE = {
    "figure": "figure",
    "missing": "placeholder",
    "row": "row",
    "table": "table",
    "results": "table",
    "numbers": "numbers",
    "card": "data card",
    "badge": "audit",
    "count": "count",
    "qr": "QR code",
    "equation": "equation",
}

# What is wider than a column, and what to do with it; in a block without any of these it is a word.
_LONG_FORMULA = 40  # characters of LaTeX: a shorter one fits every column, as the design has it
_WIDE = {
    "table": ("this table", "give it fewer or shorter columns"),
    "results": ("this table", "give it fewer or shorter columns"),
    "math": ("a formula here", "give it lines of its own, between lines $$"),
    "equation": ("this formula", r"divide it into lines with \begin{aligned} ... \end{aligned}"),
}


@dataclass(frozen=True)
class Overfull:
    """By how much a poster is too long, and what would help.

    Args:
        lines: too many.
        share: of the page that the content needs, above 1.
        sections: name of each section -> its lines.
        cuts: each would do by itself, the smallest first; in words, such as "cut 12 lines of poster/sections/30-method.md".
        where: the place of a block that does not fit by itself; poster.yaml where it is the whole.
        block: what is wrong with that block, empty where it is the whole.
        gaps: whether large blocks leave so much of the columns empty that more must go than the content is too long.
    """

    lines: int
    share: float
    sections: Mapping[str, int]
    cuts: tuple[str, ...]
    where: str
    block: str
    gaps: bool = False

    @property
    def what(self) -> str:
        """By how much, in a line."""
        if self.block:
            return self.block
        why = ", as large blocks leave gaps in the columns" if self.gaps else ""
        longest = max(self.sections, key=lambda name: self.sections[name])
        return (
            f"the content needs {self.share:.0%} of the page at the smallest size that can be read: "
            f"about {_lines(self.lines)} too many{why}; longest is {longest} with {self.sections[longest]}"
        )

    @property
    def remedy(self) -> str:
        """The cuts, in a line."""
        return ", or ".join(self.cuts)

    def error(self) -> WorkError:
        """To be raised by the caller."""
        return WorkError(self.what, where=self.where, remedy=self.remedy)


def told(found: Rendered) -> Overfull:
    """What is too much in a poster that does not fit.

    Args:
        found: with `excess`.
    """
    excess = found.excess
    assert excess is not None
    atoms = found.composed.document["atoms"]
    sections: dict[str, float] = {}
    for atom, height in zip(atoms, excess.heights, strict=True):
        sections[atom["file"]] = sections.get(atom["file"], 0.0) + height
    where, block = found.poster.file, ""
    cuts: tuple[str, ...]
    lines, gaps = excess.lines, False
    if excess.wide is not None:
        where = _place(atoms[excess.wide])
        nodes = walk(atoms[excess.wide]["blocks"])
        kinds = {node["kind"] for node in nodes if node["kind"] != "math" or len(node["source"]) >= _LONG_FORMULA}
        what, cut = next((_WIDE[kind] for kind in _WIDE if kind in kinds), ("a word here", "write it shorter"))
        block = f"{what} is wider than a column of the poster"
        cuts = (cut, *_fewer_columns(excess))
    elif excess.tall is not None:
        where, block = _place(atoms[excess.tall]), _too_tall(atoms[excess.tall], excess)
        cuts = ("shorten it, or split it in two", "see poster-overfull.png")
    elif excess.share > _SEVERAL:
        cuts = (_NO_CUT,)
    else:
        found_cuts = _Cuts(atoms, excess).best()
        cuts = tuple(words for _, words in found_cuts) or (_NO_CUT,)
        if found_cuts and found_cuts[0][0] > _GAPS * lines:
            lines, gaps = round(found_cuts[0][0]), True
    each = {name: round(height) for name, height in sections.items()}
    return Overfull(lines, excess.share, each, cuts, where, block, gaps)


def preview(found: Rendered) -> bytes:
    """The poster as PNG on a page that is long enough, with a line where the sheet ends.

    Args:
        found: with `excess`; its typesetter draws that page from now on.
    """
    excess, page = found.excess, found.composed.document["page"]
    assert excess is not None
    much = told(found)
    trouble = much.block or f"about {_lines(much.lines)} too many"
    notice = f"OVERFULL: {trouble}. What stands below the red line runs off the sheet."
    found.typesetter.draw(excess.layout, over=excess.over, notice=notice)
    inches = page["width"] / MM_PER_INCH * (page["height"] / MM_PER_INCH + excess.over / POINTS_PER_INCH)
    return found.typesetter.png(min(_PPI, (_MOST_PIXELS / inches) ** 0.5))


def _fewer_columns(excess: Excess) -> Iterator[str]:
    count = len(excess.option.arrangements[0].areas)
    if count > 1:
        yield f"write columns: {count - 1} in poster.yaml"


def _too_tall(atom: Mapping[str, Any], excess: Excess) -> str:
    assert excess.tall is not None
    rung, column = excess.option.smallest, max(area.height for one in excess.option.arrangements for area in one.areas)
    pitch = rung.size * LINE_PITCH
    has, room = rung.least[excess.tall] / pitch, column / pitch
    return (
        f"this {_named(atom)} is taller than a column by itself, at the smallest size that can be read: "
        f"{has:.0f} lines, where {room:.0f} have room"
    )


def _named(atom: Mapping[str, Any]) -> str:
    return _WHOLE.get(_main(atom)["kind"], "text")


def _main(atom: Mapping[str, Any]) -> Mapping[str, Any]:
    """The block that is meant: a heading, or a sentence with a colon, may stand before it."""
    found: Mapping[str, Any] = atom["blocks"][-1]
    return found


def _place(atom: Mapping[str, Any]) -> str:
    return f"{atom['file']}:{_main(atom)['line']}"


class _Cuts:
    """The search for cuts that would do; each has a loss, in lines."""

    def __init__(self, atoms: Sequence[Mapping[str, Any]], excess: Excess) -> None:
        self._atoms = atoms
        self._option = excess.option
        self._heights = list(excess.option.smallest.least)
        self._pitch = excess.option.smallest.size * LINE_PITCH
        self._files = list(dict.fromkeys(atom["file"] for atom in atoms))
        whole = {index for index, atom in enumerate(atoms) if _main(atom)["kind"] in _WHOLE}
        self._whole = sorted(whole, key=lambda index: -self._heights[index])[:_TRIED]
        self._text = [index for index in range(len(atoms)) if index not in whole]

    def best(self) -> list[tuple[float, str]]:
        """The smallest of each sort with its lines, the smallest of all first; empty where none would do."""
        sorts: list[Iterator[tuple[float, str]]] = [self._of_one_section(), self._of_one_block(), self._everywhere()]
        found = [min(cuts) for cuts in map(list, sorts) if cuts]
        if len(found) < _MOST_CUTS:
            found += sorted(self._of_a_block_and_text())[:1]
        if len(found) < _MOST_CUTS:
            found += sorted(self._of_two_blocks())[:1]
        return sorted(found)[:_MOST_CUTS]

    def _of_one_section(self) -> Iterator[tuple[float, str]]:
        for file in self._files:
            lines = self._fewest([file], frozenset())
            if lines:
                yield lines, f"cut {_lines(lines)} of {file}"

    def _of_one_block(self) -> Iterator[tuple[float, str]]:
        for index in self._whole:
            if self._fits(frozenset({index})):
                yield self._loss(index), f"take out {self._block(index)}"

    def _everywhere(self) -> Iterator[tuple[float, str]]:
        lines = self._fewest(self._files, frozenset())
        if lines:
            spare = self._spares(self._files)
            total = sum(spare.values())
            shares = dict.fromkeys(self._files, 0.0)
            for index, one in spare.items():
                shares[self._atoms[index]["file"]] += lines * one / total
            whole = {file.rpartition("/")[2]: math.ceil(share) for file, share in shares.items() if share > 0}
            parts = ", ".join(f"{count} of {name}" for name, count in whole.items())
            yield lines, f"cut {_lines(sum(whole.values()))} in all: {parts}"

    def _of_a_block_and_text(self) -> Iterator[tuple[float, str]]:
        for index in self._whole:
            alone = self._fits(frozenset({index}))
            lines = 0 if alone else self._fewest(self._files, frozenset({index}))
            if lines:
                yield self._loss(index) + lines, f"take out {self._block(index)} and cut {_lines(lines)} in all"

    def _of_two_blocks(self) -> Iterator[tuple[float, str]]:
        needed = [index for index in self._whole if not self._fits(frozenset({index}))]
        for one, other in combinations(needed, 2):
            if self._fits(frozenset({one, other})):
                yield self._loss(one) + self._loss(other), f"take out {self._block(one)} and {self._block(other)}"

    def _loss(self, index: int) -> float:
        return self._heights[index] / self._pitch

    def _block(self, index: int) -> str:
        return f"the {_named(self._atoms[index])} at {_place(self._atoms[index])}"

    def _fewest(self, files: Sequence[str], gone: frozenset[int]) -> int:
        """The fewest lines to be cut from the text of these sections, in proportion; 0 where none, or no number, would do."""
        spare = self._spares(files)
        total = sum(spare.values())

        def would_do(lines: int) -> bool:
            cut = {index: lines * self._pitch * one / total for index, one in spare.items()}
            return self._fits(gone, cut)

        low, high = 0, int(total / self._pitch)
        if high == 0 or not would_do(high):
            return 0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if would_do(middle) else (middle, high)
        return high

    def _spares(self, files: Sequence[str]) -> dict[int, float]:
        """The points of each text that can be cut: its heading stays, and a line below it."""
        spares = {}
        for index in self._text:
            if self._atoms[index]["file"] in files:
                lines = 0.0 if len(self._atoms[index]["blocks"]) == 1 else _HEADING_LINES
                spares[index] = max(self._heights[index] - lines * self._pitch, 0.0)
        return spares

    def _fits(self, gone: frozenset[int], cut: Mapping[int, float] | None = None) -> bool:
        joins: list[Join] = []
        heights, carried = [], False  # a section whose first block is gone starts with the next one
        for index, atom in enumerate(self._atoms):
            carried = carried or atom["join"] == "section"
            height = self._heights[index] - (cut or {}).get(index, 0.0)
            if index in gone:
                if len(atom["blocks"]) == 1:
                    continue
                height = min(height, _HEADING_LINES * self._pitch)
            joins.append("section" if carried else atom["join"])
            heights.append(height)
            carried = False
        return bool(heights) and fits(joins, heights, self._option)


def _lines(count: int) -> str:
    return f"{count} lines" if count != 1 else "a line"
