"""One writer a set: a lock that other processes, users and machines see, and that a killed process gives back.

Locks lie in `.locks/` of the store, so that a set's folder can be removed. Readers take none: whatever stands under its final name in
the store is whole.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from projectkit.datasets.storage import disk
from projectkit.errors import WorkError

SCHEMA = 1
"""Of the store's layout, kept in its `store.json`; raised where an older version of the library would misread the store."""

_PATIENCE_S = 3.0  # of silence before it is said what is waited for
_POLL_S = 0.1

_log = logging.getLogger(__name__)
_mine = threading.local()  # the locks that this thread holds


@contextmanager
def hold(root: Path, name: str) -> Iterator[bool]:
    """Be the only writer of what `name` stands for; the store is made where it is missing. Can be nested.

    After three seconds a warning is logged, which Python shows on standard error, that another process is waited for.

    Args:
        root: the store's folder.
        name: of a set's folder.

    Yields:
        Whether it is held; False in a store that cannot be written: then nobody writes, and what is in it can be read.

    Raises:
        WorkError: the store was made by a newer version, or its disk refuses.
    """
    import filelock

    held: dict[Path, bool] = _mine.__dict__.setdefault("held", {})
    place = root / ".locks" / f"{name}.lock"
    if place in held:
        yield held[place]
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
        disk.make_folder(place.parent)
        # 0o666 whatever the umask: another user's lock must be opened for writing before it can be waited for
        lock = filelock.FileLock(place, mode=0o666)
        _acquire(lock, name)
    except OSError as error:
        if error.errno not in disk.READ_ONLY or not root.is_dir():
            raise disk.disk_trouble(error, place) from error
        check_schema(root)
        yield False
        return
    held[place] = True
    try:
        check_schema(root)
        _write_schema(root)
        yield True
    finally:
        del held[place]
        lock.release()


def check_schema(root: Path) -> None:
    """Refuse a store that this version of the library cannot read; one without `store.json` is new, or of the first versions.

    Raises:
        WorkError: made by a newer version, or its `store.json` is damaged.
    """
    path = root / "store.json"
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))["schema"]
        newer = schema > SCHEMA
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise disk.disk_trouble(error, path) from error
    except (ValueError, TypeError, KeyError) as error:
        raise WorkError(
            "not a store's description", where=str(path), remedy="delete this file, it is made anew"
        ) from error
    if newer:
        raise WorkError(
            f"this store was made by a newer version (its schema is {schema}, this version knows {SCHEMA})",
            where=str(root),
            remedy="upgrade projectkit, or set PROJECTKIT_STORE=<another folder>",
        )


def _acquire(lock: Any, name: str) -> None:
    import filelock

    try:
        lock.acquire(timeout=_PATIENCE_S, poll_interval=_POLL_S)
    except filelock.Timeout:
        _log.warning("%s: waiting for another process that is bringing it into the store", name)
        lock.acquire(poll_interval=_POLL_S)


def _write_schema(root: Path) -> None:
    import filelock

    path = root / "store.json"
    if path.exists():
        return
    part = path.with_name(".store.json.part")
    try:
        with filelock.FileLock(
            root / ".locks" / ".store.lock", mode=0o666
        ):  # holders of other sets' locks come here too
            if not path.exists():
                part.write_text(json.dumps({"schema": SCHEMA}) + "\n", encoding="utf-8")
                disk.share(part)
                part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise disk.disk_trouble(error, path) from error
