"""What happens to a repository after its files are rendered: pruned, given its library and its poster, recorded, committed.

Standard library and files of this package that need no more: the template's hook runs `finish` in whatever Python runs
`cookiecutter`, `create_project` calls it directly.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from projectkit.errors import WorkError
from projectkit.scaffold.answers import KEYS, Member, parse_members, source_url
from projectkit.scaffold.git import commit_of, git, without_credentials
from projectkit.scaffold.names import DISTRIBUTION
from projectkit.scaffold.wheel import Wheel, given_wheel, library_wheel

# files that only one answer has a use for
_ONLY_FOR = {
    ("compute", "colab"): ("notebooks",),
    ("compute", "slurm"): ("slurm",),
}
_UNFILLED = json.dumps(f"{DISTRIBUTION} @ filled in after rendering")  # as the template's pyproject.toml has it


@dataclass(frozen=True)
class Generation:
    """What is known about one rendering of the template.

    Args:
        answers: the public answers, checked.
        template: what cookiecutter was given: a folder, a URL, an abbreviation.
        folder: the template's folder on this machine.
        started_in: the folder that relative paths in answers are relative to.
        private: the template's private variables that were set, from a subject.
    """

    answers: Mapping[str, str]
    template: str
    folder: Path
    started_in: Path
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Origin:
    """Where the template came from, as others can find it."""

    url: str | None  # a git URL that is not a path of this machine
    reference: str  # tag or commit
    described: str  # what `.cruft.json` calls the template
    commit: str


def finish(project: Path, generation: Generation) -> list[str]:
    """Make the rendered files at `project` a repository of their own.

    Returns:
        What could not be done and how to make up for it, one line each; usually none.

    Raises:
        UserError: `projectkit_source` names a wheel that is not there.
        WorkError: the library's wheel could not be built.
    """
    answers = generation.answers
    members = parse_members(answers["team_members"])
    origin = _origin(generation)
    for (key, answer), names in _ONLY_FOR.items():
        if answers[key] != answer:
            for name in names:
                shutil.rmtree(project / name)
    _depend(project, _requirement(project, generation, origin))
    _poster(generation.folder).init_poster(project, **poster_fields(answers))
    _record(project, generation, origin)
    return _first_commit(project, members[0])


def poster_fields(answers: Mapping[str, str]) -> dict[str, Any]:
    """What the answers say about the poster, by the names of `init_poster`'s arguments."""
    return {
        "title": answers["project_title"],
        "authors": [member.name for member in parse_members(answers["team_members"])],
        "course": answers["course"],
        "team": answers["team_name"],
    }


def library_root(template: Path) -> Path:
    """The folder that `projectkit/` lies in: the checkout, or the site-packages of an installation."""
    return template.parent if (template.parent / "pyproject.toml").is_file() else template.parents[2]


def _origin(generation: Generation) -> _Origin:
    commit = commit_of(generation.folder / "cookiecutter.json")
    if commit is not None:
        local = (generation.started_in / generation.template).exists() or generation.template.startswith("file:")
        url = _git_url(commit.remote) if commit.remote and not local else None
        return _Origin(url, commit.tag or commit.sha, commit.remote or generation.folder.parent.as_posix(), commit.sha)
    site = library_root(generation.folder)
    found = list(importlib.metadata.Distribution.discover(name=DISTRIBUTION, path=[str(site)]))
    if not found:
        return _Origin(None, "", str(generation.folder.parent), "")
    source = json.loads(found[0].read_text("direct_url.json") or "{}")  # PEP 610, where pip installed from a URL
    sha = source.get("vcs_info", {}).get("commit_id")
    if sha:
        url = without_credentials(source["url"])
        return _Origin(_git_url(url), sha, url, sha)
    return _Origin(None, "", DISTRIBUTION, found[0].version)


def _git_url(remote: str) -> str | None:
    """The remote as pip writes it, None where it is a place on this machine."""
    if "://" not in remote and ":" in remote and not Path(remote).exists():  # git@host:owner/name
        host, _, path = remote.partition(":")
        remote = f"ssh://{host}/{path}"
    return f"git+{remote}" if urlsplit(remote).scheme in {"https", "http", "ssh"} else None


