"""Reading archives that strangers made: zip and tar, straight into memory, nothing is ever unpacked onto the disk.

Members with a path outside are refused, links and devices are skipped, and what is counted against the limit are the bytes that really
came out: headers can say anything. Cut off, damaged and hostile archives all end in one line.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from projectkit.errors import WorkError

MOST_MEMBERS = 1_000_000  # the largest upstream of ours has some 100,000
_CHUNK = 1 << 18
_BLOCK = 512  # of a tar
_PER_MEMBER = 4 * _BLOCK  # what a tar may hold beside a member's content: header, padding, two blocks of a long name
_ENCRYPTED = 0x1

_DAMAGE = (
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    struct.error,  # these last three: headers of rubbish that the two readers did not foresee
    ValueError,
    NotImplementedError,
)


def read_members(path: Path, *, limit: int, wanted: Callable[[str], bool] | None = None) -> Iterator[tuple[str, bytes]]:
    """The files in an archive, in its order.

    Args:
        path: a `.zip`, a `.tar`, or a `.tar` packed by gzip, bzip2 or xz; told apart by content, not by name.
        limit: bytes; more in all is taken for a bomb. Counted is what is unpacked: in a zip the wanted members, in a tar all.
        wanted: which paths are read; None: all.

    Yields:
        The path with `/` between its parts, and the content.

    Raises:
        WorkError: no such archive, a path outside, more than `limit` bytes or a million members, encryption, or damage; one line.
    """
    with _one_line(path), path.open("rb") as stream:
        head = stream.read(6)
        stream.seek(0)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _zip_members(stream, _Budget(limit, path), wanted)
        else:
            yield from _tar_members(_unpacked(stream, head), _Budget(limit, path), wanted)


def zip_digest(path: Path, *, limit: int | None = None) -> tuple[int, str]:
    """Size and SHA-256 of what a zip holds, the same however it was packed.

    Hashed are, for each member in the order of the names: its name, a zero byte, and the SHA-256 of its content.

    Args:
        path: a zip, or an `.npz`, which is one.
        limit: bytes of content; more is an error. None: any.

    Returns:
        Bytes of all members' content, and the SHA-256 in hexadecimal.

    Raises:
        WorkError: not a whole zip, or too large.
    """
    whole = hashlib.sha256()
    budget = _Budget(limit, path)
    with _one_line(path), zipfile.ZipFile(path) as archive:
        for entry in sorted(archive.infolist(), key=lambda each: each.filename):
            digest = hashlib.sha256()
            _refuse_encrypted(entry, path)
            with archive.open(entry) as member:
                while chunk := member.read(_CHUNK):
                    budget.take(len(chunk))
                    digest.update(chunk)
            whole.update(entry.filename.encode("utf-8") + b"\0" + digest.digest())
    return budget.taken, whole.hexdigest()


class _Budget:
    """Counts what was unpacked."""

    def __init__(self, limit: int | None, path: Path) -> None:
        self.limit = limit
        self.path = path
        self.taken = 0
        self._members = 0

    def take(self, count: int) -> None:
        self.taken += count
        if self.limit is not None and self.taken > self.limit:
            raise WorkError(
                f"the archive holds more than the {self.limit} bytes that are expected",
                where=str(self.path),
                remedy="it may be a bomb; get the archive that the card names, or raise the limit in the card",
            )

    def member(self, name: str) -> str:
        """Count a member; its path, checked."""
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise WorkError(
                f"the archive has more than {MOST_MEMBERS} members",
                where=str(self.path),
                remedy="it may be a bomb; get the archive that the card names",
            )
        return _inside(name, self.path)


def _inside(name: str, archive: Path) -> str:
    plain = name.replace("\\", "/")  # some packers on Windows write backslashes
    parts = PurePosixPath(plain).parts
    if plain.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", plain) or "\0" in plain:
        raise WorkError(
            f"the archive has a member with a path outside of it: {name!r}",
            where=str(archive),
            remedy="do not unpack it; get the archive that the card names",
        )
    return "/".join(parts)


def _zip_members(
    stream: IO[bytes], budget: _Budget, wanted: Callable[[str], bool] | None
) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            name = budget.member(entry.filename)
            kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 where it was packed on a system without
            if entry.is_dir() or kind not in (0, stat.S_IFREG) or (wanted and not wanted(name)):
                continue
            _refuse_encrypted(entry, budget.path)
            with archive.open(entry) as member:
                yield name, _read_all(member, budget)


def _tar_members(
    stream: IO[bytes], budget: _Budget, wanted: Callable[[str], bool] | None
) -> Iterator[tuple[str, bytes]]:
    counted = _Counted(stream, _Budget(budget.limit, budget.path))
    with tarfile.open(fileobj=counted, mode="r|") as archive:
        for entry in archive:
            counted.allow(_PER_MEMBER)
            name = budget.member(entry.name)
            if entry.isfile() and (wanted is None or wanted(name)):
                member = archive.extractfile(entry)
                if member is not None:  # counted again: a sparse member is longer than its bytes in the tar
                    yield name, _read_all(member, budget)
    while counted.read(_CHUNK):  # to the end, where gzip and xz have their checksum
        pass
    if counted.last.strip(b"\0"):
        raise EOFError("its end is missing")


def _read_all(member: IO[bytes], budget: _Budget) -> bytes:
    chunks = io.BytesIO()
    while chunk := member.read(_CHUNK):
        budget.take(len(chunk))
        chunks.write(chunk)
    return chunks.getvalue()


class _Counted(io.RawIOBase):
    """A stream that counts what is read from it, before anything large is read at once, and remembers its last bytes."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget
        self.last = b""
        self.allow(1 << 20)  # the blocks of zeros at the end, a first header

    def allow(self, more: int) -> None:
        """Raise the limit by what a member needs beside its content."""
        if self._budget.limit is not None:
            self._budget.limit += more

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(_CHUNK if size < 0 else size)
        self._budget.take(len(chunk))
        self.last = (self.last + chunk)[-_BLOCK:]
        return chunk


def _unpacked(stream: IO[bytes], head: bytes) -> IO[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=stream))
    if head.startswith(b"BZh"):
        return cast(IO[bytes], bz2.BZ2File(stream))
    if head.startswith(b"\xfd7zXZ\0"):
        return cast(IO[bytes], lzma.LZMAFile(stream))
    return stream


def _refuse_encrypted(entry: zipfile.ZipInfo, path: Path) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise WorkError(
            f"the member {entry.filename!r} is encrypted", where=str(path), remedy="pack the archive without a password"
        )


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    remedy = "remove it and get it again"
    try:
        yield
    except _DAMAGE as error:
        what = str(error) or type(error).__name__
        raise WorkError(
            f"the archive is cut off, damaged or no archive ({what})", where=str(path), remedy=remedy
        ) from error
    except OSError as error:
        raise WorkError(
            f"the archive cannot be read ({error.strerror or error})", where=str(path), remedy=remedy
        ) from error
