"""The team's code and configs as they were when a run was started, as far as that can still be known.

Asked in this order: the commit that the run recorded, out of the repository's history, with `source.diff` applied to it; else the files as
they lie there now. Which of the two it was, and what may be missing, is said in `notes`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from projectkit.project import Project
from projectkit.runs.code import snapshot
from projectkit.runs.reader import Run

# What a training reads: code, configs, the project's table and lock, and the library itself where it is carried along.
_ROOMS = ("src", "configs", "vendor")
_TOP = (
    "pyproject.toml",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pixi.lock",
    "requirements.lock",
    "requirements.txt",
    ".python-version",
)
_LARGEST = 20 * 2**20  # bytes of one file: more is data, or weights
_UNTRACKED = re.compile(r"^# untracked: (.+) \(sha256 ([0-9a-f]{64})\)$", re.MULTILINE)
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Source:
    """Files by their path in the repository, and what a reader has to know about them."""

    files: Mapping[str, bytes]
    notes: tuple[str, ...]


def source_of(run: Run, project: Project) -> Source:
    """The team's code as of a run."""
    commit = run.part("git").get("commit")
    if isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", commit):
        with tempfile.TemporaryDirectory() as folder:
            if _checked_out(commit, project.root, Path(folder)):
                return _as_of_commit(commit, run, Path(folder), project)
        why = f"commit {commit[:12]} is not in this repository"
    else:
        why = str(run.part("git").get("reason") or "no commit was recorded")
    same = _is_same(run, project.root)
    what = {
        True: "their digest is that of the run, so nothing has changed",
        False: "their digest is another than the run's: THEY HAVE CHANGED since",
        None: "they may have changed since the run",
    }[same]
    return Source(dict(_files(project.root)), (f"{why}: these are the files as they lay there at the export; {what}",))


def _as_of_commit(commit: str, run: Run, folder: Path, project: Project) -> Source:
    notes = [f"the files of commit {commit}"]
    diff = _text(run.path / "source.diff")
    if re.search(r"^diff --git ", diff, re.MULTILINE):
        wanted = [f"--include={pattern}" for pattern in (*_TOP, *(f"{room}/*" for room in _ROOMS))]
        # names in the diff begin at the repository's root, which may lie above the project
        level = f"-p{1 + len(PurePosixPath(_prefix(project.root) or '').parts)}"
        given = diff.encode("utf-8", "surrogateescape")
        applied = _git(folder, "apply", level, "--whitespace=nowarn", *wanted, "-", given=given)
        notes.append(
            "with what was changed since, source.diff, applied"
            if applied is not None
            else "source.diff does not apply as a whole (a secret in it was masked?): apply it by hand"
        )
    for name, digest in _UNTRACKED.findall(diff):
        if not _belongs(name):
            continue
        data = _untracked(project.root, name)
        if data is not None and hashlib.sha256(data).hexdigest() == digest:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            notes.append(f"{name} was not under version control; it is the same as then")
        else:
            notes.append(f"{name} was not under version control, and is gone or changed: IT IS MISSING HERE")
    same = _is_same(run, folder)
    if same is not None:
        notes.append(
            "their digest is that of the run: this is what was trained"
            if same
            else "their digest is another than the run's: NOT ALL OF WHAT WAS TRAINED IS HERE (links and submodules are left out)"
        )
    return Source(dict(_files(folder)), tuple(notes))


def _is_same(run: Run, root: Path) -> bool | None:
    """Whether the files are those that the run was trained with; None where the run did not record it."""
    recorded = run.part("source").get("sha256")
    return None if not recorded else snapshot(root)["sha256"] == recorded


def _checked_out(commit: str, root: Path, folder: Path) -> bool:
    """Put the wanted files of a commit into an empty folder; False where there is no git, or no such commit."""
    above = _prefix(root)
    listing = _git(root, "ls-tree", "-r", "-z", "--full-tree", commit)
    if above is None or listing is None:
        return False
    for line in listing.decode("utf-8", "surrogateescape").split("\0"):
        kind, tab, path = line.partition("\t")
        name = path.removeprefix(above)
        if not tab or not path.startswith(above) or not _belongs(name) or kind.split()[0] not in ("100644", "100755"):
            continue  # a link or a submodule is no file of the team's
        data = _git(root, "cat-file", "blob", kind.split()[2])
        if data is not None and len(data) <= _LARGEST:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return True


def _prefix(root: Path) -> str | None:
    """The project's folder within its repository, `""` or such as `projects/ours/`; None where there is no repository."""
    prefix = _git(root, "rev-parse", "--show-prefix")
    return None if prefix is None else prefix.decode("utf-8", "surrogateescape").strip()


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in [root / name for name in _TOP] + [path for room in _ROOMS for path in sorted((root / room).rglob("*"))]:
        name = path.relative_to(root).as_posix()
        if _belongs(name) and path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST:
            yield name, path.read_bytes()


def _belongs(name: str) -> bool:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/"):
        return False
    hidden = any(part == "__pycache__" or part.startswith(".") or part.endswith(".egg-info") for part in parts)
    return name in _TOP or (parts[0] in _ROOMS and not hidden)


def _untracked(root: Path, name: str) -> bytes | None:
    path = root / name
    try:
        return None if path.is_symlink() else path.read_bytes()
    except OSError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _git(folder: Path, *arguments: str, given: bytes | None = None) -> bytes | None:
    """What git prints; None where there is no git, or it fails."""
    if shutil.which("git") is None:
        return None
    # a folder below a repository must be taken as a folder alone, or `git apply` skips every file
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    if arguments[0] == "apply":
        environment["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.autocrlf=false", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, timeout=_TIMEOUT_S, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
