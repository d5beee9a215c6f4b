"""A store that many processes use, some of which are killed: each set is downloaded once, and the next process mends what is left."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from table import fault

import projectkit as pk

CONTENT = b"".join(b"message %d\t%s\n" % (n, (b"ham", b"spam")[n % 2]) for n in range(20_000))
STALL_AT = 100_000

# A course's own card: the processes under test find it as a team's would.
CARD = """
import numpy as np
from projectkit.datasets import Card, RemoteFile, Samples, SplitPolicy, Target, Texts

def read(files):
    rows = [line.split("\\t") for line in files["m.tsv"].read_text(encoding="utf-8").splitlines()]
    labels = np.array([row[1] == "spam" for row in rows], dtype=np.int64)
    return Samples(np.array([str(n) for n in range(len(rows))]), Texts.of([row[0] for row in rows]), {"label": labels})

CARD = Card(
    name="messages", title="Messages", description="Many.", modality="text",
    targets={"label": Target("binary", ("ham", "spam"), split="stratified")}, default_target="label",
    licence="CC0-1.0", redistributable=True, citation="none", read=read,
    splits={"stratified": SplitPolicy("stratified", {}, "independent lines")},
    files=(RemoteFile("m.tsv", SIZE, "SHA256", urls=("URL/messages",)),),
)
"""

LOAD = "from projectkit.datasets import load; s = load('messages'); print(len(s), s.x[len(s) - 1])"
LOADED = "20000 message 19999"

# Kills its own process at call number N of those that change the disk.
KILLED_AT = """
import os, pathlib, signal, sys
import numpy
calls = [0]
def deadly(function):
    def call(*given, **named):
        calls[0] += 1
        if calls[0] == int(sys.argv[1]):
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return function(*given, **named)
    return call
for owner, name in ((pathlib.Path, "replace"), (pathlib.Path, "mkdir"), (os, "fsync"), (numpy, "save")):
    setattr(owner, name, deadly(getattr(owner, name)))
"""
CALLS = "\nprint(calls[0], file=sys.stderr)"


@dataclass
class Server:
    """Serves the set with ranges; the first answer stops at byte STALL_AT while `stalls` is set."""

    url: str
    starts: list[int] = field(default_factory=list)  # the first byte of each request
    stalls: bool = False
    stalled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loopback: None) -> Iterator[Server]:
    """A web server, a card whose file it serves, and an empty store."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            state.starts.append(start)
            self.send_response(206 if start else 200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(CONTENT) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.end_headers()
            if state.stalls and not state.stalled.is_set():
                self.wfile.write(CONTENT[:STALL_AT])
                self.wfile.flush()
                state.stalled.set()
                state.ended.wait(30)
                return
            self.wfile.write(CONTENT[start:])

        def log_message(self, *_: object) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.handle_error = lambda *_: None  # type: ignore[method-assign]
    state = Server(f"http://127.0.0.1:{made.server_address[1]}")
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    cards = tmp_path / "course"
    cards.mkdir()
    text = CARD.replace("SIZE", str(len(CONTENT))).replace("SHA256", hashlib.sha256(CONTENT).hexdigest())
    (cards / "messages.py").write_text(text.replace("URL", state.url), encoding="utf-8")
    monkeypatch.setenv("PROJECTKIT_CARDS", str(cards))
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("PROJECTKIT_MIRROR", raising=False)
    yield state
    state.ended.set()
    made.shutdown()
    made.server_close()


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.communicate()


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


def left_in(store: Path) -> list[str]:
    """Everything in the set's folder but the files of its cache."""
    (folder,) = [path for path in store.iterdir() if path.name.startswith("messages")]
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix != ".npy")


def assert_whole(tmp_path: Path) -> None:
    """The set is there with its cache, nothing else is."""
    assert [finding.status for finding in pk.datasets.verify("messages")] == ["ok", "ok"]
    names = left_in(tmp_path / "store")
    assert names[0] == ".cache"
    assert names[-1] == "m.tsv"
    assert len(names) == 4, names  # and the cache's folder with its meta.json


@fault(
    "twenty processes ask for the same data set at once",
    happens="one downloads, the others wait for it",
    kept="the set, once",
)
def test_twenty_processes_that_ask_at_once_download_once(server: Server, tmp_path: Path) -> None:
    processes = [start(LOAD) for _ in range(20)]
    ends = [process.communicate(timeout=60) for process in processes]
    assert [out.strip() for out, _ in ends] == [LOADED] * 20, ends
    assert server.starts == [0]
    assert_whole(tmp_path)


@fault(
    "a process is killed in the middle of a download",
    happens="one that waits goes on at the byte where it stopped",
    kept="what was downloaded",
)
def test_a_process_killed_in_the_middle_of_a_download_is_continued_by_one_that_waits(
    server: Server, tmp_path: Path
) -> None:
    server.stalls = True
    first = start(LOAD)
    wait_until(server.stalled.is_set)
    others = [start(LOAD) for _ in range(3)]

    def arrived() -> int:
        return sum(path.stat().st_size for path in (tmp_path / "store").rglob("*.download"))

    wait_until(lambda: arrived() > 0)
    time.sleep(0.2)  # let more of it reach the disk; the assertion below holds for any part
    kill(first)
    kept = arrived()
    ends = [process.communicate(timeout=60) for process in others]
    assert [out.strip() for out, _ in ends] == [LOADED] * 3, ends
    assert server.starts == [0, kept]
    assert_whole(tmp_path)


@fault(
    "a process is killed while it puts a set into the store, at any change of the disk",
    happens="the next process mends what is left, without a word",
    kept="the set, whole",
)
def test_a_process_killed_at_any_change_of_the_disk_leaves_a_store_that_the_next_one_mends(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = start(KILLED_AT + LOAD + CALLS, "0")
    out, err = counted.communicate(timeout=60)
    assert out.strip() == LOADED, err
    changes = int(err.split()[-1])
    assert changes > 12
    running = []
    for number in range(1, changes + 1):
        monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / str(number) / "store"))
        running.append(start(KILLED_AT + LOAD, str(number)))
    for number, process in enumerate(running, start=1):
        assert process.communicate(timeout=60)[0] == ""
        assert process.returncode != 0
        store = tmp_path / str(number) / "store"
        monkeypatch.setenv("PROJECTKIT_STORE", str(store))
        samples = pk.datasets.load("messages")
        assert f"{len(samples)} {samples.x[len(samples) - 1]}" == LOADED, number
        assert_whole(tmp_path / str(number))


def test_a_lock_of_a_killed_process_is_free(server: Server, tmp_path: Path) -> None:
    holder = start(
        "import sys; from projectkit.datasets import catalogue; from projectkit.datasets.storage import store\n"
        "with store.locked(catalogue.card('messages')): print('held', flush=True); sys.stdin.read()"
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    kill(holder)
    assert len(pk.datasets.load("messages")) == 20_000


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file modes are those of POSIX")
def test_files_of_one_user_can_be_read_and_locks_used_by_others(server: Server, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    store.chmod(0o2770)  # a course's group shares it
    done = start("import os; os.umask(0o077)\n" + LOAD)
    assert done.communicate(timeout=60)[0].strip() == LOADED
    for path in store.rglob("*"):
        mode = path.stat().st_mode & 0o7777
        wanted = 0o666 if path.suffix == ".lock" else 0o664 if path.is_file() else 0o2775
        assert mode == wanted, (path, oct(mode))
