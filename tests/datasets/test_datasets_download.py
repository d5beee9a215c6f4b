"""Downloads: continued where they stopped, and right in the end or not there at all."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from projectkit.datasets.card import Card
from projectkit.datasets.storage.download import Network, OriginError, download
from projectkit.datasets.storage.store import checked_files, fetch_files
from projectkit.errors import WorkError

HASTY = Network(connect_timeout_s=2.0, read_timeout_s=0.3, attempts=3, backoff_s=0.0)
ONCE = Network(connect_timeout_s=2.0, read_timeout_s=0.3, attempts=1)
ToyCard = Callable[..., Card]


def asked_for(web: Any) -> list[tuple[str | None, str | None]]:
    return [(headers.get("Range"), headers.get("If-Range")) for headers in web.headers]


def put_part(store_folder: Path, url: str, content: bytes, *, total: int = 0, version: str = "") -> Path:
    """What an earlier process left of a download."""
    part = store_folder / "toy" / "toy.tsv.download"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    note = {"url": url, "version": version, "total": total}
    part.with_name("toy.tsv.download.json").write_text(json.dumps(note), encoding="utf-8")
    return part


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "toy").iterdir())


@pytest.mark.parametrize(
    ("page", "then"),
    [
        ("ranged", ("bytes=1000-", '"1"')),
        ("unversioned", ("bytes=1000-", None)),  # the SHA-256 decides whether both parts are of one version
        ("unsized", ("bytes=1000-", '"1"')),  # the card knows how long it is
        ("renewed", ("bytes=1000-", '"1"')),  # the server has another version now and sends all of it
    ],
)
def test_a_download_that_broke_off_is_continued(
    web: Any, toy_card: ToyCard, store_folder: Path, page: str, then: tuple[str, str | None]
) -> None:
    card = toy_card(f"{web.url}/{page}")
    fetch_files(card, network=HASTY)
    assert asked_for(web) == [(None, None), then]
    checked_files(card)
    assert left_in(store_folder) == ["toy.tsv"]


def test_the_next_process_continues_what_an_earlier_one_left(web: Any, toy_card: ToyCard, store_folder: Path) -> None:
    card = toy_card(f"{web.url}/ranged")
    with pytest.raises(WorkError, match="broke off"):
        fetch_files(card, network=ONCE)
    assert left_in(store_folder) == ["toy.tsv.download", "toy.tsv.download.json"]
    assert (store_folder / "toy" / "toy.tsv.download").stat().st_size == 1000
    fetch_files(card, network=ONCE)
    assert asked_for(web)[1:] == [("bytes=1000-", '"1"')]
    checked_files(card)


def test_a_packed_file_is_continued_too(web: Any, toy_card: ToyCard, store_folder: Path) -> None:
    noise = hashlib.shake_128(b"x").digest(5000)
    web.bodies["/ranged.gz"] = gzip.compress(noise)
    card = toy_card(f"{web.url}/ranged.gz")
    file = replace(card.files[0], size=len(noise), sha256=hashlib.sha256(noise).hexdigest())
    fetch_files(replace(card, files=(file,)), network=HASTY)
    assert asked_for(web)[1][0] == "bytes=1000-"
    assert (store_folder / "toy" / "toy.tsv").read_bytes() == noise


def test_two_versions_in_one_file_are_fetched_once_more_from_the_start(
    web: Any, toy_card: ToyCard, store_folder: Path
) -> None:
    card = toy_card(f"{web.url}/mixed")
    fetch_files(card, network=HASTY)
    assert [span for span, _ in asked_for(web)] == [None, "bytes=1000-", None]
    checked_files(card)


def test_a_server_without_ranges_sends_all_again(
    web: Any, toy_card: ToyCard, content: bytes, store_folder: Path
) -> None:
    put_part(store_folder, f"{web.url}/good", content[:700])
    card = toy_card(f"{web.url}/good")
    fetch_files(card, network=HASTY)
    assert asked_for(web) == [("bytes=700-", None)]
    checked_files(card)


def test_what_is_whole_already_is_not_asked_for(
    web: Any, toy_card: ToyCard, content: bytes, store_folder: Path
) -> None:
    put_part(store_folder, f"{web.url}/good", content, total=len(content))
    card = toy_card(f"{web.url}/good")
    fetch_files(card, network=HASTY)
    assert web.asked == []
    checked_files(card)


def test_a_whole_file_that_was_wrong_is_asked_for_again(
    web: Any, toy_card: ToyCard, content: bytes, store_folder: Path
) -> None:
    put_part(store_folder, f"{web.url}/good", content[::-1], total=len(content))
    card = toy_card(f"{web.url}/good")
    fetch_files(card, network=HASTY)
    assert asked_for(web) == [(None, None)]
    checked_files(card)


@pytest.mark.parametrize("note", [None, "", "[]", '{"url": 1}', "other url"])
def test_a_part_whose_origin_is_not_known_starts_over(
    web: Any, toy_card: ToyCard, content: bytes, store_folder: Path, note: str | None
) -> None:
    part = put_part(store_folder, f"{web.url}/elsewhere", content[:700])
    described = part.with_name("toy.tsv.download.json")
    if note is None:
        described.unlink()
    elif note != "other url":
        described.write_text(note, encoding="utf-8")
    card = toy_card(f"{web.url}/ranged")
    fetch_files(card, network=HASTY)
    assert asked_for(web)[0] == (None, None)
    checked_files(card)


def test_a_server_that_has_less_than_what_came_is_asked_from_the_start(
    web: Any, toy_card: ToyCard, content: bytes, store_folder: Path
) -> None:
    put_part(store_folder, f"{web.url}/refused", content[:900])
    card = toy_card(f"{web.url}/refused")
    fetch_files(card, network=HASTY)
    assert [span for span, _ in asked_for(web)] == ["bytes=900-", None]
    checked_files(card)


def test_an_attempt_that_brings_much_does_not_count(web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projectkit.datasets.storage.download._HEADWAY", 500)
    web.bodies["/ranged"] = b"x" * 3000
    part = tmp_path / "part"
    assert download(f"{web.url}/ranged", part, limit=3000, tell=lambda *_: None, network=replace(HASTY, attempts=2))
    assert part.read_bytes() == b"x" * 3000
    with pytest.raises(OriginError, match="broke off"):  # here each attempt starts over
        download(
            f"{web.url}/short", tmp_path / "b", limit=9000, tell=lambda *_: None, network=replace(HASTY, attempts=1)
        )


@pytest.mark.parametrize("url", ["http://", "nonsense://x/y", "http://[::1"])
def test_a_url_that_is_none_is_one_line(toy_card: ToyCard, url: str) -> None:
    with pytest.raises(WorkError, match="no transfer"):
        fetch_files(toy_card(url), network=ONCE)


def test_a_redirect_to_no_url_is_one_line(web: Any, toy_card: ToyCard) -> None:
    with pytest.raises(WorkError, match=r"/astray: no transfer"):
        fetch_files(toy_card(f"{web.url}/astray"), network=ONCE)


def test_a_login_page_is_known_behind_a_byte_order_mark(web: Any, toy_card: ToyCard) -> None:
    web.bodies["/login"] = b"\xef\xbb\xbf<!DOCTYPE html><html></html>"
    with pytest.raises(WorkError, match="a web page came instead of the data"):
        fetch_files(toy_card(f"{web.url}/login"), network=ONCE)


def test_a_server_that_packs_what_it_sends_is_understood(web: Any, toy_card: ToyCard, content: bytes) -> None:
    card = toy_card(f"{web.url}/deflated")
    fetch_files(card, network=HASTY)
    assert [path.read_bytes() for path in checked_files(card).values()] == [content]


def test_progress_goes_on_where_the_download_does(web: Any, toy_card: ToyCard, content: bytes) -> None:
    told: list[int] = []
    fetch_files(toy_card(f"{web.url}/ranged"), progress=lambda _, done, total: told.append(done), network=HASTY)
    assert told == sorted(told)
    assert told[-1] == len(content)


def test_a_wrong_file_at_one_url_is_had_from_the_next(web: Any, toy_card: ToyCard, store_folder: Path) -> None:
    card = toy_card(f"{web.url}/other", f"{web.url}/good")
    fetch_files(card, network=HASTY)
    checked_files(card)
    assert left_in(store_folder) == ["toy.tsv", "toy.tsv.bad"]
