"""A store of each test's own, real data where a mirror gives it, and a small web server that behaves badly on request."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from projectkit.datasets import catalogue
from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.samples import Samples, encode_labels

CONTENT = b"".join(b"message %d\t%s\n" % (n, (b"ham", b"spam")[n % 2]) for n in range(200))

_MIRROR = os.environ.get("PROJECTKIT_MIRROR", "")  # read before the tests hide it


@pytest.fixture(autouse=True)
def store_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store, no mirror, no proxy between us and 127.0.0.1."""
    folder = tmp_path / "store"
    monkeypatch.setenv("PROJECTKIT_STORE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("PROJECTKIT_MIRROR", raising=False)
    return folder


@pytest.fixture(scope="session")
def real_mirror() -> str:
    """The mirror that the environment names."""
    if not _MIRROR or not Path(_MIRROR).is_dir():
        pytest.skip("real data: set PROJECTKIT_MIRROR to a folder that holds it")
    return _MIRROR


@pytest.fixture(scope="session")
def real_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests on real data, so that each set is unpacked once."""
    return tmp_path_factory.mktemp("real-store")


@pytest.fixture
def real_data(real_mirror: str, real_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real data can be loaded in this test."""
    monkeypatch.setenv("PROJECTKIT_MIRROR", real_mirror)
    monkeypatch.setenv("PROJECTKIT_STORE", str(real_store))


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """One of our data sets, whose samples can be loaded in this test; to be parametrised, `indirect=True`."""
    wanted = str(request.param)
    card = catalogue.card(wanted)
    if card.files:
        mirror = Path(request.getfixturevalue("real_mirror"))
        if not (mirror / (card.mirror_folder or wanted)).is_dir():
            pytest.skip(f"real data: the mirror has no {wanted}")
        request.getfixturevalue("real_data")
    return wanted


@pytest.fixture
def content() -> bytes:
    """What the toy data set's file holds."""
    return CONTENT


@pytest.fixture
def toy_card() -> Callable[..., Card]:
    """A function from URLs to a card of one small text file that is to be had from them."""
    return _toy_card


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Card:
    """A card without URLs that the catalogue knows as `toy`."""
    card = _toy_card()
    monkeypatch.setattr(catalogue, "_NAMES", (*catalogue.names(), "toy"))
    monkeypatch.setitem(sys.modules, "projectkit.datasets.cards.toy", SimpleNamespace(CARD=card))
    return card


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A function from the files' contents and a card's keys to the card `ours` in a course folder."""
    folder = tmp_path / "course"
    folder.mkdir()
    monkeypatch.setenv("PROJECTKIT_CARDS", str(folder))

    def write(contents: dict[str, str | bytes], **keys: Any) -> Path:
        files = []
        for name, content in contents.items():
            raw = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(raw)
            files.append({"name": name, "size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()})
        path = folder / "ours.yaml"
        path.write_text(json.dumps({"files": files, **keys}), encoding="utf-8")  # JSON is YAML
        return path

    return write


def _toy_card(*urls: str) -> Card:
    file = RemoteFile(name="toy.tsv", size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), urls=urls)

    def read(files: dict[str, Path]) -> Samples:
        rows = [line.split("\t") for line in files[file.name].read_text(encoding="utf-8").splitlines()]
        return Samples(
            id=np.array([f"toy-{n}" for n in range(len(rows))]),
            x=Texts.of([row[0] for row in rows]),
            y={"label": encode_labels([row[1] for row in rows], ("ham", "spam"), where=file.name)},
        )

    return Card(
        name="toy",
        title="Toy",
        description="Two hundred lines.",
        modality="text",
        targets={"label": Target("binary", ("ham", "spam"), split="stratified")},
        default_target="label",
        licence="CC0-1.0",
        redistributable=True,
        citation="none",
        read=read,
        splits={"stratified": SplitPolicy("stratified", {}, "independent lines")},
        files=(file,),
        origin="typed by hand",
    )


@dataclass
class Web:
    """A server on 127.0.0.1: what it answers is decided by the path, or by `bodies`."""

    url: str
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)  # of each request, for what it says about ranges
    bodies: dict[str, bytes] = field(default_factory=dict)
    # opened at the end, so that a hanging answer ends too
    gate: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def web(loopback: None) -> Iterator[Web]:
    """Paths: /good /good.gz /404 /html /html.gz /garbage.gz /short /short.gz /other /endless /hang /stall /trickle /flaky /busy /astray.

    And with ranges, as good servers have them (their first answer to each path breaks off after 1,000 bytes): /ranged, with an ETag;
    /renewed, whose ETag is another one each time; /unversioned, without one; /mixed, whose later part is of another version;
    /refused, which has no such range; /unsized, which does not say its length. /deflated packs what it sends.
    """
    page = b"<!DOCTYPE html><html><body>Please log in to the campus network</body></html>"
    packed = gzip.compress(CONTENT)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            state.asked.append(path)
            state.headers.append(dict(self.headers))
            body, status, promised = state.bodies.get(path, CONTENT), 200, None
            extra: dict[str, str] = {}
            match path:
                case "/ranged" | "/ranged.gz" | "/unsized" | "/renewed" | "/unversioned" | "/mixed":
                    version = f'"{state.asked.count(path) if path == "/renewed" else 1}"'
                    extra = {} if path == "/unversioned" else {"ETag": version}
                    start = int(self.headers.get("Range", "bytes=0-")[6:-1])
                    if start and self.headers.get("If-Range", version) == version:
                        status, extra["Content-Range"] = 206, f"bytes {start}-{len(body) - 1}/{len(body)}"
                        body = (body.replace(b"spam", b"SPAM") if path == "/mixed" else body)[start:]
                    elif state.asked.count(path) == 1:
                        body, promised = body[:1000], len(body)
                case "/good.gz":
                    body = packed
                case "/deflated":
                    body, extra = gzip.compress(body), {"Content-Encoding": "gzip"}
                case "/refused" if "Range" in self.headers:
                    body, status = b"", 416
                case "/404":
                    body, status = page, 404
                case "/astray":
                    status, extra = 302, {"Location": "http://[::1"}
                case "/html" | "/html.gz":
                    body = page
                case "/short":
                    body, promised = CONTENT[:1000], len(CONTENT)
                case "/short.gz":
                    body = packed[:-20]
                case "/garbage.gz":
                    body = b"neither gzip nor a web page" * 9
                case "/other":
                    body = CONTENT.replace(b"message 7", b"message 8")
                case "/endless":
                    body = CONTENT * 50
                case "/hang":
                    state.gate.wait(20)
                    return
                case "/stall":
                    promised = len(CONTENT)
                    body = CONTENT[:500]
                case "/flaky" if state.asked.count(path) < 3:
                    body, status = b"", 503
                case "/busy":
                    body, status = b"", 503
            self.send_response(status)
            if path not in ("/unsized", "/deflated"):
                self.send_header("Content-Length", str(len(body) if promised is None else promised))
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()
            if path == "/trickle":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    if state.gate.wait(0.01):
                        return
            self.wfile.write(body)
            if path == "/stall":
                self.wfile.flush()
                state.gate.wait(20)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is what we test
    state = Web(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield state
    state.gate.set()
    server.shutdown()
    server.server_close()
