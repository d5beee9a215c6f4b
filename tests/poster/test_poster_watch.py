"""The watch: a real server on the loopback interface, real changes of files, and what the browser is told."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from projectkit.errors import WorkError
from projectkit.poster.typesetting.warm import Warm
from projectkit.poster.watch import View, watch
from projectkit.poster.watch.server import Server
from projectkit.poster.watch.sources import changed, snapshot
from projectkit.poster.watch.view import look

DEADLINE_S = 120


class Watched:
    """A watch in a thread, and the views as they come."""

    def __init__(self, folder: Path, team: Any) -> None:
        self.folder = folder
        self.views: queue.Queue[View] = queue.Queue()
        self._stop = threading.Event()
        addresses: queue.Queue[str] = queue.Queue()
        options = {"port": 0, "opened": addresses.put, "built": self.views.put, "stop": self._stop}
        self._thread = threading.Thread(target=watch, args=(folder, team), kwargs=options, daemon=True)
        self._thread.start()
        self.address = addresses.get(timeout=DEADLINE_S)

    def until(self, wanted: Callable[[View], bool]) -> View:
        """The next view that is so; there may be others before, as of a file that was emptied and not written yet."""
        while True:
            view = self.views.get(timeout=DEADLINE_S)
            if wanted(view):
                return view

    def end(self) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


@pytest.fixture(autouse=True)
def reachable(loopback: None) -> None:
    """Every test here talks to a server of its own."""


@pytest.fixture
def watched(team, write_poster) -> Iterator[Watched]:
    found = Watched(write_poster(), team)
    yield found
    found.end()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(0)
    yield found
    found.close()


def get(address: str, path: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    connection = HTTPConnection(host, int(port), timeout=DEADLINE_S)
    connection.request("GET", f"/{path}", headers=headers)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def events(address: str) -> Iterator[dict[str, Any]]:
    """What the server tells, as a browser's EventSource reads it."""
    with urllib.request.urlopen(f"{address}events", timeout=DEADLINE_S) as stream:
        for line in stream:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))


def test_a_change_of_the_text_is_built_and_told_to_the_browser(watched):
    told = events(watched.address)
    first = next(told)
    assert (first["problem"], first["words"]) == ("", 5)
    text = watched.folder / "sections" / "10-found.md"
    text.write_text("# What we found\n\nIt works better.\n", encoding="utf-8")
    second = next(event for event in told if event["words"] == 6)
    assert second["number"] > first["number"]
    status, headers, picture = get(watched.address, "poster")
    assert (status, headers["Content-Type"]) == (200, "image/svg+xml")
    assert picture.startswith(b"<svg")


def test_an_error_is_shown_with_its_line_beside_the_last_picture_and_goes_when_it_is_mended(watched):
    before = watched.until(lambda view: not view.problem)
    text = watched.folder / "sections" / "10-found.md"
    text.write_text("# A\n\n![x](nowhere.png)\n", encoding="utf-8")
    wrong = watched.until(lambda view: "nowhere" in view.problem)
    assert wrong.problem.startswith("poster/sections/10-found.md:3: there is no picture nowhere.png")
    assert wrong.picture == before.picture
    text.write_text("# Mended\n\ntext\n", encoding="utf-8")
    assert watched.until(lambda view: not view.problem).picture != before.picture


def test_a_poster_that_is_too_long_is_shown_as_it_runs_off(watched):
    text = watched.folder / "sections" / "10-found.md"
    text.write_text("# A\n\n" + "\n\n".join(["Some words that take a line of the poster or two. " * 9] * 60), "utf-8")
    view = watched.until(lambda view: "lines too many" in view.problem)
    assert view.kind == "image/png"


