"""The store: one folder a data set, raw files uncompressed, each checked by SHA-256 when it arrives and whenever it is read.

A file is had from `$PROJECTKIT_MIRROR` first, then from its pinned URLs. It is written beside its place under another name and published
by a rename, so that a killed process, a full disk or a wrong content never leaves something that looks like data.

| environment | meaning |
|---|---|
| `PROJECTKIT_STORE` | the store's folder (default: the user's cache); may be shared between users |
| `PROJECTKIT_MIRROR` | a folder with `<card's mirror folder>/<file>` or `<file>.gz`, looked in before the network |
"""

from __future__ import annotations

import gzip
import hashlib
import os
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from projectkit.datasets import disk, locks
from projectkit.datasets.card import Card, RemoteFile
from projectkit.datasets.disk import disk_trouble
from projectkit.errors import UserError, WorkError

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called while a file arrives: file name, bytes so far, bytes in all."""

sha256_of = disk.sha256_of

_CHUNK = 1 << 18  # 256 KiB: large enough for hashing at full speed, small enough for a smooth progress bar


@dataclass(frozen=True)
class Network:
    """How patient a download is."""

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0  # without a single byte
    attempts: int = 3
    backoff_s: float = 1.0  # doubled after each attempt


def store_root() -> Path:
    """The folder of the store, which need not exist yet."""
    chosen = os.environ.get("PROJECTKIT_STORE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_cache_dir("projectkit", appauthor=False))


def folder_of(card: Card) -> Path:
    """Where the card's raw files lie, or will."""
    return store_root() / card.name


def is_here(card: Card) -> bool:
    """Whether every file of the card is in the store with its size; the content is checked when it is read."""
    return all(_has_size(folder_of(card) / file.name, file.size) for file in card.files)


@contextmanager
def locked(card: Card) -> Iterator[bool]:
    """Be the only writer of the card's folder, which is made; can be nested.

    Yields:
        Whether it is locked; False in a store that cannot be written, whose files can be read.

    Raises:
        WorkError: the store was made by a newer version, or its disk refuses.
    """
    with locks.hold(store_root(), folder_of(card).name) as writable:
        yield writable


def checked_files(card: Card) -> dict[str, Path]:
    """The card's raw files in the store, each with the right content.

    Raises:
        WorkError: a file is missing or has another content than the card says.
    """
    paths = {file.name: folder_of(card) / file.name for file in card.files}
    for file in card.files:
        got = sha256_of(paths[file.name])
        if got != file.sha256:
            what = (
                f"the file is damaged: expected SHA-256 {file.sha256}, got {got}"
                if got
                else f"{card.name} is not in the store"
            )
            remedy = f"fetch it again with `projectkit data fetch {card.name}`"
            raise WorkError(what, where=str(paths[file.name]), remedy=remedy)
    return paths


def fetch_files(card: Card, *, progress: Progress | None = None, network: Network | None = None) -> list[Path]:
    """Bring the card's files into the store; what is there with the right content is left as it is.

    Args:
        card: the data set.
        progress: called while files arrive.
        network: time-outs and attempts.

    Returns:
        The files' paths in the store, in the card's order.

    Raises:
        UserError: `$PROJECTKIT_MIRROR` is not a folder.
        WorkError: a file cannot be had, has another content than the card says, or cannot be written.
    """
    return [_fetch(card, file, progress or _silent, network or Network()) for file in card.files]


def _fetch(card: Card, file: RemoteFile, progress: Progress, network: Network) -> Path:
    path = folder_of(card) / file.name
    got = sha256_of(path)
    if got == file.sha256:
        return path
    try:
        if got is not None:
            path.replace(_bad(path))
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_trouble(error, path) from error
    copy = _in_mirror(card, file)
    if copy is not None:
        try:
            return _receive(_from_mirror(copy), file, path, str(copy), progress)
        except _OriginError as error:
            raise WorkError(
                f"the mirror's file cannot be read: {error}", where=str(copy), remedy="copy it there again"
            ) from error
    failures = []
    for url in file.urls:
        for attempt in range(network.attempts):
            if attempt:
                time.sleep(network.backoff_s * 2 ** (attempt - 1))
            try:
                return _receive(_from_url(url, network), file, path, url, progress)
            except _OriginError as error:
                failure = f"{url}: {error}"
                if not error.may_pass:
                    break
        failures.append(failure)
    reason = ", ".join(failures) or f"it has no URL of its own ({card.origin})"
    raise WorkError(f"{file.name} cannot be had: {reason}", where=card.name, remedy=_ways_out(card, file))


