"""`rendered`: a poster read, composed and laid out, with its typesetter at hand. What build, lint and watch have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from projectkit.poster.source.reading import read_poster
from projectkit.poster.source.values import Poster
from projectkit.poster.typesetting.compose import Composed, compose
from projectkit.poster.typesetting.faults import MissingCharactersError, explained
from projectkit.poster.typesetting.fonts import Fonts, bundled, wider
from projectkit.poster.typesetting.layout import Excess, Layout
from projectkit.poster.typesetting.typesetter import Typesetter
from projectkit.poster.typesetting.warm import Warm
from projectkit.poster.typesetting.worker import Worker
from projectkit.project import Project

ROOM_LEFT = 0.15  # an empty share of a column that is worth a word


@dataclass(frozen=True)
class Rendered:
    """A poster that was laid out.

    Args:
        poster: as its team wrote it.
        composed: with what its directives drew.
        layout: the page; None where the content does not fit.
        excess: by how much it is too long; None where it fits.
        pdf: PDF/A-2a and PDF/UA-1; empty where it does not fit.
        typesetter: gives the page's other files while the context is open; its figures are drawn where there is a layout.
        warnings: what is unfinished, each with its place.
    """

    poster: Poster
    composed: Composed
    layout: Layout | None
    excess: Excess | None
    pdf: bytes
    typesetter: Typesetter
    warnings: tuple[str, ...]

    @property
    def words(self) -> int:
        """In the sections."""
        from projectkit.poster.markup.nodes import plain_text

        return sum(len(plain_text(block).split()) for section in self.poster.sections for block in section.blocks)


@contextmanager
def rendered(folder: Path, project: Project, warm: Warm | None = None) -> Iterator[Rendered]:
    """Read, compose and lay out the poster in `folder`.

    Args:
        folder: holds `poster.yaml` and `sections/`.
        project: whose runs and files it may show.
        warm: what is kept for several builds; the poster has a process of its own where it is None.

    Raises:
        UserError: something in the sources is wrong; with file and line.
    """
    folder = folder.resolve()
    with ExitStack() as stack:
        if warm is None:
            warm = Warm(stack.enter_context(Worker()))  # it gets ready while the sources are read
        poster = read_poster(folder, project.root.resolve())
        composed = compose(poster, project)
        try:
            found = _laid_out(poster, composed, bundled(poster), warm, stack)
        except MissingCharactersError as error:
            words = f"{error.where}: set in a font of this machine, as the bundled ones lack {error.shown}"
            found = _laid_out(poster, composed, wider(bundled(poster)), warm, stack, words)
        yield found


def _laid_out(
    poster: Poster, composed: Composed, fonts: Fonts, warm: Warm, stack: ExitStack, *warnings: str
) -> Rendered:
    from projectkit.figures.fonts import beside

    typesetter = stack.enter_context(Typesetter(composed, fonts, warm))
    said = [*composed.warnings, *warnings]
    stack.enter_context(
        beside(fonts.beside)
    )  # for as long as figures may be drawn: the page draws them in its own size
    with explained(poster, composed.pictures):
        found = typesetter.lay_out()
        if isinstance(found, Excess):
            return Rendered(poster, composed, None, found, b"", typesetter, tuple(said))
        typesetter.draw(found)
        pdf = typesetter.pdf()
    if found.slack > ROOM_LEFT:
        said.append(f"{poster.file}: a column is {found.slack:.0%} empty; add a figure, or more text")
    return Rendered(poster, composed, found, None, pdf, typesetter, tuple(said))
