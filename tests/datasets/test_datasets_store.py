"""The store: what arrives is what the card says, or nothing arrives."""

from __future__ import annotations

import errno
import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from projectkit.datasets.card import Card
from projectkit.datasets.storage import store
from projectkit.datasets.storage.disk import sha256_of
from projectkit.datasets.storage.download import Network
from projectkit.datasets.storage.store import checked_files, fetch_files, is_here
from projectkit.errors import ProjectkitError, UserError, WorkError

HASTY = Network(
    connect_timeout_s=2.0, read_timeout_s=0.3, attempts=3, backoff_s=0.0, slow_window_s=0.3, slow_bytes_per_s=1000.0
)
TO_CONTINUE = ["toy.tsv.download", "toy.tsv.download.json"]
ToyCard = Callable[..., Card]


def one_line_of(card: Card, network: Network = HASTY) -> str:
    with pytest.raises(ProjectkitError) as caught:
        fetch_files(card, network=network)
    line = str(caught.value)
    assert "\n" not in line
    return line


def left_in(folder: Path) -> list[str]:
    """Files of the toy set, or of a folder of it."""
    return sorted(path.name for path in (folder / "toy").rglob("*") if path.is_file())


@pytest.mark.parametrize("page", ["good", "good.gz", "flaky"])
def test_a_file_arrives_uncompressed_and_whole(
    web: Any, toy_card: ToyCard, content: bytes, store_folder: Path, page: str
) -> None:
    card = toy_card(f"{web.url}/{page}")
    assert not is_here(card)
    (path,) = fetch_files(card, network=HASTY)
    assert path == store_folder / "toy" / "toy.tsv"
    assert path.read_bytes() == content
    assert left_in(store_folder) == ["toy.tsv"]
    assert is_here(card)
    assert checked_files(card) == {"toy.tsv": path}


def test_what_is_here_is_not_asked_for_again(web: Any, toy_card: ToyCard) -> None:
    card = toy_card(f"{web.url}/good")
    fetch_files(card)
    fetch_files(card)
    assert web.asked == ["/good"]


def test_progress_tells_bytes_so_far_and_in_all(web: Any, toy_card: ToyCard, content: bytes) -> None:
    seen: list[tuple[str, int, int]] = []
    fetch_files(toy_card(f"{web.url}/good"), progress=lambda *told: seen.append(told))
    assert seen[-1] == ("toy.tsv", len(content), len(content))


@pytest.mark.parametrize(
    ("page", "says", "attempts", "left"),
    [
        ("404", "404", 1, []),
        ("html", "a web page came instead of the data", 1, []),
        ("html.gz", "a web page came instead of the data", 1, []),
        ("garbage.gz", "not a gzip file", 1, []),
        ("busy", "503", 3, []),
        ("short", "broke off", 3, TO_CONTINUE),
        ("short.gz", "broke off in the middle of the gzip file", 2, []),  # whole for HTTP: fetched once more
        ("hang", "no answer in time", 3, []),
        ("stall", "no answer in time", 3, TO_CONTINUE),
        ("trickle", "no answer in time", 3, TO_CONTINUE),
    ],
)
def test_a_url_that_gives_no_data_is_one_line_with_the_ways_out(
    web: Any, toy_card: ToyCard, store_folder: Path, page: str, says: str, attempts: int, left: list[str]
) -> None:
    line = one_line_of(toy_card(f"{web.url}/{page}"))
    assert says in line
    assert f"{web.url}/{page}" in line
    for way_out in ("another network", "PROJECTKIT_MIRROR", "toy/toy.tsv", "projectkit data list", "digits"):
        assert way_out in line
    assert len(web.asked) == attempts
    assert left_in(store_folder) == left


def test_a_server_that_nobody_listens_at_is_no_connection(toy_card: ToyCard) -> None:
    assert "no connection" in one_line_of(toy_card("http://127.0.0.1:9/toy.tsv"))


def test_the_next_url_is_tried_when_one_fails(web: Any, toy_card: ToyCard) -> None:
    fetch_files(toy_card(f"{web.url}/404", f"{web.url}/good"), network=HASTY)
    assert web.asked == ["/404", "/good"]


@pytest.mark.parametrize("page", ["other", "endless"])
def test_another_content_is_kept_aside_and_never_published(
    web: Any, toy_card: ToyCard, store_folder: Path, page: str
) -> None:
    card = toy_card(f"{web.url}/{page}")
    line = one_line_of(card)
    assert card.files[0].sha256 in line
    assert f"{web.url}/{page}" in line
    assert "toy.tsv.bad" in line
    assert left_in(store_folder) == ["toy.tsv.bad"]
    assert not is_here(card)
    if page == "other":
        assert str(sha256_of(store_folder / "toy" / "toy.tsv.bad")) in line


