"""The few questions that the scaffold asks git. A machine without git, or a folder without a repository, answers None."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True)
class Commit:
    """The state of a checkout."""

    sha: str
    dirty: bool  # files that differ from the commit
    tag: str | None  # a tag of exactly this commit
    remote: str | None  # the URL of `origin`, without credentials


def git(folder: Path, *arguments: str) -> str | None:
    """What `git` prints in `folder`, or None where it fails or is not installed."""
    # a hook of an outer repository exports GIT_DIR and the like, which would send our commands there
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, env=environment, stdin=subprocess.DEVNULL, check=False)
    except OSError:
        return None
    return done.stdout.decode("utf-8", errors="replace").strip() if done.returncode == 0 else None


def commit_of(file: Path) -> Commit | None:
    """The state of the checkout that tracks `file`; None where no repository does, as for an installed package in a `.venv/`."""
    folder = file.parent
    if git(folder, "ls-files", "--error-unmatch", "--", file.name) is None:
        return None
    sha = git(folder, "rev-parse", "HEAD")
    if sha is None:
        return None
    remote = git(folder, "remote", "get-url", "origin")
    return Commit(
        sha=sha,
        dirty=bool(git(folder, "status", "--porcelain", "--", ":/")),
        tag=git(folder, "describe", "--tags", "--exact-match"),
        remote=without_credentials(remote) if remote else None,
    )


def without_credentials(url: str) -> str:
    """The URL as it may be written into a file that is shared: a token of https is left out, the user of ssh stays."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
