"""`build_poster`: from a team's poster folder to all of its files; or to an error, which leaves the old ones where they were."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import UserError, WorkError
from projectkit.poster.outputs.page import page
from projectkit.poster.outputs.previews import previews
from projectkit.poster.outputs.screen import own_layout, pixels
from projectkit.poster.outputs.summary import summary
from projectkit.poster.overfull import preview, told
from projectkit.poster.render import Rendered, rendered
from projectkit.poster.source.files import lies_in
from projectkit.poster.typesetting.warm import Warm
from projectkit.poster.typesetting.worker import Worker
from projectkit.project import Project
from projectkit.runs import atomic_write

_OVERFULL = "poster-overfull.png"  # what a build that failed may have left


@dataclass(frozen=True)
class Built:
    """A poster that was built.

    Args:
        files: what was written, the PDF first.
        words: in the sections.
        scale: size of the text, in points.
        columns: how many.
        slack: the empty share of the emptiest column, 0 to 1.
        warnings: what is unfinished, each with its place.
    """

    files: tuple[Path, ...]
    words: int
    scale: float
    columns: int
    slack: float
    warnings: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.files[0].parent

    @property
    def pdf(self) -> Path:
        """One page, PDF/A-2a and PDF/UA-1."""
        return self.folder / "poster.pdf"

    @property
    def png(self) -> Path:
        """The same at 100 pixels an inch."""
        return self.folder / "poster.png"


def build_poster(folder: Path, project: Project, output: Path | None = None, *, warm: Warm | None = None) -> Built:
    """Build the poster in `folder`: all of its files, or none.

    | file | what it is for |
    |---|---|
    | `poster.pdf` | the archive, screens, screen readers: PDF/A-2a, PDF/UA-1 |
    | `poster-print.pdf` | the print shop: 3 mm of bleed, crop marks, TrimBox and BleedBox |
    | `poster.html` | the phone behind the QR code |
    | `poster.png` | looking at it: 100 pixels an inch |
    | `poster-screen.png` | the hall's screen, 16:9, laid out for it where that can be read |
    | `thumbnail.png` | a list of posters, at most 320 x 256 |
    | `poster.json` | the wall, lint: what the poster says, and of which runs |

    Args:
        folder: holds `poster.yaml` and `sections/`.
        project: whose runs and files it may show.
        output: the folder for the files; `build/` in the poster's folder where it is None.
        warm: what is kept for several builds; the poster has a typesetting process of its own where it is None.

    Raises:
        UserError: something in the sources is wrong; with file and line.
        WorkError: it does not fit on one page at a size that can be read, with the cuts that would do, and `poster-overfull.png` shows
            what runs off; or it met a limit.
    """
    with Worker() as second, rendered(folder, project, warm) as found:
        target = output or _inside(found.poster.folder / "build", project)
        if found.layout is None or found.excess is not None:
            picture = preview(found)
            with _writing(target):
                atomic_write(target / _OVERFULL, picture)
            raise told(found).error()
        _replace_all(target, _files(found, project, second))
        with _writing(target):
            (target / _OVERFULL).unlink(missing_ok=True)
        return Built(
            files=tuple(target / name for name in FILES),
            words=found.words,
            scale=found.layout.size,
            columns=len(found.layout.columns),
            slack=found.layout.slack,
            warnings=found.warnings,
        )


FILES = (
    *("poster.pdf", "poster-print.pdf", "poster.html"),
    *("poster.png", "poster-screen.png", "thumbnail.png", "poster.json"),
)


def _inside(folder: Path, project: Project) -> Path:
    """The team's own folder for the files: who builds the posters of others must not be led elsewhere by a link."""
    if not lies_in(folder, project.root):
        where = f"{folder.parent.name}/{folder.name}"
        raise UserError(
            "leads out of the project", where=where, remedy="remove the link, or name a folder: --output FOLDER"
        )
    return folder


def _files(found: Rendered, project: Project, second: Worker) -> dict[str, bytes]:
    """Name -> content. The page is written here while two typesetting processes draw the rest."""
    sheet, typesetter = found.poster.sheet, found.typesetter
    with ThreadPoolExecutor(max_workers=1) as drawing, ThreadPoolExecutor(max_workers=1) as beside:
        own = beside.submit(own_layout, found, second)
        printed = drawing.submit(typesetter.print_pdf)
        pictures = drawing.submit(previews, typesetter, sheet.width_mm, sheet.height_mm)
        html = page(found)
        screen = own.result()
        about = summary(found, project, on_screen="laid out" if screen else "sheet")
        drawn = pictures.result()
        return {
            "poster.pdf": found.pdf,
            "poster-print.pdf": printed.result(),
            "poster.html": html,
            "poster.png": drawn.preview,
            "poster-screen.png": screen or drawing.submit(pixels, typesetter).result(),
            "thumbnail.png": drawn.thumbnail,
            "poster.json": (json.dumps(about, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace"),
        }


def _replace_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files beside those that are there, then put them in their places: a full disk leaves the old ones."""
    fresh = {name: folder / f".{name}.{secrets.token_hex(4)}.new" for name in files}  # two builds may be at work
    with _writing(folder):
        try:
            for name, content in files.items():
                atomic_write(fresh[name], content, durable=False)
            for name, file in fresh.items():
                file.replace(folder / name)
        finally:
            for file in fresh.values():
                file.unlink(missing_ok=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Write into a folder, which is made: what the disk or its owner refuses is one line."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except PermissionError as error:  # on Windows while a viewer shows it
        where = str(error.filename2 or error.filename)
        remedy = "close the program that shows it, or look at its permissions"
        raise WorkError("cannot be written", where=where, remedy=remedy) from error
    except OSError as error:
        what, where = f"cannot be written: {error.strerror}", str(error.filename2 or error.filename or folder)
        remedy = "make room there, or name another place: --output FOLDER"
        raise WorkError(what, where=where, remedy=remedy) from error
