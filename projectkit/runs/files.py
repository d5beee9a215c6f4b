"""How a run folder's files are written so that a reader, a full disk or a killed process never meets half of one.

A whole file is replaced at once (`atomic_write`). A log grows by one line at a time (`append_line`); what a death
left of a line is dropped by the reader, and the next line starts behind it. JSON knows no NaN and no
infinity: they are written as the strings "NaN", "Infinity" and "-Infinity", which every JSON reader takes, and
`as_float` turns them back.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_REPLACE_TRIES = 50  # Windows refuses to replace a file that somebody is reading at this moment
_REPLACE_WAIT_S = 0.02


def atomic_write(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file so that it is there with all of `data`, or as it was before.

    Args:
        path: of the file.
        data: its new content.
        durable: also after a power cut; that means to wait for the disk, milliseconds.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file is untouched, nothing is left beside it.
    """
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_folder(fresh: Path, target: Path, old: Path) -> None:
    """Put a folder into the place of another, which goes to `old`; all three lie on one disk.

    Raises:
        OSError: it cannot be put there; the former one stands as it was.
    """
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def to_json(document: Any, *, indent: int | None = None) -> bytes:
    """Strict JSON in UTF-8; numpy and tensor scalars, arrays and tuples become plain values."""
    text = json.dumps(_plain(document), ensure_ascii=False, allow_nan=False, indent=indent)
    # A lone surrogate (an argument that was not UTF-8) turns into the escape that JSON has for it.
    return text.encode("utf-8", "backslashreplace")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, or not an object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError(f"{path.name} is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path.name} holds {type(document).__name__}, not an object")
    return document


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append one JSON line and hand it to the system, all of it or nothing; a line that a death tore is closed first.

    The torn line is not cut off: what looks torn may be what another process is writing at this moment.

    Raises:
        OSError: the disk is full; the file is as it was.
    """
    line = to_json(record) + b"\n"
    with path.open("ab+", buffering=0) as file:  # one write for one line, which nobody else's can come between
        end = file.seek(0, os.SEEK_END)
        if end and not _ends_a_line(file, end):
            line = b"\n" + line
        written = file.write(line)
        if written != len(line):  # the disk became full in the middle
            if file.seek(0, os.SEEK_END) == end + written:
                file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON lines file; a torn or unreadable line is dropped, a missing file is empty."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    records = []
    for line in lines[:-1]:  # what follows the last newline is empty, or torn
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def as_float(value: Any) -> float | None:
    """A number as `to_json` wrote it, None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return (
        {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value) if isinstance(value, str) else None
    )


def _replace(source: Path, target: Path) -> None:
    for attempt in range(_REPLACE_TRIES):
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == _REPLACE_TRIES - 1:
                raise
            time.sleep(_REPLACE_WAIT_S)
        else:
            return


def _ends_a_line(file: io.FileIO, end: int) -> bool:
    file.seek(end - 1)
    return file.read(1) == b"\n"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy and torch, scalars and arrays, without importing either
        return _plain(value.tolist())
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
