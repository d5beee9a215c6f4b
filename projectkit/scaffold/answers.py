"""The answers to the template's questions: what each may be, and what is proposed where one follows from another.

Standard library and `errors` only: the template's Jinja extension and its hook use this file too, in whatever Python runs
`cookiecutter`. Every rule is one line to the user, and every rule is checked before the first folder is made.

| answer | its rule |
|---|---|
| project_title, team_name, course | text of one line in any script |
| project_slug | names the folder and the distribution: lower-case ASCII, shadows no package that a project installs |
| package_name | an import name that shadows no module of Python or of the field |
| team_members | `Name <mail>; Name <mail>` |
| task, compute, wandb, license | one of the choices |
| projectkit_source | `auto`, a direct reference, a git URL, or the path of a wheel |
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from projectkit.errors import UserError, did_you_mean
from projectkit.scaffold.names import (
    DISTRIBUTION,
    PACKAGE_LENGTH,
    SLUG_LENGTH,
    default_package,
    default_slug,
    normalised,
    package_shadows,
    slug_shadows,
)

CHOICES: Mapping[str, tuple[str, ...]] = {
    "task": ("text-classification", "tabular-classification", "image-classification"),
    "compute": ("laptop", "colab", "slurm"),
    "wandb": ("offline", "online", "disabled"),
    "license": ("private-coursework", "MIT", "Apache-2.0"),
}
_LENGTHS = {"project_title": 120, "team_name": 60, "course": 100}
KEYS = (  # in the template's order
    "project_title",
    "project_slug",
    "package_name",
    "team_name",
    "team_members",
    "course",
    *CHOICES,
    "projectkit_source",
)

NAME_LENGTH, MEMBERS_LENGTH, SOURCE_LENGTH = 80, 2000, 500

_SLUG = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_PACKAGE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_MEMBER = re.compile(r"(?P<name>[^<>]+?)\s*<(?P<mail>[^<>]*)>")
_MAIL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._%+'-]*[A-Za-z0-9_+-])?@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_REFERENCE = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)\s*@\s*)?(?P<url>[a-z][a-z0-9+.-]*://\S+)", re.IGNORECASE)
_SCHEMES = ("git+https", "git+ssh", "git+file", "https", "file")
# right-to-left overrides turn what is read into something else than what is written; U+FEFF and U+FFFE/F are no YAML or TOML
_INVISIBLE = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff")


@dataclass(frozen=True)
class Member:
    """A member of the team."""

    name: str
    mail: str


def check(answers: Mapping[str, str]) -> None:
    """Check every answer.

    Raises:
        UserError: an answer that is missing, unknown or not usable; the message names it and says what would do.
    """
    for key in answers:
        check_key(key)
    for key in KEYS:
        if key not in answers:
            raise UserError("this answer is missing", where=key, remedy=f"give {key}=...")
        check_answer(key, answers[key])


def check_key(key: str) -> None:
    """Check that there is such a question.

    Raises:
        UserError: there is none, or the variable is not the user's to set.
    """
    if key not in KEYS:
        why = "this variable is private to the template" if key.startswith("_") else "the template has no such question"
        raise UserError(why, where=_shown(key), remedy=did_you_mean(key, KEYS))


def check_answer(key: str, value: str) -> None:
    """Check one answer, so that a command can ask again at once.

    Args:
        key: the name of the question, one of `KEYS`.
        value: the answer as it was typed.

    Raises:
        UserError: the answer is not usable.
    """
    _check_text(key, value)
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise UserError(
                f"'{_shown(value)}' is not a choice", where=key, remedy=f"take one of: {', '.join(CHOICES[key])}"
            )
    elif key in _LENGTHS:
        _check_length(key, value, _LENGTHS[key])
    elif key == "project_slug":
        _check_slug(value)
    elif key == "package_name":
        _check_package(value)
    elif key == "team_members":
        parse_members(value)
    else:
        _check_source(value)


def parse_members(value: str) -> list[Member]:
    """The members that `Name <mail>; Name <mail>` names.

    Raises:
        UserError: a part that does not read so; the message shows it.
    """
    _check_length("team_members", value, MEMBERS_LENGTH)
    members = []
    for part in filter(None, (part.strip() for part in value.split(";"))):
        match = _MEMBER.fullmatch(part)
        if match is None:
            raise _wrong_members(f"'{_shown(part)}' is not of the form Name <mail>")
        name, mail = match["name"].strip(), match["mail"].strip()
        if len(name) > NAME_LENGTH:
            raise _wrong_members(f"'{_shown(name)}' is longer than {NAME_LENGTH} characters")
        if not _MAIL.fullmatch(mail) or ".." in mail:
            raise _wrong_members(f"'{_shown(mail)}' is not a mail address")
        members.append(Member(name, mail))
    if not members:
        raise _wrong_members("there is no member")
    return members


def _check_text(key: str, value: object) -> None:
    if not isinstance(value, str):
        raise UserError("the answer is not text", where=key, remedy=f"give {key}=<text>")
    if not value.strip():
        raise UserError("the answer is empty", where=key, remedy=f"give {key}=<text>")
    if value != value.strip():
        raise UserError("there is white space around the answer", where=key, remedy=f"give '{_shown(value.strip())}'")
    for character in value:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _INVISIBLE:
            raise UserError(
                f"it holds the control character U+{ord(character):04X}",
                where=key,
                remedy="leave it out: one line of plain text",
            )
    for mark in ("{{", "{%", "{#"):
        if mark in value:
            raise UserError(f"'{mark}' starts a template expression", where=key, remedy="write the text without it")


def _check_length(key: str, value: str, limit: int) -> None:
    if len(value) > limit:
        raise UserError(f"{len(value)} characters are too many", where=key, remedy=f"use at most {limit}")


def _check_slug(value: str) -> None:
    _check_length("project_slug", value, SLUG_LENGTH)
    proposal = f"for example '{default_slug(_ascii(value))}'"
    if not _SLUG.fullmatch(value):
        what = f"'{_shown(value)}' cannot name a folder and a distribution"
        raise UserError(
            what,
            where="project_slug",
            remedy=f"use a-z, 0-9 and single - or _ between them, a letter first, {proposal}",
        )
    shadow = slug_shadows(value)
    if shadow:
        raise UserError(f"'{value}' is {shadow}", where="project_slug", remedy=f"take another name, {proposal}")


def _check_package(value: str) -> None:
    _check_length("package_name", value, PACKAGE_LENGTH)
    proposal = f"for example '{default_package(_ascii(value))}'"
    if not _PACKAGE.fullmatch(value):
        what = f"'{_shown(value)}' cannot name a package"
        raise UserError(
            what, where="package_name", remedy=f"use a-z, 0-9 and single _ between them, a letter first, {proposal}"
        )
    shadow = package_shadows(value)
    if shadow:
        raise UserError(f"'{value}' is {shadow}", where="package_name", remedy=f"take another name, {proposal}")


def _check_source(value: str) -> None:
    _check_length("projectkit_source", value, SOURCE_LENGTH)
    if value == "auto" or (PurePath(value).suffix == ".whl" and "://" not in value):
        return
    remedy = f"give 'auto', '{DISTRIBUTION} @ git+https://<host>/<repository>@<tag>', or the path of a wheel"
    match = _REFERENCE.fullmatch(value)
    if match is None:
        raise UserError(
            f"'{_shown(value)}' names neither a git source nor a wheel (an index may hold a stranger's code under that name)",
            where="projectkit_source",
            remedy=remedy,
        )
    if match["name"] is not None and normalised(match["name"]) != DISTRIBUTION:
        raise UserError(f"'{match['name']}' is not {DISTRIBUTION}", where="projectkit_source", remedy=remedy)
    scheme, _, rest = match["url"].partition("://")
    if scheme.lower() not in _SCHEMES:
        what = f"'{_shown(value)}' is of none of the forms {', '.join(_SCHEMES)}"
        raise UserError(what, where="projectkit_source", remedy=remedy)
    if scheme.lower().startswith("git+") and "@" not in rest.partition("/")[2]:
        what = f"'{_shown(value)}' names no tag or commit: what two teams install would depend on the day"
        raise UserError(what, where="projectkit_source", remedy=remedy)


def source_url(value: str) -> str | None:
    """The URL of a `projectkit_source` that names one, None for `auto` and for the path of a wheel."""
    match = _REFERENCE.fullmatch(value)
    return match["url"] if match else None


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _shown(text: str) -> str:
    """The answer as it can stand in a message of one line."""
    plain = "".join(character if character.isprintable() else "?" for character in text)
    return plain if len(plain) <= NAME_LENGTH else f"{plain[: NAME_LENGTH - 3]}..."


def _wrong_members(what: str) -> UserError:
    return UserError(
        what, where="team_members", remedy="write it as: Ada Lovelace <ada@example.org>; Alan Turing <alan@example.org>"
    )