def test_an_endless_answer_is_cut_off(web: Any, toy_card: ToyCard, content: bytes, store_folder: Path) -> None:
    assert f"more than {len(content)} bytes" in one_line_of(toy_card(f"{web.url}/endless"))
    assert (store_folder / "toy" / "toy.tsv.bad").stat().st_size <= len(content) + (1 << 18)


@pytest.mark.parametrize("packed", [False, True])
def test_the_mirror_is_looked_in_before_the_network(
    web: Any, toy_card: ToyCard, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    folder = tmp_path / "mirror" / "toy"
    folder.mkdir(parents=True)
    name, stored = ("toy.tsv.gz", gzip.compress(content)) if packed else ("toy.tsv", content)
    (folder / name).write_bytes(stored)
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(folder.parent))
    (path,) = fetch_files(toy_card(f"{web.url}/404"))
    assert path.read_bytes() == content
    assert web.asked == []


def test_a_file_that_the_mirror_lacks_comes_from_the_network(
    web: Any, toy_card: ToyCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(tmp_path))
    fetch_files(toy_card(f"{web.url}/good"))
    assert web.asked == ["/good"]


def test_a_mirror_that_is_no_folder_is_the_users_to_mend(toy_card: ToyCard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTKIT_MIRROR", "nowhere/at/all")
    with pytest.raises(UserError, match=r"PROJECTKIT_MIRROR=nowhere/at/all: no such folder"):
        fetch_files(toy_card())


def test_a_flipped_bit_in_the_mirror_is_an_error_that_names_the_file(
    toy_card: ToyCard, content: bytes, tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mirror" / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.tsv").write_bytes(bytes([content[0] ^ 1]) + content[1:])
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(folder.parent))
    assert str(folder / "toy.tsv") in one_line_of(toy_card())
    assert left_in(store_folder) == ["toy.tsv.bad"]


def test_a_truncated_archive_in_the_mirror_is_an_error_that_names_it(
    toy_card: ToyCard, content: bytes, tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mirror" / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.tsv.gz").write_bytes(gzip.compress(content)[:-30])
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(folder.parent))
    assert str(folder / "toy.tsv.gz") in one_line_of(toy_card())
    assert left_in(store_folder) == []


def test_a_set_without_url_says_where_it_comes_from_and_what_to_set(toy_card: ToyCard) -> None:
    line = one_line_of(toy_card())
    assert "no URL of its own (typed by hand)" in line
    assert "set PROJECTKIT_MIRROR=<folder> to one that holds toy/toy.tsv" in line


def test_a_damaged_file_in_the_store_is_found_when_it_is_read_and_mended_by_fetch(
    web: Any, toy_card: ToyCard, content: bytes, store_folder: Path
) -> None:
    card = toy_card(f"{web.url}/good")
    (path,) = fetch_files(card)
    path.write_bytes(content[:-1] + b"\0")
    with pytest.raises(
        WorkError, match=r"toy\.tsv: the file is damaged: expected SHA-256 .* got .*`projectkit data fetch toy`"
    ):
        checked_files(card)
    fetch_files(card)
    assert checked_files(card) == {"toy.tsv": path}
    assert left_in(store_folder) == ["toy.tsv", "toy.tsv.bad"]


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "cannot be written"), (errno.EIO, "cannot be used")],
)
def test_a_disk_that_refuses_is_one_line_and_leaves_nothing(
    web: Any, toy_card: ToyCard, store_folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    line = one_line_of(toy_card(f"{web.url}/good"))
    assert says in line
    assert "PROJECTKIT_STORE=" in line
    assert left_in(store_folder) == []
    assert web.asked == ["/good"]


def test_a_disk_that_fills_while_data_arrives_is_one_line_and_leaves_nothing(
    web: Any, toy_card: ToyCard, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    class Full(io.RawIOBase):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        found = opened(path, mode, *more, **named)
        return Full() if path.name == "toy.tsv.download" else found

    monkeypatch.setattr(Path, "open", full)
    line = one_line_of(toy_card(f"{web.url}/good"))
    assert "the disk is full (0.0 MB are needed)" in line
    assert "PROJECTKIT_STORE=" in line
    assert left_in(store_folder) == []


def test_a_store_that_is_a_file_is_one_line(web: Any, toy_card: ToyCard, store_folder: Path) -> None:
    store_folder.write_text("not a folder", encoding="utf-8")
    assert "PROJECTKIT_STORE=" in one_line_of(toy_card(f"{web.url}/good"))


def test_the_store_is_the_users_cache_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROJECTKIT_STORE")
    assert store.store_root().name in ("projectkit", "Cache")  # Windows: ...\projectkit\Cache
