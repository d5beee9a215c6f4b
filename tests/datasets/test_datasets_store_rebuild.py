"""Derived files: made again from an archive that a server gives, checked like any other file."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from projectkit.datasets.card import Card, Derivation, Members, RemoteFile, Upstream
from projectkit.datasets.storage.download import Network
from projectkit.datasets.storage.store import checked_files, fetch_files
from projectkit.errors import WorkError

HASTY = Network(connect_timeout_s=2.0, read_timeout_s=0.3, attempts=3, backoff_s=0.0)
ONCE = replace(HASTY, attempts=1)
DerivedCard = Callable[..., Card]


def archive(files: Mapping[str, bytes], folder: str = "repo-abc123") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


NOISE = hashlib.shake_128(b"x").digest(5000)  # so that the packed archive is longer than 1,000 bytes
LISTS = archive({"b/list.txt": b"two\n", "a/list.txt": b"one\n", "noise": NOISE})


def build(sources: Mapping[str, Members]) -> bytes:
    """The lists of both upstreams, in the order of their paths."""
    found = sorted((name, path, content) for name, members in sources.items() for path, content in members())
    return b"".join(content for _, path, content in found if path.endswith("list.txt"))


@pytest.fixture
def derived(web: Any, toy_card: Callable[..., Card]) -> DerivedCard:
    """A function from the pages of an upstream archive to a card of one derived file."""

    def make(*pages: str, limit: int = 1 << 20, folder: str | None = None, expected: bytes = b"one\ntwo\n") -> Card:
        upstream = Upstream("owner/lists", tuple(f"{web.url}/{page}" for page in pages), limit, folder)
        file = RemoteFile(
            "toy.tsv",
            len(expected),
            hashlib.sha256(expected).hexdigest(),
            derivation=Derivation((upstream,), build),
        )
        return replace(toy_card(), files=(file,))

    return make


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "toy").rglob("*") if path.is_file())


@pytest.mark.parametrize("folder", [None, "repo-abc123"])
def test_a_derived_file_is_made_and_its_archive_removed(
    web: Any, derived: DerivedCard, store_folder: Path, folder: str | None
) -> None:
    web.bodies["/lists"] = LISTS
    card = derived("404", "lists", folder=folder)
    fetch_files(card, network=HASTY)
    assert checked_files(card)["toy.tsv"].read_bytes() == b"one\ntwo\n"
    assert web.asked == ["/404", "/lists"]
    assert left_in(store_folder) == ["toy.tsv"]
    assert not (store_folder / "toy" / ".upstream").exists()


def test_an_archive_that_broke_off_is_continued(web: Any, derived: DerivedCard) -> None:
    web.bodies["/ranged"] = LISTS
    with pytest.raises(WorkError, match="broke off"):
        fetch_files(derived("ranged"), network=ONCE)
    fetch_files(derived("ranged"), network=ONCE)
    assert [headers.get("Range") for headers in web.headers] == [None, "bytes=1000-"]


def test_two_files_of_one_upstream_need_one_download(web: Any, derived: DerivedCard) -> None:
    web.bodies["/lists"] = LISTS
    card = derived("lists")
    fetch_files(replace(card, files=(card.files[0], replace(card.files[0], name="second.tsv"))), network=HASTY)
    assert web.asked == ["/lists"]


def test_a_mirror_is_looked_in_first(
    web: Any, derived: DerivedCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "toy.tsv").write_bytes(b"one\ntwo\n")
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(tmp_path))
    fetch_files(derived("lists"), network=HASTY)
    assert web.asked == []


def test_another_upstream_is_an_error_with_both_digests_and_asked_for_again(
    web: Any, derived: DerivedCard, store_folder: Path
) -> None:
    web.bodies["/lists"] = archive({"a/list.txt": b"three\n"})
    with pytest.raises(WorkError) as caught:
        fetch_files(derived("lists"), network=HASTY)
    line = str(caught.value)
    for part in (
        "the upstream archive (owner/lists) has another content",
        f"expected SHA-256 {hashlib.sha256(b'one' + bytes([10]) + b'two' + bytes([10])).hexdigest()}",
        f"got {hashlib.sha256(b'three' + bytes([10])).hexdigest()}",
        "PROJECTKIT_MIRROR",
    ):
        assert part in line
    assert left_in(store_folder) == ["toy.tsv.bad"]
    web.bodies["/lists"] = LISTS
    fetch_files(derived("lists"), network=HASTY)
    assert web.asked == ["/lists", "/lists"]


@pytest.mark.parametrize(
    ("page", "body", "says"),
    [
        ("404", None, "404"),
        ("html", None, "a web page came"),
        ("lists", LISTS[:-40], r"the upstream archive differs \(.*cut off"),
        ("lists", b"rubbish", "no archive"),
        ("lists", archive({"../outside": b""}, folder=".."), "outside"),
        ("lists", archive({"bomb": bytes(2 << 20)}), "more than the 1048576 bytes"),
    ],
    ids=["missing", "web page", "cut off", "rubbish", "path outside", "bomb"],
)
def test_an_upstream_that_gives_nothing_useful_is_one_line_with_the_ways_out(
    web: Any, derived: DerivedCard, store_folder: Path, page: str, body: bytes | None, says: str
) -> None:
    if body is not None:
        web.bodies[f"/{page}"] = body
    with pytest.raises(WorkError, match=says) as caught:
        fetch_files(derived(page), network=HASTY)
    line = str(caught.value)
    assert "\n" not in line
    for way_out in ("another network", "PROJECTKIT_MIRROR", "toy/toy.tsv", "projectkit data list"):
        assert way_out in line
    assert left_in(store_folder) == []


def test_an_archive_larger_than_its_limit_is_not_kept(web: Any, derived: DerivedCard, store_folder: Path) -> None:
    web.bodies["/lists"] = NOISE * 400
    with pytest.raises(WorkError, match="more than 100000 bytes came"):
        fetch_files(derived("lists", limit=100_000), network=HASTY)
    assert left_in(store_folder) == []


def test_a_derivation_that_meets_other_files_is_one_line(derived: DerivedCard, web: Any) -> None:
    def surprised(sources: Mapping[str, Members]) -> bytes:
        return dict(sources["owner/lists"]())["not/there.txt"]

    web.bodies["/lists"] = LISTS
    card = derived("lists")
    file = card.files[0]
    assert file.derivation is not None
    odd = replace(file, derivation=replace(file.derivation, build=surprised))
    with pytest.raises(WorkError, match=r"cannot be rebuilt, the upstream archive differs \('not/there.txt'\)"):
        fetch_files(replace(card, files=(odd,)), network=HASTY)
