"""The git state of the team's repository: its commit, and what was changed since.

Each question has a bounded answer: git gets a few seconds and a few megabytes, and where it cannot answer (not
installed, no repository, no commit) the record says why instead of failing the run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projectkit.runs.masking import mask_text

_GIT_TIMEOUT_S = 10.0  # for all questions together
_DIFF_BYTES = 2 * 2**20  # a larger change is somebody's data, not source
_UNTRACKED_FILES = 200
_UNTRACKED_FILE_BYTES = 2**20
_UNTRACKED_BYTES = 2**25  # all together: read in a tenth of a second


@dataclass(frozen=True)
class GitState:
    """The commit of a folder and what was changed since.

    Args:
        commit: 40 hex digits; None where there is none, and `reason` says why.
        dirty: whether tracked files were changed or untracked ones lie about; None where it is not known.
        diff: the change as a patch, below the untracked files' names as comments; empty where clean, None where too
        large.
        reason: why a part of the answer is missing.
        branch: None where the head is detached, as in a checkout by a cluster or CI.
        submodules: path -> commit that is checked out there, with `+` before it where that is not the recorded one, `-` where none is.
    """

    commit: str | None
    dirty: bool | None
    diff: str | None
    reason: str | None = None
    branch: str | None = None
    submodules: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """What stands in run.json under `git`; the digest is that of `source.diff`."""
        digest = hashlib.sha256(self.diff.encode("utf-8", "backslashreplace")).hexdigest() if self.diff else None
        told = {"commit": self.commit, "branch": self.branch, "dirty": self.dirty, "diff_sha256": digest}
        return {**told, "submodules": dict(self.submodules), "reason": self.reason}


def git_state(folder: Path) -> GitState:
    """The git state of `folder`: its commit and the uncommitted changes below it.

    Git gets a few seconds for all questions together, so that one that hangs (on a file server, say) keeps no training from starting.
    """
    if shutil.which("git") is None:
        return GitState(None, None, None, "git is not installed")
    git = _Git(folder)
    top = git.ask("rev-parse", "--show-toplevel")
    if top is None:
        late = "git took too long" if git.late else "not a git repository, or one that git refuses to read"
        return GitState(None, None, None, late)
    branch = git.line("symbolic-ref", "--quiet", "--short", "HEAD")
    commit = git.line("rev-parse", "--verify", "--quiet", "HEAD")
    untracked = _untracked(git, folder)
    if commit is None:
        late = "git took too long" if git.late else "the repository has no commit yet"
        return GitState(None, True, untracked or None, late, branch)
    submodules = _submodules(git) if Path(os.fsdecode(top.rstrip(b"\r\n")), ".gitmodules").is_file() else {}
    diff = git.ask("diff", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD", "--", ".")
    if diff is None:
        why = "git took too long" if git.late else "the uncommitted changes are too large to record"
        return GitState(commit, True, None, why, branch, submodules)
    text = untracked + mask_text(diff.decode("utf-8", "replace"))
    return GitState(commit, bool(text), text, None, branch, submodules)


class _Git:
    """Questions to git about a folder, with one deadline for all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._deadline = time.monotonic() + _GIT_TIMEOUT_S

    @property
    def late(self) -> bool:
        return time.monotonic() >= self._deadline

    def line(self, *arguments: str) -> str | None:
        said = self.ask(*arguments)
        return None if said is None else said.decode("utf-8", "replace").strip() or None

    def ask(self, *arguments: str) -> bytes | None:
        """What git prints, None where it fails, takes too long, or prints more than may be recorded."""
        command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-C", str(self._folder)]
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        if self.late:
            return None
        try:
            process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # so that what git itself has started ends with it
            )
        except OSError:
            return None
        output: list[bytes] = []
        # in a thread: a pipe that a process in a lost file system holds open would not even end with git
        reader = threading.Thread(target=lambda: output.append(_read(process)), daemon=True)
        reader.start()
        reader.join(max(0.0, self._deadline - time.monotonic()))
        if not output or len(output[0]) > _DIFF_BYTES:
            _end(process)
            return None
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        return output[0] if process.returncode == 0 else None


def _read(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    with process.stdout as stream:
        return stream.read(_DIFF_BYTES + 1)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(1.0)


def _submodules(git: _Git) -> dict[str, str]:
    """Path -> commit; git prints a sign, the commit, the path, and in brackets what is nearest to it."""
    found = {}
    for line in (git.ask("submodule", "status", "--recursive") or b"").decode("utf-8", "replace").splitlines():
        match = re.fullmatch(r"([ +U-])([0-9a-f]{40,64}) (.*?)(?: \([^()]*\))?", line)
        if match:
            found[match[3]] = f"{match[1].strip()}{match[2]}"
    return found


def _untracked(git: _Git, folder: Path) -> str:
    """A comment line for each untracked file, small ones with their digest; `git apply` skips such lines."""
    listing = git.ask("ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    if listing is None:
        return "# untracked: not known (too many to list, or git took too long)\n"
    names = [os.fsdecode(name) for name in listing.split(b"\0") if name]
    lines, left = [], _UNTRACKED_BYTES
    for name in names[:_UNTRACKED_FILES]:
        digest = "larger than recorded"
        try:
            about = (folder / name).lstat()
            if not stat.S_ISREG(about.st_mode):
                digest = "no file"  # a link to a device would have no end
            elif about.st_size <= min(left, _UNTRACKED_FILE_BYTES):
                left -= about.st_size
                digest = "sha256 " + hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            digest = "unreadable"
        lines.append(f"# untracked: {ascii(name)[1:-1] if not name.isprintable() else name} ({digest})\n")
    if len(names) > _UNTRACKED_FILES:
        lines.append(f"# untracked: {len(names) - _UNTRACKED_FILES} more\n")
    return "".join(lines)
