"""The team's own code as two digests: whether it changed since a run was started can be told without git.

`code_digest` is over what is run, the team's Python files; `snapshot` is over all that a training reads from the repository, with its
configs. Both are the same on every system: paths are written with slashes, and how lines end does not count.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_ROOMS = ("src", "configs")
_NOT_CODE = frozenset({"__pycache__", "node_modules", "site-packages", "runs", "results", "wandb", "build", "dist"})
_MOST_FILES = 5000
_MOST_BYTES = 64 * 2**20  # all together: more is data, and would be read for seconds


def code_digest(root: Path, package: str | None = None) -> str | None:
    """SHA-256 over the team's Python files: those in `src/`, else the package's, else all in the root itself.

    Args:
        root: of the team's repository.
        package: the team's import package.

    Returns:
        64 hex digits; None where there is no code, or far more than a team writes.
    """
    rooms = [root / "src", *([root / package] if package else [])]
    room = next((room for room in rooms if room.is_dir()), None)
    files = _files(room) if room else (path for path in sorted(root.glob("*.py")) if path.is_file())
    digest, count = _digest((path for path in files if path.suffix == ".py"), root)
    return digest if count else None


def snapshot(root: Path) -> dict[str, Any]:
    """`sha256` over the files in `src/` and `configs/`, and how many `files`; None where there are none, or too many."""
    digest, count = _digest((path for name in _ROOMS for path in _files(root / name)), root)
    return {"sha256": digest if count else None, "files": count}


def _digest(files: Iterable[Path], root: Path) -> tuple[str | None, int]:
    whole, count, size = hashlib.sha256(), 0, 0
    for path in files:
        try:
            about = path.lstat()
            if not stat.S_ISREG(about.st_mode):
                continue  # a link to a device has no end
            count, size = count + 1, size + about.st_size
            if count > _MOST_FILES or size > _MOST_BYTES:
                return None, count
            content = path.read_bytes().replace(b"\r\n", b"\n")
        except OSError:
            content = b"unreadable"
        name = unicodedata.normalize("NFC", path.relative_to(root).as_posix())
        whole.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        whole.update(content)
    return whole.hexdigest(), count


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_CODE and not name.startswith("."))
        yield from (
            Path(where, name) for name in sorted(names) if not name.startswith(".") and not name.endswith(".pyc")
        )