def test_a_fault_of_the_builder_does_not_end_the_watch(watched, monkeypatch):
    from projectkit.poster.watch import view

    watched.until(lambda view: not view.problem)

    def fault(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(view, "rendered", fault)
    (watched.folder / "poster.yaml").write_text("title: Other\nauthors: [A]\nsize: A2\n", encoding="utf-8")
    watched.until(lambda view: "ZeroDivisionError" in view.problem)
    monkeypatch.undo()
    (watched.folder / "poster.yaml").write_text("title: Another\nauthors: [A]\nsize: A2\n", encoding="utf-8")
    watched.until(lambda view: not view.problem)


def test_a_rough_view_is_followed_by_the_exact_one(team, write_poster, make_run):
    run = make_run()
    section = "# A claim\n\nSome words.\n\n:::{{curves}}\nruns: [{run}]\n:::\n"
    folder = write_poster(section.format(run=run))
    with (warm := Warm()).worker:
        first = look(folder, team, warm, View())
        warm.rough = True
        write_poster(section.format(run=run).replace("Some words.", "Some words more. " * 40))
        rough = look(folder, team, warm, first)
        assert warm.was_rough
        warm.rough = warm.was_rough = False
        exact = look(folder, team, warm, rough)
        assert not warm.was_rough
    assert rough.picture != first.picture
    with (cold := Warm()).worker:
        assert exact.picture == look(folder, team, cold, View()).picture


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"])
def test_a_page_of_another_name_gets_nothing_however_it_was_led_here(server, host):
    server.show(View(picture=b"<svg/>"))
    port = server.address.rstrip("/").rpartition(":")[2]
    for path in ("", "poster", "events", "watch.js"):
        status, _, body = get(server.address, path, Host=host.format(port=port))
        assert (status, body) == (421, b"")


def test_only_the_pages_own_files_are_there(server):
    for path in ("../server.py", "..%2fserver.py", "etc/passwd", "/etc/passwd", "page/index.html"):
        assert get(server.address, path)[0] == 404
    assert get(server.address)[0] == 200
    assert get(server.address, "poster")[0] == 404  # before the first build


def test_no_other_method_is_answered(server):
    for method in ("POST", "PUT", "DELETE"):
        with pytest.raises(urllib.error.HTTPError, match="501"):
            urllib.request.urlopen(urllib.request.Request(server.address, method=method), timeout=DEADLINE_S)


def test_the_poster_is_an_image_in_which_nothing_runs(server):
    server.show(View(picture=b"<svg/>"))
    _, headers, _ = get(server.address, "poster")
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_server_listens_on_the_loopback_interface_only(server):
    port = int(server.address.rstrip("/").rpartition(":")[2])
    assert server.address.startswith("http://127.0.0.1:")
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in others:
        with pytest.raises(OSError, match=r".*"):
            socket.create_connection((address, port), timeout=2).close()


def test_a_port_that_is_taken_is_passed_over(server):
    port = int(server.address.rstrip("/").rpartition(":")[2])
    second = Server(port)
    assert second.address != server.address
    second.close()


def test_ports_that_are_all_taken_are_one_line(monkeypatch):
    from projectkit.poster.watch import server as module

    def taken(*_: object) -> None:
        raise OSError("in use")

    monkeypatch.setattr(module, "_Http", taken)
    with pytest.raises(WorkError, match=r"the ports 8711 to 8730 are all taken; .*--port"):
        Server(8711)


def test_the_watch_follows_texts_pictures_runs_themes_and_not_what_it_does_not_show(
    team, write_poster, make_run, tmp_path, monkeypatch
):
    folder = write_poster()
    course = tmp_path / "themes" / "course"
    course.mkdir(parents=True)
    monkeypatch.setenv("PROJECTKIT_THEMES", str(course.parent))
    run = team.runs / make_run()
    before = snapshot(folder, team)

    def now() -> set[str]:
        nonlocal before
        after = snapshot(folder, team)
        paths, before = {Path(path).name for path in changed(before, after)}, after
        return paths

    (folder / "build").mkdir()
    for quiet in (folder / "build" / "poster.pdf", folder / ".10-found.md.swp", run / "metrics.jsonl"):
        quiet.write_text("new", encoding="utf-8")
    assert now() == set()
    (folder / "figures").mkdir()
    ours = (folder / "figures" / "a.svg", folder / "poster.yaml", course / "theme.yaml")
    for shown in (*ours, run / "evaluation" / "test.json", run / "audit.json"):
        shown.write_text("new and longer", encoding="utf-8")
        assert now() == {shown.name}
    (folder / "sections" / "10-found.md").unlink()
    assert now() == {"10-found.md"}


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C reaches a child otherwise there")
def test_ctrl_c_ends_the_command_with_status_0_and_nothing_left_behind(team, write_poster):
    write_poster()
    command = [sys.executable, "-m", "projectkit", "poster", "watch", "--no-browser", "--port", "20000"]
    process = subprocess.Popen(
        command, cwd=team.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    address = process.stdout.readline().strip()
    assert process.stderr.readline().startswith("built in ")
    assert get(address)[0] == 200
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
    _, rest = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert "Traceback" not in rest
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
