"""`Proof`: a poster as the checks see it, with what is expensive made once and only when a check asks."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projectkit.findings import Finding, Status
from projectkit.poster.lint.passages import Passage, passages
from projectkit.poster.lint.printed import Printed, read_pdf
from projectkit.poster.render import Rendered
from projectkit.poster.source.fields import Fields, read_fields
from projectkit.project import Project
from projectkit.runs import Run, find_run

if TYPE_CHECKING:
    from PIL.Image import Image

_PPI_AT_A_METRE = 54  # what a phone makes of a poster from where its reader stands: 36 an inch from 1.5 m


@dataclass(frozen=True)
class Proof:
    """A poster to be looked at.

    Args:
        found: read, composed, laid out; its typesetter is open.
        project: whose runs it shows.
    """

    found: Rendered
    project: Project

    @functools.cached_property
    def passages(self) -> tuple[Passage, ...]:
        """Every block that holds words, directives drawn."""
        return tuple(passages(self.found.composed.sections))

    @functools.cached_property
    def printed(self) -> Printed:
        """Letters and pictures with their sizes on the sheet; nothing where the content does not fit."""
        return read_pdf(self.found.pdf) if self.found.pdf else Printed((), ())

    @functools.cached_property
    def _fields(self) -> Fields:
        """The keys of poster.yaml with their places."""
        poster = self.found.poster
        return read_fields((poster.folder / "poster.yaml").read_text(encoding="utf-8-sig"), poster.file)

    def place(self, key: str) -> str:
        """File and line of a key of poster.yaml, of the file where it was not written."""
        marks = self._fields.marks
        return marks.get(key) or marks.get(key.partition(".")[0]) or self.found.poster.file

    def is_written(self, key: str) -> bool:
        """Whether poster.yaml has the key, as some follow from others."""
        return self._fields.take(key) is not None

    @functools.cached_property
    def runs(self) -> tuple[tuple[Run, str], ...]:
        """Every run that the poster shows something of, with the first place that does."""
        places: dict[str, str] = {}
        for shown in self.found.composed.shown:
            for run_id in (shown.run, *shown.mean_of):
                places.setdefault(run_id, shown.where)
        return tuple((find_run(run_id, self.project), where) for run_id, where in places.items())

    @property
    def ppi(self) -> float:
        """Pixels an inch of `picture`: 36 on A0, and more on a smaller sheet, which is read from nearer."""
        return _PPI_AT_A_METRE / self.found.poster.sheet.distance_m

    @functools.cached_property
    def picture(self) -> Image | None:
        """The page as a phone sees it, in greys; None where the content does not fit."""
        from PIL import Image

        if self.found.layout is None:
            return None
        return Image.open(io.BytesIO(self.found.typesetter.png(self.ppi))).convert("L")


def finding(name: str, status: Status, where: str, message: str, advice: str = "", **evidence: object) -> Finding:
    """A finding with its evidence as keywords."""
    return Finding(name, status, where, message, advice, evidence)
