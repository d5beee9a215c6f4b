"""The staff's proposed subjects: a course folder may hold a `subjects.yaml` (docs/subjects.md), and a team starts from one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit import datasets
from projectkit.config import Places, read_yaml
from projectkit.datasets.own.folders import folders
from projectkit.errors import ProjectkitError, UserError, did_you_mean
from projectkit.scaffold.answers import check_answer

FILES = ("subjects.yaml", "subjects.yml")
DIFFICULTIES = ("easy", "medium", "hard")

_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_REQUIRED = ("id", "title", "question", "data")
_TEXTS = ("id", "title", "question", "data", "target", "baseline", "difficulty")
KEYS = (*_TEXTS, "reading", "teams")
_TASK_OF = {  # a data set's modality -> the template's task
    "text": "text-classification",
    "tokens": "text-classification",
    "tabular": "tabular-classification",
    "image": "image-classification",
    "series": "image-classification",  # its files, with a model of the library in the config
}
_MODEL_OF = {
    "series": "projectkit.models.SeriesCNN"
}  # modality -> the config's first model, where the template has none for it


@dataclass(frozen=True)
class Subject:
    """A proposed subject.

    Args:
        id: what a team types.
        title: of the project.
        question: that the project is to answer.
        data: name of a data set.
        target: of the data set; None is its default.
        task: the template's answer that follows from the data.
        model: the class that the config starts with; None is the template's own.
        baseline: what is to be beaten.
        reading: where to begin, one source each.
        difficulty: easy, medium or hard; empty where the staff did not say.
        teams: how many teams may take it; None without limit.
        course: the answer to the template's question, None where the file has none.
        file: where it stands.
    """

    id: str
    title: str
    question: str
    data: str
    target: str | None
    task: str
    model: str | None
    baseline: str
    reading: tuple[str, ...]
    difficulty: str
    teams: int | None
    course: str | None
    file: Path

    def answers(self) -> dict[str, str]:
        """The answers to the template's questions that follow from the subject."""
        given = {"project_title": self.title, "task": self.task}
        return {**given, "course": self.course} if self.course else given

    def variables(self) -> dict[str, str]:
        """The template's private variables that follow from it."""
        private = {"_data": self.data, "_target": self.target or "", "_model": self.model or ""}
        return {**private, "_subject": self.as_markdown()}

    def as_markdown(self) -> str:
        """The subject as the proposal's first section states it."""
        lines = [
            _escaped(self.question),
            "",
            f"- data set: `{self.data}`" + (f", target `{self.target}`" if self.target else ""),
        ]
        if self.baseline:
            lines.append(f"- to be beaten: {_escaped(self.baseline)}")
        lines += [f"- reading: {_escaped(source)}" for source in self.reading]
        return "\n".join(lines)


def list_subjects() -> list[Subject]:
    """The subjects of every folder that may hold cards, in the files' order.

    Raises:
        UserError: a file that does not read, a subject that is not complete, an id that is given twice, or a `$PROJECTKIT_CARDS`
            that names a folder that is not there.
    """
    found: list[Subject] = []
    for folder in folders():
        for name in FILES:
            if (folder / name).is_file():
                found += _read(folder / name)
    seen: dict[str, Subject] = {}
    for subject in found:
        if subject.id in seen:
            where = f"{subject.file}, {subject.id}"
            raise UserError(f"this id stands in {seen[subject.id].file} too", where=where, remedy="give it another id")
        seen[subject.id] = subject
    return found


def find_subject(name: str) -> Subject:
    """The subject with this id.

    Raises:
        UserError: there is none; the message names the nearest, or says how a course gives subjects.
    """
    known = {subject.id: subject for subject in list_subjects()}
    if not known:
        remedy = f"set PROJECTKIT_CARDS=<the course's folder>, which holds a {FILES[0]}"
        raise UserError("no subject is proposed here", where=f"--subject {name}", remedy=remedy)
    if name not in known:
        remedy = f"{did_you_mean(name, known)} (`projectkit subjects`)"
        raise UserError(f"no subject has the id '{name}'", where="--subject", remedy=remedy)
    return known[name]


