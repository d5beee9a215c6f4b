"""Derived files: what nobody serves is made again from upstream archives that somebody does.

The archives lie in the set's folder while they are needed. Hosts do not keep their bytes stable, so they are read with care and not
checked; what is made of them is checked by the caller as any other file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from projectkit.datasets.card import RemoteFile, Upstream
from projectkit.datasets.storage import disk
from projectkit.datasets.storage.archives import read_members
from projectkit.datasets.storage.download import Network, OriginError, download, forget
from projectkit.errors import WorkError

FOLDER = ".upstream"


def rebuild(file: RemoteFile, folder: Path, *, progress: Callable[[str, int, int], None], network: Network) -> bytes:
    """The content of a derived file.

    Args:
        file: with a derivation.
        folder: of the set, in the store; the archives go below it, and stay there for the set's next file (`clear`).
        progress: called while an archive arrives: its name, bytes so far, bytes in all.
        network: time-outs and attempts.

    Raises:
        OriginError: an archive cannot be had, or holds something else than the derivation expects.
        OSError: the disk refuses.
    """
    if file.derivation is None:
        raise ValueError(f"{file.name} has no derivation")
    place = folder / FOLDER
    disk.make_folder(place)
    archives = {upstream.name: _archive(upstream, place, progress, network) for upstream in file.derivation.upstreams}
    sources = {
        upstream.name: partial(_members, archives[upstream.name], upstream) for upstream in file.derivation.upstreams
    }
    try:
        return file.derivation.build(sources)
    except (WorkError, ValueError, KeyError, IndexError) as error:  # damaged, or another content than at that commit
        clear(folder)
        raise OriginError(f"cannot be rebuilt, the upstream archive differs ({error})") from error


def clear(folder: Path) -> None:
    """Remove the upstream archives of a set."""
    disk.remove(folder / FOLDER)


def _archive(upstream: Upstream, place: Path, progress: Callable[[str, int, int], None], network: Network) -> Path:
    """The archive on disk; one that an earlier attempt brought is used again."""
    path = place / re.sub(r"[^A-Za-z0-9._-]+", "+", upstream.name)
    if path.exists():
        return path
    part = path.with_name(f"{path.name}.part")
    failures = []
    for url in upstream.urls:
        try:
            download(
                url,
                part,
                limit=upstream.limit,
                tell=lambda done, total: progress(upstream.name, done, total or upstream.limit),
                network=network,
            )
        except OriginError as error:
            failures.append(f"{url}: {error}")
            continue
        if part.stat().st_size > upstream.limit:
            forget(part)
            failures.append(f"{url}: more than {upstream.limit} bytes came")
            continue
        part.replace(path)
        forget(part)
        return path
    raise OriginError(", ".join(failures) or f"{upstream.name} has no URL")


def _members(archive: Path, upstream: Upstream) -> Iterator[tuple[str, bytes]]:
    """Path below the repository's root, and content."""
    for path, content in read_members(archive, limit=upstream.limit):
        folder = path.partition("/")[0] if upstream.folder is None else upstream.folder
        below = path.removeprefix(f"{folder}/")
        if below != path:
            yield below, content
