"""Archives: what is in them comes out, and a hostile or broken one is one line."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from projectkit.datasets.storage import archives
from projectkit.datasets.storage.archives import read_members, zip_digest
from projectkit.errors import WorkError

FILES = {"repo-1/a.txt": b"alpha\n" * 50, "repo-1/deep/b.bin": bytes(range(256)) * 40, "repo-1/empty": b""}
TARS = {"a.tar": "w", "a.tar.gz": "w:gz", "a.tar.bz2": "w:bz2", "a.tar.xz": "w:xz"}
LIMIT = 1 << 20


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def write_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return path


def write(path: Path, files: dict[str, bytes]) -> Path:
    return write_zip(path, files) if path.suffix == ".zip" else write_tar(path, files, TARS[path.name])


def line_of(path: Path, limit: int = LIMIT) -> str:
    with pytest.raises(WorkError) as caught:
        list(read_members(path, limit=limit))
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


@pytest.mark.parametrize("name", [*TARS, "a.zip"])
def test_every_kind_of_archive_gives_its_files_in_order(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, FILES)
    assert list(read_members(path, limit=LIMIT)) == list(FILES.items())
    renamed = path.rename(tmp_path / "named-otherwise.dat")
    assert dict(read_members(renamed, limit=LIMIT)) == FILES


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_only_wanted_members_are_given(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, FILES)
    assert [member for member, _ in read_members(path, limit=LIMIT, wanted=lambda p: p.endswith(".txt"))] == [
        "repo-1/a.txt"
    ]


@pytest.mark.parametrize("kind", ["a.tar.gz", "a.zip"])
@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "C:/x", "c:x", "..\\x", "a\\..\\..\\x", "\\\\host\\x"])
def test_a_path_outside_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    assert "outside" in line_of(write(tmp_path / kind, {"good": b"1", name: b"2"}))


def test_links_devices_and_folders_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for number, kind in enumerate(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
        ):
            entry = tarfile.TarInfo(f"odd-{number}")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        archive.addfile(tarfile.TarInfo("plain"))
    assert list(read_members(path, limit=LIMIT)) == [("plain", b"")]
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("folder/", b"")
        archive.writestr("plain", b"")
    assert list(read_members(packed, limit=LIMIT)) == [("plain", b"")]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.xz", "a.zip"])
def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, {"bomb": bytes(20 * LIMIT)})
    assert path.stat().st_size < LIMIT // 10
    assert f"more than the {LIMIT} bytes" in line_of(path)


def test_a_bomb_that_nobody_wants_is_stopped_too(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"bomb": bytes(20 * LIMIT), "good": b"1"})
    with pytest.raises(WorkError, match="more than"):  # a tar must be unpacked as far as the wanted member
        list(read_members(path, limit=LIMIT, wanted=lambda name: name == "good"))


def test_a_bomb_in_a_long_name_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("n" * (20 * LIMIT)))
    assert "more than" in line_of(path)


def test_members_that_share_their_bytes_are_counted_each(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {f"m{n:02d}": bytes(LIMIT // 4) for n in range(8)})
    raw = bytearray(path.read_bytes())
    start = raw.find(b"PK\x01\x02")
    while start >= 0:  # each directory entry points to the first member
        struct.pack_into("<I", raw, start + 42, 0)
        start = raw.find(b"PK\x01\x02", start + 4)
    path.write_bytes(raw)
    assert line_of(path)  # by the limit, or by a zipfile that looks for overlaps itself


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    assert "more than 2 members" in line_of(write_zip(tmp_path / "a.zip", FILES))


@pytest.mark.parametrize("name", [*TARS, "a.zip"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_truncated_archive_is_one_line(tmp_path: Path, name: str, share: float) -> None:
    path = write(tmp_path / name, {**FILES, "noise": hashlib.shake_128(b"x").digest(60_000)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "cut off, damaged or no archive" in line_of(path)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.xz", "a.zip"])
def test_a_flipped_bit_is_one_line(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, {"noise": hashlib.shake_128(b"x").digest(60_000)})
    raw = bytearray(path.read_bytes())
    raw[30_000] ^= 1
    path.write_bytes(raw)
    assert "damaged" in line_of(path)


@pytest.mark.parametrize(
    "content", [b"", b"not an archive", b"PK\x03\x04" + b"\0" * 99, b"\x1f\x8b" + b"\1" * 99, bytes(3000)]
)
def test_what_is_no_archive_gives_nothing_but_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    if content == bytes(3000):  # an empty tar is nothing but zeros
        assert list(read_members(path, limit=LIMIT)) == []
    else:
        line_of(path)


def test_a_missing_archive_is_one_line(tmp_path: Path) -> None:
    assert "cannot be read" in line_of(tmp_path / "nowhere.zip")


def test_an_encrypted_member_is_one_line(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"secret": b"1"})
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.find(signature) + offset] |= 1
    path.write_bytes(raw)
    assert "encrypted" in line_of(path)
    with pytest.raises(WorkError, match="encrypted"):
        zip_digest(path)


def test_a_zip_digest_does_not_depend_on_packing_or_order(tmp_path: Path) -> None:
    packed = write_zip(tmp_path / "a.zip", FILES)
    stored = write_zip(tmp_path / "b.zip", dict(reversed(FILES.items())), zipfile.ZIP_STORED)
    assert packed.read_bytes() != stored.read_bytes()
    whole = hashlib.sha256()
    for name in sorted(FILES):
        whole.update(name.encode() + b"\0" + hashlib.sha256(FILES[name]).digest())
    assert zip_digest(packed) == zip_digest(stored) == (sum(map(len, FILES.values())), whole.hexdigest())


@pytest.mark.parametrize("other", [{**FILES, "repo-1/empty": b"."}, {**FILES, "more": b""}, {"x": b""}])
def test_another_content_has_another_zip_digest(tmp_path: Path, other: dict[str, bytes]) -> None:
    assert zip_digest(write_zip(tmp_path / "a.zip", FILES))[1] != zip_digest(write_zip(tmp_path / "b.zip", other))[1]


def test_a_zip_digest_stops_at_its_limit(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="more than the 1000 bytes"):
        zip_digest(write_zip(tmp_path / "a.zip", {"bomb": bytes(LIMIT)}), limit=1000)
