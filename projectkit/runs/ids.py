"""The name of a run folder: `YYYYMMDD-HHMMSS-<name>-<6 hex>` in UTC, so that names sort by time and never collide.

The folder itself is the lock: `mkdir` of a name that exists fails on every file system, so two hundred processes that
start within one second get two hundred folders.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

from projectkit.errors import WorkError

PATTERN = re.compile(r"(\d{8}-\d{6})-([a-z0-9_-]+)-([0-9a-f]{6})")
_NAME_LENGTH = 40
_TRIES = 100


def slug(name: str) -> str:
    """A name as it stands in an id: lower-case ASCII, at most 40 characters; accents go, the rest turns into hyphens.

    Example:
        >>> slug("Réseau n° 1!")
        "reseau-n-1"
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_name).strip("-")[:_NAME_LENGTH].strip("-") or "run"


def make_folder(root: Path, name: str) -> Path:
    """Create a folder for a new run below `root`.

    Raises:
        WorkError: the folder cannot be created; the message says how to put runs elsewhere.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            folder = root / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{slug(name)}-{secrets.token_hex(3)}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise WorkError(
            f"no run folder can be created here: {error.strerror or error}",
            where=str(root),
            remedy="free some space, or set PROJECTKIT_RUNS to a folder that you can write",
        ) from error
    raise WorkError(
        f"{_TRIES} run names in a row were taken", where=str(root), remedy="set PROJECTKIT_RUNS to another folder"
    )


def created(run_id: str) -> datetime | None:
    """The time that an id begins with, None where the folder was named by hand."""
    match = PATTERN.fullmatch(run_id)
    try:
        return datetime.strptime(match[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) if match else None
    except ValueError:
        return None
