"""The cache: the same samples again, mapped from the disk, and never anything else."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest

from projectkit.datasets.card import Card
from projectkit.datasets.columns import Table, Texts, Tokens
from projectkit.datasets.samples import Samples
from projectkit.datasets.storage import cache
from projectkit.datasets.storage.cache import cached
from projectkit.errors import WorkError

N = 7
INPUTS: dict[str, Callable[[], Any]] = {
    "texts": lambda: Texts.of(["", "naïve", "\udcff", "x" * 50, "日本", "", "end"]),
    "no text": lambda: Texts.of([""] * N),
    "tokens": lambda: Tokens(
        np.array([0, 1, 1, 0, 2], dtype=np.uint16), np.array([0, 2, 2, 5, 5, 5, 5, 5]), ("a", "b", "\udcff")
    ),
    "table": lambda: Table(
        np.arange(2 * N, dtype=np.float32).reshape(N, 2), ("p", "q"), np.array([["tcp"]] * N), ("protocol",)
    ),
    "numbers alone": lambda: Table(np.full((N, 1), np.nan, np.float32), ("p",), np.empty((N, 0), "U1"), ()),
    "image": lambda: np.arange(N * 12, dtype=np.uint8).reshape(N, 3, 2, 2),
    "series": lambda: np.arange(N * 4, dtype=np.float32).reshape(N, 1, 4),
}


def samples_of(x: Any, *, full: bool = True) -> Samples:
    more: dict[str, Any] = {}
    if full:
        more = {
            "group": np.array([f"g{n % 2}" for n in range(N)]),
            "time": np.arange(N) * 0.5,
            "source": np.array(["é"] * N),
            "copies": np.arange(N),
        }
    labels = {"one/../two": np.arange(N) % 2, "b": np.zeros(N, dtype=np.int64)}
    return Samples(np.array([f"id-{n}" for n in range(N)]), x, labels, **more)


@pytest.fixture
def card(toy_card: Callable[..., Card], content: bytes, store_folder: Path) -> Card:
    """The toy card, its raw file in the store."""
    (store_folder / "toy").mkdir(parents=True)
    (store_folder / "toy" / "toy.tsv").write_bytes(content)
    return toy_card()


def never() -> Samples:
    raise AssertionError("built although there is a cache")


def same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    if isinstance(a, Texts | Tokens | Table):
        return type(a) is type(b) and all(
            value == vars(b)[name] if isinstance(value, tuple) else same(value, vars(b)[name])
            for name, value in vars(a).items()
        )
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def mapped(array: np.ndarray[Any, Any]) -> bool:
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base is not None


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("form", INPUTS)
def test_samples_come_back_as_they_were(card: Card, form: str, full: bool) -> None:
    original = samples_of(INPUTS[form](), full=full)
    for again in (cached(card, lambda: original), cached(card, never)):
        assert list(again.y) == list(original.y)
        assert all(same(original.y[target], again.y[target]) for target in original.y)
        for name in ("id", "x", "group", "time", "source", "copies"):
            assert same(getattr(original, name), getattr(again, name)), name


def test_columns_are_mapped_and_cannot_be_written(card: Card) -> None:
    again = cached(card, lambda: samples_of(INPUTS["image"]()))
    for column in (again.id, again.x, again.y["b"], again.group, again.copies):
        assert isinstance(column, np.ndarray)
        assert mapped(column)
        assert type(column) is np.ndarray  # a view of it is no memmap either
        assert not column.flags.writeable


def test_another_revision_has_a_cache_of_its_own(card: Card) -> None:
    cached(card, lambda: samples_of(INPUTS["image"]()))
    newer = replace(card, revision=2)
    assert same(cached(newer, lambda: samples_of(INPUTS["series"]())).x, INPUTS["series"]())
    assert same(cached(card, never).x, INPUTS["image"]())


def test_each_damaged_file_is_noticed_and_the_cache_made_anew(card: Card) -> None:
    original = samples_of(INPUTS["table"]())
    cached(card, lambda: original)
    folder = cache.folder_of(card)
    names = sorted(path.name for path in folder.iterdir())
    assert "meta.json" in names
    for name in names:
        path = folder / name
        raw = bytearray(path.read_bytes())
        raw[-3] ^= 1
        path.write_bytes(raw)
        assert [each.name for each, _ in cache.faults(folder)] == [name] or name == "meta.json"
        assert same(cached(card, lambda: original).x, original.x)
        assert cache.faults(folder) == []
        assert same(cached(card, never).x, original.x)
    assert folder.with_name(f"{folder.name}.bad").is_dir()


@pytest.mark.parametrize("name", ["meta.json", "id.npy", "x.npy"])
@pytest.mark.parametrize("what", ["gone", "empty", "half"])
def test_a_half_written_cache_is_never_served(card: Card, name: str, what: str) -> None:
    original = samples_of(INPUTS["image"]())
    cached(card, lambda: original)
    path = cache.folder_of(card) / name
    raw = path.read_bytes()
    path.unlink()
    if what != "gone":
        path.write_bytes(raw[: len(raw) // 2] if what == "half" else b"")
    assert cache.faults(path.parent)
    asked = []

    def build() -> Samples:
        asked.append(1)
        return original

    cached(card, build)
    assert asked == [1]
    cached(card, never)


def test_a_description_that_lies_is_not_believed(card: Card) -> None:
    original = samples_of(INPUTS["image"]())
    cached(card, lambda: original)
    path = cache.folder_of(card) / "meta.json"
    for lie in ([], {}, {"columns": []}, {"columns": {}}, {"columns": {"id": {"file": "../../toy.tsv"}}}):
        path.write_text(json.dumps(lie), encoding="utf-8")
        assert same(cached(card, lambda: original).x, original.x)


def test_a_raw_file_of_another_size_is_not_served_from_the_cache(card: Card, store_folder: Path) -> None:
    cached(card, lambda: samples_of(INPUTS["image"]()))
    (store_folder / "toy" / "toy.tsv").write_bytes(b"short")
    with pytest.raises(AssertionError, match="built"):
        cached(card, never)


def test_what_a_killed_process_left_is_removed(card: Card) -> None:
    folder = cache.folder_of(card)
    part = folder.with_name(f"{folder.name}.part")
    part.mkdir(parents=True)
    (part / "id.npy").write_bytes(b"half")
    cached(card, lambda: samples_of(INPUTS["image"]()))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("told", [(errno.ENOSPC, os.strerror(errno.ENOSPC)), ("498 requested and 257 written",)])
def test_on_a_full_disk_the_samples_are_read_into_memory(
    card: Card, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, told: tuple[Any, ...]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(*told)

    original = samples_of(INPUTS["image"]())
    monkeypatch.setattr(np, "save", full)
    with caplog.at_level(logging.WARNING):
        assert cached(card, lambda: original) is original
    assert "its parsed form cannot be kept: the disk is full" in caplog.text
    assert list(cache.folder_of(card).parent.iterdir()) == []


def test_in_a_store_that_cannot_be_written_the_samples_are_read_into_memory(
    card: Card, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    original = samples_of(INPUTS["image"]())
    with monkeypatch.context() as frozen:
        frozen.setattr(filelock.FileLock, "acquire", refuse)
        assert cached(card, lambda: original) is original
    assert "cannot be written" in caplog.text
    cached(card, lambda: original)
    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    assert same(cached(card, never).x, original.x)  # a cache that is there needs no lock


def test_a_column_of_objects_is_the_readers_fault(card: Card) -> None:
    odd = replace(samples_of(INPUTS["image"]()), source=np.array([None] * N, dtype=object))
    with pytest.raises(WorkError, match="the column source holds objects"):
        cached(card, lambda: odd)
    assert not cache.folder_of(card).exists()


def test_a_set_without_files_has_no_cache(card: Card, store_folder: Path) -> None:
    made = samples_of(INPUTS["image"]())
    assert cached(replace(card, files=()), lambda: made) is made