def _read(file: Path) -> list[Subject]:
    document, places = read_yaml(file)
    if not isinstance(document, Mapping) or not isinstance(document.get("subjects"), list):
        raise UserError(
            "there is no list `subjects:`", where=str(file), remedy="write `subjects:` and `- id: ...` below it"
        )
    _refuse_unknown(document, ("course", "subjects"), "", places)
    course = document.get("course")
    if course is not None:
        _check("course", course, places.of("course"))
    return [
        _subject(entry, f"subjects.{number}", course, file, places) for number, entry in enumerate(document["subjects"])
    ]


def _subject(entry: Any, key: str, course: str | None, file: Path, places: Places) -> Subject:
    if not isinstance(entry, Mapping):
        raise UserError(
            "a subject is a mapping", where=places.of(key), remedy="write `- id: ...`, `title: ...` below it"
        )
    _refuse_unknown(entry, KEYS, key, places)
    for name in _REQUIRED:
        if entry.get(name) in (None, ""):
            raise UserError(f"this subject has no {name}", where=places.of(key), remedy=f"add `{name}: ...`")
    for name in _TEXTS:
        if not isinstance(entry.get(name, ""), str):
            raise UserError(f"{name} is no text", where=places.of(f"{key}.{name}"), remedy="put it in quotes")
    if not _ID.fullmatch(entry["id"]):
        raise UserError(
            f"'{entry['id']}' is no id", where=places.of(f"{key}.id"), remedy="use a-z, 0-9 and single - or _"
        )
    _check("project_title", entry["title"], places.of(f"{key}.title"))
    teams = entry.get("teams")
    if teams is not None and (not isinstance(teams, int) or isinstance(teams, bool) or teams < 1):
        raise UserError(f"teams is {teams!r}", where=places.of(f"{key}.teams"), remedy="give a whole number from 1 on")
    difficulty = entry.get("difficulty", "")
    if difficulty and difficulty not in DIFFICULTIES:
        where = places.of(f"{key}.difficulty")
        raise UserError(f"'{difficulty}' is no difficulty", where=where, remedy=did_you_mean(difficulty, DIFFICULTIES))
    card = _card(entry, key, places)
    return Subject(
        id=entry["id"],
        title=entry["title"],
        question=entry["question"],
        data=entry["data"],
        target=_target(entry, card, places.of(f"{key}.target")),
        task=_TASK_OF[card.modality],
        model=_MODEL_OF.get(card.modality),
        baseline=entry.get("baseline", ""),
        reading=_reading(entry, key, places),
        difficulty=difficulty,
        teams=teams,
        course=course,
        file=file,
    )


def _target(entry: Mapping[str, Any], card: datasets.Card, where: str) -> str | None:
    target = entry.get("target")
    if target is not None and target not in card.targets:
        remedy = did_you_mean(target, card.targets)
        raise UserError(f"{card.name} has no target '{target}'", where=where, remedy=remedy)
    return target


def _card(entry: Mapping[str, Any], key: str, places: Places) -> datasets.Card:
    try:
        return datasets.card(entry["data"])
    except ProjectkitError as error:
        raise UserError(error.what, where=places.of(f"{key}.data"), remedy=error.remedy) from error


def _reading(entry: Mapping[str, Any], key: str, places: Places) -> tuple[str, ...]:
    sources = entry.get("reading", [])
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        where = places.of(f"{key}.reading")
        raise UserError("reading is no list of texts", where=where, remedy='write reading: ["Author 2022, title"]')
    return tuple(sources)


def _check(question: str, value: Any, where: str) -> None:
    try:
        check_answer(question, value)
    except UserError as error:
        raise UserError(error.what, where=where, remedy=error.remedy) from error


def _refuse_unknown(entry: Mapping[str, Any], known: Sequence[str], key: str, places: Places) -> None:
    for name in entry:
        if name not in known:
            where = places.of(f"{key}.{name}" if key else str(name))
            raise UserError(f"unknown key '{name}'", where=where, remedy=did_you_mean(str(name), known))


def _escaped(text: str) -> str:
    """One line of Markdown that reads as it was written."""
    return re.sub(r"([\\`*_\[\]<>#|~$])", r"\\\1", " ".join(text.split()))
