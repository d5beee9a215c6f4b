"""Where a run came from: the commit and what was changed since, the installed versions, the machine.

Each question has a bounded answer: git gets a few seconds and a few megabytes, and where it cannot answer (not
installed, no repository, no commit) the record says why instead of failing the run.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit.runs.masking import mask_text

PACKAGES = (
    "dl-projectkit",
    "torch",
    "torchvision",
    "pytorch-lightning",
    "torchmetrics",
    "numpy",
    "scipy",
    "scikit-learn",
    "omegaconf",
    "wandb",
)
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pixi.lock", "requirements.lock", "requirements.txt")
_GIT_TIMEOUT_S = 10.0  # for each question
_DIFF_BYTES = 2 * 2**20  # a larger change is somebody's data, not source
_UNTRACKED_FILES = 200
_UNTRACKED_BYTES = 2**20


@dataclass(frozen=True)
class GitState:
    """The commit of a folder and what was changed since.

    Args:
        commit: 40 hex digits; None where there is none, and `reason` says why.
        dirty: whether tracked files were changed or untracked ones lie about; None where it is not known.
        diff: the change as a patch, below the untracked files' names as comments; empty where clean, None where too
        large.
        reason: why a part of the answer is missing.
    """

    commit: str | None
    dirty: bool | None
    diff: str | None
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """What stands in run.json under `git`; the digest is that of `source.diff`."""
        digest = hashlib.sha256(self.diff.encode("utf-8")).hexdigest() if self.diff else None
        return {"commit": self.commit, "dirty": self.dirty, "diff_sha256": digest, "reason": self.reason}


def git_state(folder: Path) -> GitState:
    """The git state of `folder`: its commit and the uncommitted changes below it."""
    if shutil.which("git") is None:
        return GitState(None, None, None, "git is not installed")
    if _git(folder, "rev-parse", "--is-inside-work-tree") is None:
        return GitState(None, None, None, "not a git repository, or one that git refuses to read")
    head = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    untracked = _untracked(folder)
    if head is None:
        return GitState(None, True, untracked or None, "the repository has no commit yet")
    diff = _git(folder, "diff", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD", "--", ".")
    commit = head.decode("ascii").strip()
    if diff is None:
        return GitState(commit, True, None, "the uncommitted changes are too large to record, or git took too long")
    text = untracked + mask_text(diff.decode("utf-8", "replace"))
    return GitState(commit, bool(text), text)


def versions() -> dict[str, str]:
    """Python's version and those of the packages that decide a run's numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def lock_file(folder: Path) -> dict[str, str] | None:
    """The project's lock file and its digest, None where it has none."""
    for name in _LOCKS:
        try:
            return {"file": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
        except OSError:
            continue
    return None


def hardware() -> dict[str, Any]:
    """The machine as far as the standard library knows it; training adds the accelerator."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"platform": platform.platform(), "cpu": _cpu_model(), "cores": cores, "memory_gib": _memory_gib()}


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, None where it fails, takes too long, or prints more than may be recorded."""
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-C", str(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
    except OSError:
        return None
    deadline = threading.Timer(_GIT_TIMEOUT_S, process.kill)
    deadline.start()
    try:
        with process:
            assert process.stdout is not None
            output = process.stdout.read(_DIFF_BYTES + 1)
            if len(output) > _DIFF_BYTES:
                process.kill()
    finally:
        deadline.cancel()
    return output if process.returncode == 0 and len(output) <= _DIFF_BYTES else None


def _untracked(folder: Path) -> str:
    """A comment line for each untracked file, small ones with their digest; `git apply` skips such lines."""
    listing = _git(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", ".") or b""
    names = [os.fsdecode(name) for name in listing.split(b"\0") if name]
    lines = []
    for name in names[:_UNTRACKED_FILES]:
        digest = "larger than recorded"
        try:
            if (folder / name).stat().st_size <= _UNTRACKED_BYTES:
                digest = "sha256 " + hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            digest = "unreadable"
        lines.append(f"# untracked: {ascii(name)[1:-1] if not name.isprintable() else name} ({digest})\n")
    if len(names) > _UNTRACKED_FILES:
        lines.append(f"# untracked: {len(names) - _UNTRACKED_FILES} more\n")
    return "".join(lines)


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None  # Windows has no sysconf, and asking it needs a foreign call
