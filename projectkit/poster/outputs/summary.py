"""`poster.json`: what a built poster says of itself, for the wall's search, for lint, and for who asks which run a number is of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from projectkit.poster.markup.markdown import plain_text
from projectkit.poster.render import Rendered
from projectkit.project import Project
from projectkit.runs import Run, find_run
from projectkit.runs.audit import read_audit

SCHEMA = 1


def summary(found: Rendered, project: Project, *, on_screen: str) -> dict[str, Any]:
    """The content of `poster.json`.

    Args:
        found: the poster, laid out.
        project: whose runs it shows.
        on_screen: how the hall's screen shows it: `laid out` for it, or the `sheet`.

    Returns:
        `schema`, what `poster.yaml` gives (`title`, `authors`, `links` ...), `sheet`, `screen`, `theme`, `words`, `text` (all of them, a
        block a line), `runs` (ids), `numbers` (each with its run and its place), `audit` (of the run whose badge it shows, else None),
        `sources_digest`.
    """
    poster = found.poster
    return {
        "schema": SCHEMA,
        "title": poster.title,
        "subtitle": poster.subtitle,
        "finding": poster.finding,
        "abstract": poster.abstract,
        "authors": [asdict(author) for author in poster.authors],
        "affiliation": poster.affiliation,
        "course": poster.course,
        "team": poster.team,
        "number": poster.number,
        "tags": list(poster.tags),
        "language": poster.language,
        "links": {link.label: link.url for link in poster.links},
        "repository": poster.repository,
        "page": poster.page,
        "sheet": {
            "name": poster.sheet.name,
            "width_mm": poster.sheet.width_mm,
            "height_mm": poster.sheet.height_mm,
        },
        "screen": on_screen,
        "theme": poster.theme.name,
        "words": found.words,
        "text": "\n".join(_words(found)),
        "runs": _runs(found),
        "numbers": [asdict(shown) for shown in found.composed.shown],
        "audit": _audit(found, project),
        "sources_digest": sources_digest(found, project),
    }


def sources_digest(found: Rendered, project: Project) -> str:
    """SHA-256 of everything that a poster is made from: its texts and theme, its pictures, what its runs say of what it shows.

    Two posters of one digest are the same poster, whichever machine built them: how a figure is drawn is not part of it.
    """
    digest = hashlib.sha256(_canonical(found.composed.document))
    digest.update(_canonical([found.poster.abstract, found.poster.finding, found.poster.tags]))
    for name, picture in sorted(found.composed.pictures.items()):
        digest.update(name.encode() + hashlib.sha256(picture.content).digest())
    for said in _said(found, project):
        digest.update(_canonical(said))
    return digest.hexdigest()


def _said(found: Rendered, project: Project) -> Iterator[Any]:
    """What the runs say of the subsets that the poster shows; of what was logged, the last values."""
    asked = sorted({(shown.run, shown.subset or "") for shown in found.composed.shown})
    for run_id, subset in asked:
        run = find_run(run_id, project)
        yield [run_id, subset, run.evaluation(subset) if subset else run.last]


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")


def _words(found: Rendered) -> Iterator[str]:
    poster = found.poster
    heads = (poster.title, poster.subtitle, poster.team, *(author.name for author in poster.authors))
    yield from (words for words in heads if words)
    for section in found.composed.sections:
        for block in section.blocks:
            words = " ".join(plain_text(block).split())
            if words:
                yield words


def _runs(found: Rendered) -> list[str]:
    shown = found.composed.shown
    return list(dict.fromkeys(run for one in shown for run in (one.run, *one.mean_of)))


def _audit(found: Rendered, project: Project) -> dict[str, Any] | None:
    """Of the first run whose badge the poster shows."""
    for shown in found.composed.shown:
        if shown.what == "audit":
            run: Run = find_run(shown.run, project)
            audit = read_audit(run)
            return {"run": run.id, "counts": audit.counts} if audit is not None else None
    return None
