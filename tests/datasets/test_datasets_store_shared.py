"""A store that is shared: between versions, users, teams with cards of one name, and processes that wait for each other."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import filelock
import pytest

from projectkit.datasets.card import Card, RemoteFile
from projectkit.datasets.storage import archives, locks, store
from projectkit.datasets.storage.store import checked_files, fetch_files, folder_of, is_here
from projectkit.errors import WorkError

ToyCard = Callable[..., Card]


@pytest.fixture
def mirrored(toy_card: ToyCard, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """The toy card, its file in a mirror."""
    (tmp_path / "mirror" / "toy").mkdir(parents=True)
    (tmp_path / "mirror" / "toy" / "toy.tsv").write_bytes(content)
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(tmp_path / "mirror"))
    return toy_card()


def test_a_store_says_its_schema(mirrored: Card, store_folder: Path) -> None:
    fetch_files(mirrored)
    assert json.loads((store_folder / "store.json").read_text(encoding="utf-8")) == {"schema": locks.SCHEMA}


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(mirrored: Card, store_folder: Path) -> None:
    fetch_files(mirrored)
    described = store_folder / "store.json"
    described.write_text('{"schema": 99}', encoding="utf-8")
    for use in (fetch_files, checked_files):
        with pytest.raises(WorkError, match=r"newer version .*99.*; upgrade projectkit, or set PROJECTKIT_STORE="):
            use(mirrored)
    with pytest.raises(WorkError, match="newer version"), store.locked(mirrored):
        pass
    assert described.read_text(encoding="utf-8") == '{"schema": 99}'


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "new"}'])
def test_a_damaged_description_of_the_store_is_one_line(mirrored: Card, store_folder: Path, text: str) -> None:
    store_folder.mkdir()
    (store_folder / "store.json").write_text(text, encoding="utf-8")
    with pytest.raises(WorkError, match=r"store\.json: not a store's description; delete this file"):
        fetch_files(mirrored)


def test_it_is_said_that_another_process_is_waited_for(
    toy_card: ToyCard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, store_folder: Path
) -> None:
    monkeypatch.setattr(locks, "_PATIENCE_S", 0.05)
    card = toy_card()
    with store.locked(card):
        pass  # makes the folder of the locks
    held, waited = threading.Event(), threading.Event()

    def other() -> None:
        with filelock.FileLock(store_folder / ".locks" / "toy.lock"):
            held.set()
            waited.wait(0.4)

    threading.Thread(target=other).start()
    assert held.wait(10)
    with caplog.at_level(logging.WARNING), store.locked(card) as writable:
        assert writable
    assert "toy: waiting for another process" in caplog.text


def test_a_lock_can_be_taken_again_by_who_holds_it(toy_card: ToyCard) -> None:
    card = toy_card()
    with store.locked(card), store.locked(card) as writable:
        assert writable


def test_threads_of_one_process_wait_for_each_other(toy_card: ToyCard) -> None:
    card, order = toy_card(), []
    inside = threading.Event()

    def second() -> None:
        inside.wait(10)
        with store.locked(card):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.locked(card):
        inside.set()
        thread.join(0.3)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_store_that_cannot_be_locked_serves_what_it_has(
    mirrored: Card, toy_card: ToyCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    fetch_files(mirrored)
    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    assert fetch_files(mirrored) == list(checked_files(mirrored).values())
    lacking = replace(mirrored, files=(*mirrored.files, replace(mirrored.files[0], name="second.tsv")))
    with pytest.raises(WorkError, match=r"second\.tsv: the store cannot be written; set PROJECTKIT_STORE="):
        fetch_files(lacking)


def test_own_cards_of_one_name_and_other_files_do_not_meet(toy_card: ToyCard, content: bytes, tmp_path: Path) -> None:
    cards = []
    for number in range(2):
        folder = tmp_path / f"team-{number}"
        folder.mkdir()
        mine = content + b"\n" * number
        (folder / "toy.tsv").write_bytes(mine)
        file = RemoteFile("toy.tsv", len(mine), hashlib.sha256(mine).hexdigest())
        cards.append(replace(toy_card(), folder=folder, files=(file,)))
    for card in cards:
        fetch_files(card)
    assert folder_of(cards[0]) != folder_of(cards[1])
    for card in cards:
        checked_files(card)


def test_an_own_file_that_has_changed_says_which_card_to_mend(
    toy_card: ToyCard, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "toy.tsv").write_bytes(content[::-1])
    with pytest.raises(WorkError) as caught:
        fetch_files(replace(toy_card(), folder=tmp_path))
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'toy.tsv'}: ")
    assert "expected SHA-256" in line
    assert "mend size and SHA-256 in the card of toy" in line


@pytest.fixture
def zipped(toy_card: ToyCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """A card of a zip that is known by its content, and a mirror that holds the zip packed otherwise."""
    (tmp_path / "mirror" / "toy").mkdir(parents=True)
    mirror = tmp_path / "mirror" / "toy" / "toy.zip"
    for path, method in ((tmp_path / "first.zip", zipfile.ZIP_STORED), (mirror, zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("a.txt", b"a" * 1000)
            archive.writestr("b.txt", b"b" * 1000)
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(tmp_path / "mirror"))
    size, digest = archives.zip_digest(tmp_path / "first.zip")
    return replace(toy_card(), files=(RemoteFile("toy.zip", size, digest, content="zip"),))


def test_a_zip_is_known_by_its_content(zipped: Card) -> None:
    assert not is_here(zipped)
    (path,) = fetch_files(zipped)
    assert is_here(zipped)
    assert path.stat().st_size < zipped.files[0].size == 2000
    assert checked_files(zipped) == {"toy.zip": path}


def test_a_broken_zip_is_not_taken(zipped: Card, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror" / "toy" / "toy.zip"
    mirror.write_bytes(mirror.read_bytes()[:-30])
    with pytest.raises(WorkError, match=r"another content than the card says: .*the archive is cut off"):
        fetch_files(zipped)
    assert not is_here(zipped)