class _OriginError(Exception):
    """An origin that gives no data.

    Args:
        reason: what it did instead.
        may_pass: whether trying again can help.
    """

    def __init__(self, reason: str, *, may_pass: bool) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


def _receive(content: Iterator[bytes], file: RemoteFile, path: Path, origin: str, progress: Progress) -> Path:
    """Write `content` beside `path`, check it, publish it by a rename."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("wb") as stream:
            for chunk in content:
                stream.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                progress(file.name, size, file.size)
                if size > file.size:  # another file, or one that would fill the disk
                    break
            stream.flush()
            os.fsync(stream.fileno())
        if size <= file.size and digest.hexdigest() == file.sha256:
            part.replace(path)
            return path
        part.replace(_bad(path))
    except OSError as error:
        raise disk_trouble(error, path, size=file.size) from error
    finally:
        part.unlink(missing_ok=True)
    got = f"more than {file.size} bytes" if size > file.size else f"{digest.hexdigest()} ({size} bytes)"
    raise WorkError(
        f"{origin} has another content than the card says: expected SHA-256 {file.sha256} ({file.size} bytes), got {got}",
        where=str(path),
        remedy=f"what came is kept as {_bad(path).name} to look at; use another network or PROJECTKIT_MIRROR=<folder>",
    )


def _in_mirror(card: Card, file: RemoteFile) -> Path | None:
    chosen = os.environ.get("PROJECTKIT_MIRROR")
    if not chosen:
        return None
    root = Path(chosen).expanduser()
    if not root.is_dir():
        raise UserError("no such folder", where=f"PROJECTKIT_MIRROR={chosen}", remedy="correct it or unset it")
    folder = root / (card.mirror_folder or card.name)
    return next((path for path in (folder / file.name, folder / f"{file.name}.gz") if path.is_file()), None)


def _from_mirror(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:  # BadGzipFile is an OSError
        raise _OriginError(str(error), may_pass=False) from error


def _from_url(url: str, network: Network) -> Iterator[bytes]:
    import requests

    try:
        patience = (network.connect_timeout_s, network.read_timeout_s)
        # A packed file is asked for as it is: some servers call it a gzip transfer, which requests would unpack before us.
        headers = {"Accept-Encoding": "identity"} if url.endswith(".gz") else {}
        with closing(requests.get(url, stream=True, timeout=patience, headers=headers)) as response:
            if response.status_code != 200:
                passing = response.status_code >= 500 or response.status_code == 429
                raise _OriginError(f"{response.status_code} {response.reason}", may_pass=passing)
            body = _refuse_web_page(response.iter_content(_CHUNK))
            yield from _gunzip(body) if url.endswith(".gz") else body
    except requests.exceptions.Timeout as error:
        raise _OriginError("no answer in time", may_pass=True) from error
    except requests.exceptions.ConnectionError as error:
        # urllib3's time-out in the middle of the body comes as a ConnectionError
        reason = "no answer in time" if "timed out" in str(error).lower() else f"no connection ({type(error).__name__})"
        raise _OriginError(reason, may_pass=True) from error
    except requests.exceptions.RequestException as error:
        raise _OriginError(f"the transfer broke off ({type(error).__name__})", may_pass=True) from error


def _refuse_web_page(body: Iterable[bytes]) -> Iterator[bytes]:
    """Data as it is; a login page of a hotel or campus network is told from it by its first bytes."""
    first = True
    for chunk in body:
        if first and chunk.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
            raise _OriginError("a web page came instead of the data (a login page of this network?)", may_pass=False)
        first = False
        yield chunk


def _gunzip(body: Iterable[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(wbits=31)
    try:
        for chunk in body:
            rest = chunk
            while rest:  # in bounded pieces, so that a bomb meets the size check of _receive first
                yield inflate.decompress(rest, _CHUNK)
                rest = inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error as error:
        raise _OriginError(f"not a gzip file ({error})", may_pass=False) from error
    if not inflate.eof:
        raise _OriginError("the transfer broke off in the middle of the gzip file", may_pass=True)


def _ways_out(card: Card, file: RemoteFile) -> str:
    place = f"{card.mirror_folder or card.name}/{file.name}"
    network = "try again on another network, " if file.urls else ""
    return (
        f"{network}set PROJECTKIT_MIRROR=<folder> to one that holds {place} (or {file.name}.gz), "
        "or choose a set that needs no download, such as digits (`projectkit data list`)"
    )


def _bad(path: Path) -> Path:
    return path.with_name(f"{path.name}.bad")


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _silent(_name: str, _done: int, _total: int) -> None:
    pass
