"""CIFAR-10: the real archive is nobody's but its makers'; a small one of its form, served from 127.0.0.1, stands for it."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import http.server
import io
import re
import tarfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from projectkit.datasets import Samples, catalogue
from projectkit.datasets.card import Card, RemoteFile
from projectkit.datasets.storage import store
from projectkit.errors import WorkError


def packed(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def batches(rows: int = 20) -> dict[str, bytes]:
    """Like the real archive's members, in another order; picture n of a batch has the label n mod 10 and n in every byte."""
    names = ["test_batch", *(f"data_batch_{number}" for number in (3, 1, 2, 5, 4))]
    content = b"".join(bytes([n % 10]) + bytes([n]) * 3072 for n in range(rows))
    found = {f"cifar-10-batches-bin/{name}.bin": content for name in names}
    return {"cifar-10-batches-bin/batches.meta.txt": b"airplane\n", **found}


@pytest.fixture
def served(tmp_path: Path, loopback: None) -> Iterator[Callable[[bytes], Card]]:
    """From an archive to the card of CIFAR-10 with this archive in place of the real one, to be had from 127.0.0.1."""
    folder = tmp_path / "www"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def serve(content: bytes) -> Card:
        (folder / "cifar-10-binary.tar.gz").write_bytes(content)
        url = f"http://127.0.0.1:{server.server_address[1]}/cifar-10-binary.tar.gz"
        file = RemoteFile("cifar-10-binary.tar.gz", len(content), hashlib.sha256(content).hexdigest(), (url,))
        return dataclasses.replace(catalogue.card("cifar10"), files=(file,))

    yield serve
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def read_fetched(card: Card) -> Samples:
    store.fetch_files(card)
    return card.read(store.checked_files(card))


def test_cifar10_is_read_from_an_archive_of_its_form(served: Callable[[bytes], Card]) -> None:
    card = served(packed(batches()))
    samples = read_fetched(card)
    assert isinstance(samples.x, np.ndarray)
    assert samples.x.shape == (120, 3, 32, 32)
    assert samples.x.dtype == np.uint8
    assert samples.x[25].tolist() == np.full((3, 32, 32), 5).tolist()
    assert samples.y["object"].tolist() == list(range(10)) * 12
    assert samples.id[[0, 99, 100, 119]].tolist() == ["train-00000", "train-00099", "test-00000", "test-00019"]
    assert samples.source is not None
    assert (samples.source[100:] == "test").all()


def test_the_colours_of_a_photograph_come_one_after_another(served: Callable[[bytes], Card]) -> None:
    record = bytes([7]) + bytes([10]) * 1024 + bytes([20]) * 1024 + bytes([30]) * 1024
    samples = read_fetched(served(packed({name: record for name in batches() if name.endswith(".bin")})))
    assert isinstance(samples.x, np.ndarray)
    assert samples.x[0, :, 5, 9].tolist() == [10, 20, 30]


def without(name: str) -> dict[str, bytes]:
    return {path: content for path, content in batches().items() if name not in path}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed(batches())[:-900], "cut off, damaged or no archive"),
        (packed(without("data_batch_4")), "the archive has no data_batch_4.bin"),
        (packed(batches() | {"cifar-10-batches-bin/test_batch.bin": bytes(3072)}), "test_batch.bin has 3072 bytes"),
        (packed(batches() | {"../../outside.bin": b"x"}), "a path outside"),
        (packed(batches() | {"/etc/passwd": b"x"}), "a path outside"),
        (packed(batches() | {"bomb": bytes(201_000_000)}), "it may be a bomb"),
        (gzip.compress(b"neither tar nor zip" * 99), "cut off, damaged or no archive"),
    ],
    ids=["truncated", "a batch missing", "a batch cut off", "outside", "absolute", "bomb", "no tar"],
)
def test_a_bad_archive_is_refused_in_one_line_and_leaves_nothing_behind(
    served: Callable[[bytes], Card], content: bytes, message: str, store_folder: Path
) -> None:
    card = served(content)
    with pytest.raises(WorkError, match=re.escape(message)) as caught:
        read_fetched(card)
    assert "\n" not in str(caught.value)
    left = [path.name for path in (store_folder / card.name).iterdir() if not path.name.startswith(".")]
    assert left == ["cifar-10-binary.tar.gz"]
    assert not list(store_folder.parent.rglob("outside.bin"))


def test_reading_cifar10_takes_no_more_than_three_times_the_array(served: Callable[[bytes], Card]) -> None:
    card = served(packed(batches(rows=200)))
    store.fetch_files(card)
    files = store.checked_files(card)
    card.read(files)  # imports and caches are not the reader's
    tracemalloc.start()
    samples = card.read(files)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(samples.x, np.ndarray)
    assert peak < 3 * samples.x.nbytes
