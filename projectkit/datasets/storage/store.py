"""The store: one folder a data set, raw files uncompressed, each checked by SHA-256 when it arrives and before it is parsed.

A file is written beside its place under another name and published by a rename, by one process at a time, so that a killed process, a full
disk or a wrong content never leaves something that looks like data. It is had from the first of these that has it:

| origin | where |
|---|---|
| the card's folder | beside a card of a team's or a course's own |
| a mirror | `$PROJECTKIT_MIRROR/<card's mirror folder>/<file>` or `<file>.gz` |
| its URLs | pinned by the card; continued where an earlier download stopped (`download.py`) |
| its derivation | made from upstream archives (`rebuild.py`) |

`PROJECTKIT_STORE` is the store's folder (default: the user's cache); it may be shared between users and lie on a network disk.
"""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from projectkit.datasets.card import Card, RemoteFile
from projectkit.datasets.storage import disk, locks
from projectkit.datasets.storage.disk import disk_trouble
from projectkit.datasets.storage.download import Network, OriginError, download, forget
from projectkit.errors import UserError, WorkError

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called while a file arrives: file name, bytes so far, bytes in all."""

_CHUNK = 1 << 18


def store_root() -> Path:
    """The folder of the store, which need not exist yet."""
    chosen = os.environ.get("PROJECTKIT_STORE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_cache_dir("projectkit", appauthor=False))


def folder_of(card: Card) -> Path:
    """Where the card's raw files lie, or will; two teams' own cards of one name and other files share a store without a clash."""
    if card.folder is None:
        return store_root() / card.name
    return store_root() / f"{card.name}-{card.files_digest[:8]}"


@contextmanager
def locked(card: Card) -> Iterator[bool]:
    """Be the only writer of the card's folder; can be nested.

    Yields:
        Whether it is locked; False in a store that cannot be written, whose files can be read.

    Raises:
        WorkError: the store was made by a newer version, or its disk refuses.
    """
    with locks.hold(store_root(), folder_of(card).name) as writable:
        yield writable


def is_here(card: Card) -> bool:
    """Whether every file of the card is in the store with its size; the content is checked before it is parsed."""
    return all(_has_size(folder_of(card) / file.name, file) for file in card.files)


def content_of(path: Path, file: RemoteFile) -> tuple[int, str] | None:
    """Size and SHA-256 of a file, taken as the card takes them; None where there is no file.

    Returns:
        For a zip that is not whole, in place of the SHA-256, what is wrong with it.

    Raises:
        WorkError: it cannot be read.
    """
    try:
        if file.content == "bytes":
            digest = disk.sha256_of(path)
            return None if digest is None else (path.stat().st_size, digest)
        return _zip_content(path, file) if path.exists() else None
    except FileNotFoundError:  # another process set it aside or pruned it meanwhile
        return None


def _zip_content(path: Path, file: RemoteFile) -> tuple[int, str]:
    from projectkit.datasets.storage.archives import zip_digest

    try:
        return zip_digest(path, limit=file.size)
    except WorkError as error:
        return path.stat().st_size, error.what


def checked_files(card: Card) -> dict[str, Path]:
    """The card's raw files in the store, each with the right content.

    Raises:
        WorkError: a file is missing or has another content than the card says, or the store is of a newer version.
    """
    locks.check_schema(store_root())
    paths = {file.name: folder_of(card) / file.name for file in card.files}
    for file in card.files:
        got = content_of(paths[file.name], file)
        if got != (file.size, file.sha256):
            what = (
                f"the file is damaged: expected SHA-256 {file.sha256}, got {got[1]}"
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
    locks.check_schema(store_root())
    folder = folder_of(card)
    paths = [folder / file.name for file in card.files]
    if all(_is_right(path, file) for path, file in zip(paths, card.files, strict=True)):
        return paths
    with locked(card) as writable:
        for path, file in zip(paths, card.files, strict=True):
            if _is_right(path, file):  # another process was faster
                continue
            if not writable:
                raise disk_trouble(PermissionError(disk.READ_ONLY[0], "read-only"), path)
            try:
                _bring(card, file, path, progress or _silent, network or Network())
            except OSError as error:
                _sweep(path)  # on a full disk what has come helps nobody
                raise disk_trouble(error, path, size=file.size) from error
        _clear_upstreams(folder)
    return paths


def found_elsewhere(card: Card, file: RemoteFile) -> Path | None:
    """Where a file lies outside of the store: beside its card, or in the mirror; there perhaps as `.gz`.

    Raises:
        UserError: `$PROJECTKIT_MIRROR` is not a folder.
    """
    folders = [] if card.folder is None else [card.folder]
    chosen = os.environ.get("PROJECTKIT_MIRROR")
    if chosen:
        root = Path(chosen).expanduser()
        if not root.is_dir():
            raise UserError("no such folder", where=f"PROJECTKIT_MIRROR={chosen}", remedy="correct it or unset it")
        folders.append(root / (card.mirror_folder or card.name))
    places = [folder / name for folder in folders for name in (file.name, f"{file.name}.gz")]
    return next((path for path in places if path.is_file()), None)


def is_beside(card: Card, path: Path) -> bool:
    """Whether a file that was found elsewhere lies in the folder of its card."""
    return card.folder is not None and path.is_relative_to(card.folder)


def unpacked(path: Path, file: RemoteFile) -> Iterator[bytes]:
    """The content of a file that was found elsewhere, without the `.gz` that its place may have added, in chunks.

    Raises:
        OriginError: it cannot be read.
    """
    packed = path.name != file.name
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except gzip.BadGzipFile as error:
        raise OriginError(f"not a gzip file ({error})") from error
    except (OSError, EOFError, zlib.error) as error:
        raise OriginError(str(error), may_pass=isinstance(error, EOFError)) from error


def _bring(card: Card, file: RemoteFile, path: Path, progress: Progress, network: Network) -> None:
    """Have a file from the first origin that gives it; the caller holds the lock."""
    _make_folders(card, path)
    if path.exists():  # with another content
        disk.set_aside(path)
    copy = found_elsewhere(card, file)
    if copy is not None:
        beside = is_beside(card, copy)
        try:
            return _accept(unpacked(copy, file), file, path, str(copy), progress)
        except OriginError as error:
            what = f"the file {'beside the card' if beside else 'of the mirror'} cannot be read: {error}"
            raise WorkError(what, where=str(copy), remedy="copy it there again") from error
        except WorkError as error:
            if not beside:
                raise
            remedy = (
                f"if the file is right, mend size and SHA-256 in the card of {card.name}; else put the old file back"
            )
            raise WorkError(error.what, where=str(copy), remedy=remedy) from error
    failures: list[str] = []
    wrong: WorkError | None = None
    for url in file.urls:
        try:
            return _from_url(url, file, path, progress, network)
        except OriginError as error:
            failures.append(f"{url}: {error}")
        except WorkError as error:
            wrong = wrong or error
    if file.derivation is not None:
        from projectkit.datasets.storage.rebuild import rebuild

        names = " and ".join(upstream.name for upstream in file.derivation.upstreams)
        try:
            made = rebuild(file, path.parent, progress=progress, network=network)
            return _accept(iter([made]), file, path, f"what was made from the upstream archive ({names})", _silent)
        except OriginError as error:
            failures.append(str(error))
        except WorkError as error:
            _clear_upstreams(path.parent)  # another archive than the card was written for: the next attempt asks again
            wrong = wrong or error
    if wrong is not None:
        raise wrong
    no_url = "it has no URL of its own" + (f" ({card.origin})" if card.origin else "")
    reason = ", ".join(failures) or no_url
    raise WorkError(f"{file.name} cannot be had: {reason}", where=card.name, remedy=_ways_out(card, file))


def _from_url(url: str, file: RemoteFile, path: Path, progress: Progress, network: Network) -> None:
    """Download, unpack and publish; what was continued and turns out wrong is fetched once more from the start."""
    packed = url.partition("?")[0].endswith(".gz") and not file.name.endswith(".gz")
    came = _beside(path, "download")
    exact = file.content == "bytes" and not packed
    limit = file.size if exact else file.size + file.size // 20 + (1 << 20)  # headers, and what does not shrink

    def tell(done: int, total: int) -> None:
        progress(file.name, done, total or file.size)

    for last in (False, True):
        resumed = download(url, came, limit=limit, tell=tell, network=network, expected=file.size if exact else 0)
        try:
            if packed:
                _accept(_gunzip(came), file, path, url, _silent)
            else:
                _publish(came, file, path, url)
        except (OriginError, WorkError) as error:
            may_pass = resumed or (isinstance(error, OriginError) and error.may_pass)
            forget(came)
            if last or not may_pass:
                raise
        else:
            forget(came)
            return


def _accept(content: Iterator[bytes], file: RemoteFile, path: Path, origin: str, progress: Progress) -> None:
    """Write `content` beside `path`, check it, publish it."""
    part = _beside(path, "part")
    try:
        with part.open("wb") as stream:
            disk.share(part)
            for chunk in content:
                stream.write(chunk)
                progress(file.name, stream.tell(), file.size)
                if (
                    file.content == "bytes" and stream.tell() > file.size
                ):  # another file, or one that would fill the disk
                    break
    except OriginError:
        part.unlink()
        raise
    _publish(part, file, path, origin)


def _publish(part: Path, file: RemoteFile, path: Path, origin: str) -> None:
    """Rename what came to its place if it is what the card says; anything else is kept as `.bad`."""
    disk.sync(part)
    size = part.stat().st_size
    got = content_of(part, file)
    if got == (file.size, file.sha256):
        part.replace(path)
        return
    bad = _beside(path, "bad")
    part.replace(bad)
    too_long = file.content == "bytes" and size > file.size
    told = f"more than {file.size} bytes" if too_long or got is None else f"{got[1]} ({got[0]} bytes)"
    raise WorkError(
        f"{origin} has another content than the card says: expected SHA-256 {file.sha256} ({file.size} bytes), got {told}",
        where=str(path),
        remedy=f"what came is kept as {bad.name} to look at; use another network or PROJECTKIT_MIRROR=<folder>",
    )


def _gunzip(came: Path) -> Iterator[bytes]:
    try:
        with gzip.open(came, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except EOFError as error:
        raise OriginError("the transfer broke off in the middle of the gzip file", may_pass=True) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise OriginError(f"not a gzip file ({error})") from error


def _make_folders(card: Card, path: Path) -> None:
    """The folders of a file; its name may have some of its own."""
    for folder in reversed([path.parent, *path.parent.parents]):
        if folder.is_relative_to(folder_of(card)):
            disk.make_folder(folder)


def _clear_upstreams(folder: Path) -> None:
    from projectkit.datasets.storage import rebuild

    rebuild.clear(folder)


def _sweep(path: Path) -> None:
    """Remove what was begun of a file, as far as the disk lets us."""
    try:
        _beside(path, "part").unlink(missing_ok=True)
        forget(_beside(path, "download"))
        _clear_upstreams(path.parent)
    except OSError:
        pass  # the caller reports the first trouble


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f"{path.name}.{kind}")


def _is_right(path: Path, file: RemoteFile) -> bool:
    return content_of(path, file) == (file.size, file.sha256)


def _ways_out(card: Card, file: RemoteFile) -> str:
    place = f"{card.mirror_folder or card.name}/{file.name}"
    network = "try again on another network, " if file.urls or file.derivation else ""
    packed = "" if file.name.endswith(".gz") else f" (or {file.name}.gz)"
    return (
        f"{network}set PROJECTKIT_MIRROR=<folder> to one that holds {place}{packed}, "
        "or choose a set that needs no download, such as digits (`projectkit data list`)"
    )


def _has_size(path: Path, file: RemoteFile) -> bool:
    try:
        if file.content == "bytes":
            return path.stat().st_size == file.size
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist()) == file.size
    except (OSError, zipfile.BadZipFile):
        return False


def _silent(_name: str, _done: int, _total: int) -> None:
    pass
