"""The store's upkeep: checking all that lies in it, removing what nobody needs, and a mirror folder for a closed network."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from projectkit.datasets.card import Card, RemoteFile
from projectkit.datasets.storage import cache, disk, locks, rebuild, store
from projectkit.datasets.storage.download import OriginError
from projectkit.errors import WorkError
from projectkit.findings import Finding, Status

_LEFTOVERS = (".bad", ".part", ".download", ".download.json")
_OWN = re.compile(
    r"[a-z][a-z0-9_]*-[0-9a-f]{8}"
)  # as `store.folder_of` names the folders of own cards, which only others may know
_HEAD = """# Sources

Data sets for a closed network: set `PROJECTKIT_MIRROR` to this folder. Each file is checked against its SHA-256 when it is fetched.
"""


_IN_STORE = "in the store"


@dataclass(frozen=True)
class Freed:
    """What `prune` removed, or would remove.

    Args:
        path: a file or a folder.
        bytes: that it took.
    """

    path: Path
    bytes: int


def verify(card: Card) -> list[Finding]:
    """One finding a raw file, and one for a parsed form; a file is looked for in the store, beside the card and in the mirror.

    Raises:
        UserError: `$PROJECTKIT_MIRROR` is not a folder.
        WorkError: a file cannot be read, or the store is of a newer version.
    """
    locks.check_schema(store.store_root())
    if not card.files:
        return [Finding(id=card.name, status="ok", where=card.name, message="needs no file")]
    return [finding for file in card.files for finding in _examine(card, file)] + _examine_cache(card)


def in_store(card: Card) -> bool:
    """Whether the store holds anything of a set, whole or damaged."""
    folder = store.folder_of(card)
    return cache.folder_of(card).exists() or any((folder / file.name).exists() for file in card.files)


def leftovers(root: Path, cards: Iterable[Card]) -> dict[Path, list[Path]]:
    """What nobody needs in a store: set's folder -> broken and begun files, upstream archives, parsed forms of other digests.

    Only folders that are named as a set's are looked at: a store may lie in a folder that holds other things, such as a home folder
    with a browser's half downloads.

    Args:
        root: the store's folder.
        cards: all known ones; parsed forms of sets that none of them describes are left alone.
    """
    known = {store.folder_of(card): card for card in cards}
    folders = [
        path for path in sorted(root.glob("*")) if path.is_dir() and (path in known or _OWN.fullmatch(path.name))
    ]
    return {folder: list(_leftovers(folder, known.get(folder))) for folder in folders}


def remove(root: Path, found: dict[Path, list[Path]], *, dry_run: bool) -> list[Freed]:
    """Remove paths, each set's under its lock.

    Args:
        root: the store's folder.
        found: set's folder -> what goes from it.
        dry_run: only say what would go.

    Raises:
        WorkError: the store cannot be written.
    """
    freed = []
    for folder, paths in found.items():
        if not paths:
            continue
        if dry_run:
            freed += [Freed(path, disk.size_of(path)) for path in paths]
            continue
        with locks.hold(root, folder.name) as writable:
            for path in paths:
                if not writable:
                    raise disk.disk_trouble(PermissionError(disk.READ_ONLY[0], "read-only"), path)
                try:
                    size = disk.size_of(path)
                    disk.remove(path)
                except OSError as error:
                    raise disk.disk_trouble(error, path) from error
                freed.append(Freed(path, size))
    return freed


def export(card: Card, folder: Path, definition: Path | None) -> Finding:
    """Copy a set's files into a mirror folder, fetched first where the store lacks them, and check the copies.

    Args:
        card: the set.
        folder: the mirror; `<mirror folder>/<file>` goes below it.
        definition: the file of a team's or a course's own card, which goes to `cards/`.

    Returns:
        A warning where the set may not be passed on.

    Raises:
        WorkError: a file cannot be had, or the folder cannot be written.
    """
    place = folder / (card.mirror_folder or card.name)
    for file, path in zip(card.files, store.fetch_files(card), strict=True):
        _copy(path, place / file.name, file)
    if definition is not None:
        _copy(definition, folder / "cards" / definition.name, None)
    where = str(place) if card.files else card.name
    evidence = {"bytes": card.size, "licence": card.licence, "files": len(card.files)}
    if card.redistributable or not card.files:
        return Finding(card.name, "ok", where, "copied and checked" if card.files else "needs no file", "", evidence)
    advice = "keep this folder inside the course, on a disk that only its members can read"
    return Finding(
        card.name,
        "warning",
        where,
        f"copied; its card does not say that it may be passed on ({card.licence})",
        advice,
        evidence,
    )


def write_sources(cards: Iterable[Card], folder: Path) -> Path:
    """Write `SOURCES.md`: title, licence, citation and checksums of each set that the mirror folder holds.

    Raises:
        WorkError: the folder cannot be written.
    """
    parts = [_HEAD.strip()]
    for card in cards:
        place = folder / (card.mirror_folder or card.name)
        if not card.files or not all((place / file.name).is_file() for file in card.files):
            continue
        parts += [f"## {card.title} (`{card.name}`)", card.description]
        lines = [f"- licence: {card.licence}", f"- citation: {card.citation}"]
        lines += [] if card.redistributable else ["- for use inside the course alone"]
        lines += [f"- origin: {card.origin}"] if card.origin else []
        lines += [f"- safety: {card.safety}"] if card.safety else []
        parts.append("\n".join(lines))
        table = ["| file | bytes | SHA-256 |", "|---|---|---|"]
        table += [f"| {place.name}/{file.name} | {file.size} | `{file.sha256}` |" for file in card.files]
        parts.append("\n".join(table))
    path = folder / "SOURCES.md"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    except OSError as error:
        raise _no_export(error, path) from error
    return path


def _examine(card: Card, file: RemoteFile) -> list[Finding]:
    """One finding; a second one where the copy outside of the store is damaged, from which the store would be mended."""
    path = store.folder_of(card) / file.name
    got = store.content_of(path, file)
    elsewhere = store.found_elsewhere(card, file)
    if elsewhere is None:
        return [_finding(card, file, path, got, _IN_STORE)]
    place = "beside its card" if store.is_beside(card, elsewhere) else "in the mirror"
    outside = _finding(card, file, elsewhere, _content_elsewhere(elsewhere, file), place)
    if got is None:
        return [outside]
    inside = _finding(card, file, path, got, _IN_STORE)
    return [inside] if outside.status == "ok" else [inside, outside]


def _finding(card: Card, file: RemoteFile, path: Path, got: tuple[int, str] | None, place: str) -> Finding:
    status: Status
    if got is None:
        status = "error" if in_store(card) else "note"  # half a set, or none
        message = "neither in the store nor in the mirror"
    elif got == (file.size, file.sha256):
        status, message = "ok", f"as the card says ({place})"
    else:
        status, message = "error", f"damaged: expected SHA-256 {file.sha256}, got {got[1]} ({place})"
    advice = "" if status == "ok" else f"fetch it with `projectkit data fetch {card.name}`"
    if status == "error" and place != _IN_STORE:
        advice = "copy it there again"
    evidence = {"expected": file.sha256, "got": got and got[1], "bytes": file.size}
    return Finding(f"{card.name}/{file.name}", status, str(path), message, advice, evidence)


def _examine_cache(card: Card) -> list[Finding]:
    folder = cache.folder_of(card)
    if not folder.exists():
        return []
    name = f"{card.name}/parsed"
    advice = f"remove it with `projectkit data prune {card.name}`; it comes back when the set is loaded"
    faults = [Finding(name, "error", str(path), f"damaged: {what}", advice) for path, what in cache.faults(folder)]
    return faults or [Finding(name, "ok", str(folder), "the parsed form is whole")]


def _content_elsewhere(path: Path, file: RemoteFile) -> tuple[int, str]:
    """Size and SHA-256, or what is wrong, of a file that may be packed."""
    if path.name == file.name:
        return store.content_of(path, file) or (0, "nothing")
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "content"
        try:
            with plain.open("wb") as stream:
                for chunk in store.unpacked(path, file):
                    stream.write(chunk)
                    if stream.tell() > file.size and file.content == "bytes":
                        return stream.tell(), f"more than {file.size} bytes"
        except OriginError as error:
            return 0, str(error)
        return store.content_of(plain, file) or (0, "nothing")


def _leftovers(folder: Path, card: Card | None) -> Iterator[Path]:
    own = {folder / file.name for file in card.files} if card else set()
    hidden = (folder / cache.FOLDER, folder / rebuild.FOLDER)
    for path in sorted(folder.rglob("*")):
        if any(path.is_relative_to(each) for each in hidden) or path in own:
            continue
        if path.is_file() and path.name.endswith(_LEFTOVERS):
            yield path
    if hidden[1].exists():
        yield hidden[1]
    for path in sorted(hidden[0].glob("*")):
        if path.name.endswith(_LEFTOVERS) or (card is not None and path != cache.folder_of(card)):
            yield path


def _copy(source: Path, target: Path, file: RemoteFile | None) -> None:
    """Copy a file unless it is there already; `file` says what its content must be."""
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if file is not None and store.content_of(target, file) == (file.size, file.sha256):
            return
        shutil.copyfile(source, part)
        if file is not None and store.content_of(part, file) != (file.size, file.sha256):
            raise WorkError("the copy differs from the original", where=str(part), remedy="check both disks, try again")
        part.replace(target)
    except OSError as error:
        raise _no_export(error, target) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _no_export(error: OSError, path: Path) -> WorkError:
    what = f"cannot be written: {error.strerror or error}"
    return WorkError(what, where=str(path), remedy="name another folder: projectkit data export NAME ... --to FOLDER")
