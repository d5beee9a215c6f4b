"""Parsed samples in a form that is mapped from the disk: the second load of a set takes no parsing, and no memory of its own per process.

A cache is a folder `.cache/<card's digest>-<form>/` beside the raw files: one `.npy` a column, and `meta.json` with each column's size and
SHA-256. It is written under another name and renamed, so one that is there is whole; one that is not what it says is set aside, and made
anew from the raw files, never served.
"""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import Card
from projectkit.datasets.columns import READER, Table, Texts, Tokens
from projectkit.datasets.samples import Samples
from projectkit.datasets.storage import disk, store
from projectkit.errors import WorkError

FORM = 1
"""Raised whenever the columns are kept in another way, or `duplicates.copies` finds others; older caches are left to `prune`."""

FOLDER = ".cache"
CHECKED_BYTES = 512 << 20
"""Caches up to here are checked by SHA-256 whenever they are loaded (half a second here), larger ones by size, and by `verify`."""

_OPTIONAL = ("group", "time", "source", "copies")
_log = logging.getLogger(__name__)


def cached(card: Card, build: Callable[[], Samples]) -> Samples:
    """The card's samples, mapped from its cache; where there is none, built and kept first.

    Where the store cannot be written or is full, the samples are what `build` gave, in memory.

    Args:
        card: whose samples they are; its digest is the cache's key, and the raw files must be in the store with their sizes.
        build: fetches, reads and checks; called by one process at a time.

    Raises:
        WorkError: what `build` raises, or a column that cannot be kept: an array of objects.
    """
    if not card.files:  # generated, or read from a dependency: faster than any file
        return build()
    if store.is_here(card):
        samples = _open(folder_of(card))
        if samples is not None:
            return samples
    with store.locked(card) as writable:
        samples = _open(folder_of(card)) if store.is_here(card) else None  # another process was faster
        if samples is not None:
            return samples
        built = build()
        if not writable:
            return _unkept(card, built, "the store cannot be written")
        try:
            _keep(built, folder_of(card), card.digest)
        except OSError as error:
            return _unkept(card, built, disk.disk_trouble(error, folder_of(card)).what)
        del built  # from here on the pages are the disk's, shared by all processes
        samples = _open(folder_of(card), check=False)
    if samples is None:
        raise WorkError("what was written cannot be read", where=str(folder_of(card)), remedy="check the disk")
    return samples


def folder_of(card: Card) -> Path:
    """Where the card's cache is, or will be."""
    return store.folder_of(card) / FOLDER / f"{card.digest[:16]}-{FORM}"


def faults(folder: Path) -> list[tuple[Path, str]]:
    """What is wrong with a cache: files and what each of them has; empty where it is whole. Everything is read."""
    try:
        return [(folder / name, what) for name, what in _wrong(folder, _meta(folder)["columns"].values(), content=True)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, WorkError) as error:
        return [(folder / "meta.json", f"cannot be read ({error})")]


def _open(folder: Path, *, check: bool = True) -> Samples | None:
    """The samples of a whole cache; None where there is none or it is damaged."""
    try:
        meta = _meta(folder)
        columns = meta["columns"]
        small = sum(entry["bytes"] for entry in columns.values()) <= CHECKED_BYTES
        if next(_wrong(folder, columns.values(), content=check and small), None) is None:
            return _samples(meta, {name: _map(folder / entry["file"]) for name, entry in columns.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, WorkError):
        pass  # no cache, or one that is not whole: it is set aside when the next one is written
    return None


def _meta(folder: Path) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return meta


def _wrong(folder: Path, columns: Iterable[Mapping[str, Any]], *, content: bool) -> Iterator[tuple[str, str]]:
    for entry in columns:
        path = folder / entry["file"]
        size = path.stat().st_size if path.exists() else None
        if size != entry["bytes"]:
            yield entry["file"], f"expected {entry['bytes']} bytes, got {size}"
        elif content and (got := disk.sha256_of(path)) != entry["sha256"]:
            yield entry["file"], f"expected SHA-256 {entry['sha256']}, got {got}"


def _map(path: Path) -> NDArray[Any]:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.asarray(mapped)  # a plain array on the same pages: a memmap's views and results would be memmaps too


def _samples(meta: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> Samples:
    inputs: Any
    names = meta["names"]
    match meta["form"]:
        case "texts":
            inputs = Texts(columns["x.values"], columns["x.offsets"])
        case "tokens":
            inputs = Tokens(columns["x.values"], columns["x.offsets"], tuple(names["tokens"]))
        case "table":
            inputs = Table(
                columns["x.numeric"], tuple(names["numeric"]), columns["x.categorical"], tuple(names["categorical"])
            )
        case "array":
            inputs = columns["x"]
        case other:
            raise ValueError(f"unknown form {other!r}")
    targets = {target: columns[f"y.{number}"] for number, target in enumerate(meta["targets"])}
    return Samples(columns["id"], inputs, targets, **{name: columns.get(name) for name in _OPTIONAL})


def _flat(samples: Samples) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Meta data and columns, of which `_samples` makes the same samples."""
    x = samples.x
    names: dict[str, tuple[str, ...]] = {}
    columns: dict[str, NDArray[Any]] = {"id": samples.id}
    if isinstance(x, Texts | Tokens):
        form = "texts" if isinstance(x, Texts) else "tokens"
        columns |= {"x.values": x.values, "x.offsets": x.offsets}
        names = {"tokens": x.names} if isinstance(x, Tokens) else {}
    elif isinstance(x, Table):
        form = "table"
        columns |= {"x.numeric": x.numeric, "x.categorical": x.categorical}
        names = {"numeric": x.numeric_names, "categorical": x.categorical_names}
    else:
        form = "array"
        columns["x"] = x
    columns |= {f"y.{number}": labels for number, labels in enumerate(samples.y.values())}
    columns |= {name: getattr(samples, name) for name in _OPTIONAL if getattr(samples, name) is not None}
    return {"form": form, "names": names, "targets": list(samples.y)}, columns


def _keep(samples: Samples, folder: Path, digest: str) -> None:
    """Write a cache; the caller holds the set's lock, so what was begun and not ended is a dead process's."""
    meta, columns = _flat(samples)
    for name, column in columns.items():
        if column.dtype.hasobject:
            raise WorkError(f"the column {name} holds objects, not numbers or strings of fixed width", remedy=READER)
    part = folder.with_name(f"{folder.name}.part")
    disk.make_folder(folder.parent.parent)
    disk.make_folder(folder.parent)
    try:
        disk.remove(part)
        disk.make_folder(part)
        meta["columns"] = {name: _write(part / f"{name}.npy", column) for name, column in columns.items()}
        meta |= {"form_version": FORM, "card": digest}
        described = part / "meta.json"
        described.write_text(json.dumps(meta, indent=1), encoding="utf-8")
        disk.share(described)
        disk.sync(described)
        if folder.exists():
            disk.set_aside(folder)
        part.replace(folder)
    except OSError:
        disk.remove(part)
        raise


def _write(path: Path, column: NDArray[Any]) -> dict[str, Any]:
    try:
        np.save(path, column, allow_pickle=False)
    except OSError as error:  # numpy says how much it could not write, not why
        raise OSError(error.errno or errno.ENOSPC, error.strerror or str(error)) from error
    disk.share(path)
    disk.sync(path)
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": disk.sha256_of(path)}


def _unkept(card: Card, samples: Samples, why: str) -> Samples:
    _log.warning("%s: read into memory, its parsed form cannot be kept: %s", card.name, why)
    return samples
