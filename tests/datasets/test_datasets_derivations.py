"""Derived files are made again from upstream archives, whatever bytes and order these come in."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import random
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from projectkit.datasets.card import Card, Derivation, RemoteFile
from projectkit.datasets.derivations import dga, gtsrb, juliet
from projectkit.datasets.storage import store
from projectkit.datasets.storage.archives import zip_digest
from projectkit.errors import WorkError

Tree = Mapping[str, bytes]

CASE = """
#include "std_testcase.h"
void CWE121_x_01_bad()
{
    int data; /* POTENTIAL FLAW: says what it is */
    data = badSource(); // bad
    printLine("a message of more than twenty characters");
    buffer[data] = 1;
}
static void goodG2B()
{
    int data = 7; printLine("short"); goodSink(data); buffer[data] = data + data;
}
static void good1()
{
    only(); calls(); others(); and(); has(); no(); assignment();
}
void CWE121_x_01_good()
{
    goodG2B(); int a = 0; a = a + 1 + 2 + 3 + 4 + 5 + 6 + 7;
}
"""


def tarball(tree: Tree, *, seed: int, folder: str) -> bytes:
    """An archive as a host would make it: its folder first, members in some order."""
    packed = io.BytesIO()
    paths = sorted(tree)
    random.Random(seed).shuffle(paths)
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in paths:
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size = len(tree[path])
            archive.addfile(entry, io.BytesIO(tree[path]))
    return packed.getvalue()


def ppm(width: int, height: int, shade: int, *, newline: bytes = b"\n", more: bytes = b"") -> bytes:
    return (
        b"P6"
        + newline
        + f"{width} {height}".encode()
        + newline
        + b"255"
        + newline
        + bytes([shade] * width * height * 3)
        + more
    )


def names(family: str, count: int) -> bytes:
    return "\n".join(f"{family}{number}.example.com" for number in range(count)).encode()


DGA_TREES = {
    dga.FAMILIES: {
        "large/example_domains.txt": names("large", 1_200),
        "large/v2/more_domains.txt": names("large", 300).upper() + b"\r\n",  # the same names again
        "table/domains.txt": b"\n".join(line + b"  2020-01-01 seed" for line in names("table", 260).split(b"\n")),
        "small/domains.txt": names("small", 200),
        "murofet/v3/example_domains.txt": names("murofet", 900),
        "large/dga.py": b"print('no list')",
    },
    dga.BENIGN: {
        "dga_wordlists/opendns-top-domains.txt": b"one.com\ntwo.com\nwith_underscore.com\n",
        "dga_wordlists/opendns-random-domains.txt": b"two.com\nthree.com\n",
        "dga_wordlists/other.txt": b"other.com",
    },
}
JULIET_TREES = {
    juliet.SOURCE: {
        "testcases/CWE121_Stack/s01/CWE121_x_01.c": CASE.encode(),
        "testcases/CWE121_Stack/s01/CWE121_x_41.c": CASE.replace("_01", "_41").encode(),  # another flow
        "testcases/CWE121_Stack/s01/CWE121_x_01.cpp": CASE.encode(),
        "testcases/CWE999_None/CWE999_x_01.c": CASE.replace("CWE121_x_01", "CWE999_x_01").encode(),
        "README.md": b"a readme",
    }
}
GTSRB_TREES = {
    gtsrb.SOURCE: {
        "gtsrb/10/3_2.ppm": ppm(40, 48, 200, newline=b"\r\n"),
        "gtsrb/2/0_5.ppm": ppm(32, 32, 77),
        "gtsrb/10/1_8.ppm": ppm(20, 20, 10),
        "gtsrb/2/0_4.ppm": ppm(32, 32, 1),  # not a third frame
        "gtsrb/2/0_8.ppm": b"",
        "gtsrb/2/0_11.ppm": ppm(32, 32, 5, more=b"\r"),  # damaged
    }
}


def made(derivation: Derivation, trees: Mapping[str, Tree], order: int) -> bytes:
    def members(tree: Tree) -> Iterator[tuple[str, bytes]]:
        paths = sorted(tree)
        random.Random(order).shuffle(paths)
        return ((path, tree[path]) for path in paths)

    return derivation.build({name: functools.partial(members, tree) for name, tree in trees.items()})


@pytest.mark.parametrize(
    ("derivation", "trees"),
    [(dga.DERIVATION, DGA_TREES), (juliet.DERIVATION, JULIET_TREES), (gtsrb.DERIVATION, GTSRB_TREES)],
    ids=["dga", "juliet", "gtsrb"],
)
def test_the_order_of_the_archive_does_not_matter(derivation: Derivation, trees: Mapping[str, Tree]) -> None:
    assert len({made(derivation, trees, order) for order in range(5)}) == 1


def test_families_that_are_large_enough_are_drawn_and_benign_names_are_distinct() -> None:
    header, *rows = made(dga.DERIVATION, DGA_TREES, 0).decode().splitlines()
    assert header == "domain,family"
    families = [row.split(",")[1] for row in rows]
    assert families == ["large"] * 1_000 + ["table"] * 260 + ["benign"] * 4
    assert len(set(rows)) == len(rows)
    assert {row.split(",")[0] for row in rows[-4:]} == {"one.com", "two.com", "three.com", "with_underscore.com"}


def test_functions_are_stripped_of_what_names_their_label() -> None:
    rows = [json.loads(line) for line in made(juliet.DERIVATION, JULIET_TREES, 0).decode().splitlines()]
    assert [(row["label"], row["cwe"], row["variant"], row["flow"]) for row in rows] == [
        (0, 121, "CWE121_x", 1),
        (1, 121, "CWE121_x", 1),
    ]
    assert rows[1]["code"] == 'int data; data = Source(); printLine("S"); buffer[data] = 1;'
    assert rows[0]["code"] == 'int data = 7; printLine("short"); Sink(data); buffer[data] = data + data;'


def test_whole_third_frames_are_kept_in_the_order_of_class_track_and_frame(tmp_path: Path) -> None:
    file = tmp_path / "signs.npz"
    file.write_bytes(made(gtsrb.DERIVATION, GTSRB_TREES, 0))
    with np.load(file) as arrays:
        assert arrays["x"].shape == (3, 32, 32, 3)
        assert arrays["x"][:, 0, 0, 0].tolist() == [10, 200, 77]
        assert arrays["y"].tolist() == [10, 10, 2]
        assert arrays["track"].tolist() == [1, 3, 0]
        assert arrays["frame"].tolist() == [8, 2, 5]


@dataclass
class Host:
    """Serves a folder on 127.0.0.1."""

    folder: Path
    url: str


@pytest.fixture
def host(tmp_path: Path, loopback: None) -> Iterator[Host]:
    folder = tmp_path / "host"
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield Host(folder, f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


def served(derivation: Derivation, host: Host) -> Derivation:
    """The same derivation, from archives on this machine."""
    upstreams = tuple(
        replace(upstream, urls=(f"{host.url}/{upstream.name.replace('/', '-')}.tar.gz",))
        for upstream in derivation.upstreams
    )
    return replace(derivation, upstreams=upstreams)


@pytest.mark.parametrize(
    ("derivation", "trees"),
    [(dga.DERIVATION, DGA_TREES), (juliet.DERIVATION, JULIET_TREES), (gtsrb.DERIVATION, GTSRB_TREES)],
    ids=["dga", "juliet", "gtsrb"],
)
def test_a_file_is_rebuilt_from_archives_that_the_host_packs_anew(
    derivation: Derivation,
    trees: Mapping[str, Tree],
    host: Host,
    tmp_path: Path,
    toy: Card,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = made(derivation, trees, 0)
    expected = tmp_path / "expected"
    expected.write_bytes(content)
    size, digest = len(content), hashlib.sha256(content).hexdigest()
    kind = "zip" if derivation is gtsrb.DERIVATION else "bytes"
    if kind == "zip":
        size, digest = zip_digest(expected)
    file = RemoteFile("derived", size, digest, derivation=served(derivation, host), content=kind)
    card = replace(toy, files=(file,))
    for attempt in range(2):
        for name, tree in trees.items():
            packed = tarball(tree, seed=attempt, folder=f"{name.rpartition('/')[2]}-{attempt}")
            (host.folder / f"{name.replace('/', '-')}.tar.gz").write_bytes(packed)
        monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / f"store{attempt}"))
        [path] = store.fetch_files(card)
        assert path.read_bytes() == content
        assert sorted(each.name for each in path.parent.iterdir()) == ["derived"]  # no archive is left


def test_an_upstream_with_another_content_is_told_and_nothing_is_published(
    host: Host, toy: Card, store_folder: Path
) -> None:
    content = made(juliet.DERIVATION, JULIET_TREES, 0)
    file = RemoteFile(
        "derived", len(content), hashlib.sha256(content).hexdigest(), derivation=served(juliet.DERIVATION, host)
    )
    tree = dict(JULIET_TREES[juliet.SOURCE])
    tree["testcases/CWE121_Stack/s01/CWE121_x_01.c"] = CASE.replace("= 7", "= 8").encode()
    packed = tarball(tree, seed=0, folder="changed")
    (host.folder / f"{juliet.SOURCE.replace('/', '-')}.tar.gz").write_bytes(packed)
    with pytest.raises(WorkError, match="another content than the card says") as caught:
        store.fetch_files(replace(toy, files=(file,)))
    assert file.sha256 in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (store_folder / toy.name / "derived").exists()