def _requirement(project: Path, generation: Generation, origin: _Origin) -> str:
    """The library as a direct reference: from the network where others can have it from there, else a wheel in `vendor/`."""
    answer = generation.answers["projectkit_source"]
    name = DISTRIBUTION + ("[cjk]" if _needs_cjk(generation.answers) else "")
    url = source_url(answer)
    if url is not None:
        return f"{name} @ {url}"
    if answer != "auto":
        return f"{name} @ {_vendored(project, given_wheel(generation.started_in / Path(answer).expanduser()))}"
    if origin.url is not None:
        return f"{name} @ {origin.url}@{origin.reference}"
    return f"{name} @ {_vendored(project, library_wheel(generation.folder))}"


def _needs_cjk(answers: Mapping[str, str]) -> bool:
    """Whether the poster will show Chinese, Japanese or Korean, for which its bundled fonts have no glyphs."""
    shown = "".join(answers[key] for key in ("project_title", "team_name", "team_members", "course"))
    return any(
        unicodedata.name(character, "").startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL")) for character in shown
    )


def _vendored(project: Path, wheel: Wheel) -> str:
    """Put a wheel into `vendor/`; the URL by which the repository's own build finds it."""
    vendor = project / "vendor"
    vendor.mkdir(exist_ok=True)
    for older in vendor.glob("*.whl"):
        older.unlink()
    (vendor / wheel.name).write_bytes(wheel.content)
    return f"{{root:uri}}/vendor/{wheel.name}"  # hatchling's own form: follows the folder when it moves


def _depend(project: Path, requirement: str) -> None:
    file = project / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    if _UNFILLED not in text:
        raise WorkError(
            "the template's pyproject.toml lacks its place for the library", where=str(file), remedy="report it"
        )
    file.write_text(text.replace(_UNFILLED, json.dumps(requirement)), encoding="utf-8", newline="\n")


def _poster(template: Path) -> ModuleType:
    """The poster room's starting files. By path: the rooms are siblings, and the poster's other files need installed packages."""
    path = library_root(template) / "projectkit" / "poster" / "starter.py"
    spec = importlib.util.spec_from_file_location("projectkit_poster_starter", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _record(project: Path, generation: Generation, origin: _Origin) -> None:
    """Write `.cruft.json`: the answers and the template's commit, in the form that the update tool cruft reads."""
    context = {key: generation.answers[key] for key in KEYS} | dict(generation.private)
    context["_template"] = origin.described
    source = context["projectkit_source"]
    if source != "auto" and source_url(source) is None:
        context["projectkit_source"] = f"vendor/{Path(source).name}"  # the path that was given is of this machine
    document = {
        "template": origin.described,
        "commit": origin.commit,
        "checkout": None,
        "context": {"cookiecutter": context},
        "directory": "template",
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (project / ".cruft.json").write_text(text, encoding="utf-8", newline="\n")


def _first_commit(project: Path, author: Member) -> list[str]:
    if (project / ".git").exists():  # rendered over an existing repository: its history is the team's
        return []
    later = "in the project type `git init`, `git add -A` and `git commit -m Start`"
    if shutil.which("git") is None:
        return [f"git is not installed, so there is no first commit: install it, then {later}"]
    identity = []
    if not (git(project, "config", "user.name") and git(project, "config", "user.email")):
        identity = ["-c", f"user.name={author.name}", "-c", f"user.email={author.mail}"]
    steps = (
        ["init", "--quiet"],
        ["symbolic-ref", "HEAD", "refs/heads/main"],  # `init --initial-branch` is younger than some clusters' git
        ["add", "--all", "--force", "."],  # force: a personal ignore file may leave vendor/*.whl out
        [
            *identity,
            "-c",
            "commit.gpgsign=false",
            "commit",
            "--quiet",
            "--no-verify",
            "-m",
            "Start from the course's template",
        ],
    )
    if any(git(project, *step) is None for step in steps):
        return [f"git could not make the first commit: {later}"]
    return []
