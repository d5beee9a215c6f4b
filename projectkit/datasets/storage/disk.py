"""What the store does with its disk: hashing, rights for other users, setting aside, and one line for a disk that refuses."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from projectkit.errors import WorkError

READ_ONLY = (errno.EACCES, errno.EROFS, errno.EPERM)
FULL = (errno.ENOSPC, errno.EDQUOT)


def sha256_of(path: Path) -> str | None:
    """SHA-256 of a file's content, in hexadecimal; None where there is no file.

    Raises:
        WorkError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_trouble(error, path) from error


def make_folder(path: Path) -> None:
    """Make a folder of the store, with the rights of the one it lies in; none is made above the store's own."""
    if not path.is_dir():
        path.mkdir(exist_ok=True)
        share(path)


def share(path: Path) -> None:
    """Let other users read a new file or folder, and write it where they may write in the folder that it lies in.

    A store's owner so decides by the rights of its top folder (for example `chmod 2775`), whatever each user's umask is.
    """
    with suppress(OSError):  # a disk without rights; another user's folder
        around = path.parent.stat().st_mode
        path.chmod(0o755 | around & 0o2022 if path.is_dir() else 0o644 | around & 0o022)


def sync(path: Path) -> None:
    """Wait until a file's content is on the disk, so that a rename cannot overtake it when the power fails."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def set_aside(path: Path) -> Path:
    """Rename a file or folder that is not what it should be; what was set aside before goes."""
    bad = path.with_name(f"{path.name}.bad")
    remove(bad)
    path.replace(bad)
    return bad


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is nothing."""
    files = path.rglob("*") if path.is_dir() else (path,)
    total = 0
    for each in files:
        with suppress(FileNotFoundError):  # another process removed it meanwhile
            total += each.stat().st_size if each.is_file() else 0
    return total


def disk_trouble(error: OSError, path: Path, *, size: int | None = None) -> WorkError:
    """One line for a disk that refuses.

    Args:
        error: what it said.
        path: which file or folder it was asked for.
        size: bytes that are needed there, if known.
    """
    if error.errno in FULL:
        what = "the disk is full" + (f" ({size / 1e6:.1f} MB are needed)" if size else "")
    elif error.errno in READ_ONLY:
        what = "the store cannot be written"
    else:
        what = f"the store cannot be used: {error.strerror or error}"
    return WorkError(what, where=str(path), remedy="set PROJECTKIT_STORE=<a folder on another disk that you may write>")
