"""The local page: a server on the loopback interface that answers this machine's browser only, and tells it when there is something new.

Other pages in that browser can send requests here too, also under a name of their own that they have lead to 127.0.0.1 (DNS rebinding):
a request is answered only where its Host is this address. What a poster holds is data here as well: the page's script sets texts, and
the poster is an image, in which no script runs.
"""

from __future__ import annotations

import importlib.resources
import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from projectkit.errors import WorkError
from projectkit.poster.watch.view import View

_HOST = "127.0.0.1"
_PORTS = 20  # tried one after another
_BREATH_S = 10.0  # between signs of life, by which a browser that went away is noticed
_POLICY = "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'"
_IMAGE_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/watch.js": ("watch.js", "text/javascript; charset=utf-8"),
    "/watch.css": ("watch.css", "text/css; charset=utf-8"),
}


class Server:
    """The page of one poster.

    Args:
        port: the first that is tried.

    Raises:
        WorkError: none of the ports can be had.
    """

    def __init__(self, port: int) -> None:
        self._views = _Views()
        self._http = _bound(port, self._views)
        self.address = f"http://{_HOST}:{self._http.server_port}/"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def show(self, view: View) -> None:
        """Show a view in every browser that has the page open."""
        self._views.put(view)

    def close(self) -> None:
        """End it, and every connection."""
        self._views.end()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Views:
    """The newest view and its number, for threads that wait for the next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = 0
        self._view = View()
        self.ended = False

    def put(self, view: View) -> None:
        with self._changed:
            self._number, self._view = self._number + 1, view
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def newest(self) -> tuple[int, View]:
        with self._changed:
            return self._number, self._view

    def after(self, number: int) -> tuple[int, View] | None:
        """The newest view after that one, waited for; None where none came for a while."""
        with self._changed:
            self._changed.wait_for(lambda: self.ended or self._number > number, timeout=_BREATH_S)
            return (self._number, self._view) if self._number > number else None


def _bound(first: int, views: _Views) -> _Http:
    for port in range(first, first + _PORTS) if first else [0]:
        try:
            return _Http(port, views)
        except OSError:  # somebody else's
            continue
    raise WorkError(
        f"the ports {first} to {first + _PORTS - 1} are all taken", remedy="type `projectkit poster watch --port 9000`"
    )


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False  # on Windows it would share the port with whoever has it

    def __init__(self, port: int, views: _Views) -> None:
        super().__init__((_HOST, port), _Handler)
        self.views = views

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away while it is answered is nothing to tell about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        if self.headers.get("Host") not in {f"{name}:{self.server.server_port}" for name in (_HOST, "localhost")}:
            return self._send(HTTPStatus.MISDIRECTED_REQUEST, b"", "text/plain")
        path = self.path.partition("?")[0]
        if path in _FILES:
            name, kind = _FILES[path]
            content = importlib.resources.files("projectkit.poster.watch").joinpath("page", name).read_bytes()
            return self._send(HTTPStatus.OK, content, kind)
        if path == "/poster":
            _, view = self.server.views.newest()
            status = HTTPStatus.OK if view.picture else HTTPStatus.NOT_FOUND
            return self._send(status, view.picture, view.kind, policy=_IMAGE_POLICY)
        if path == "/events":
            return self._events()
        return self._send(HTTPStatus.NOT_FOUND, b"", "text/plain")

    def log_message(self, *_: object) -> None:
        """Requests are nobody's business."""

    def _send(self, status: HTTPStatus, content: bytes, kind: str, *, policy: str = _POLICY) -> None:
        self._head(status, kind, policy)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _head(self, status: HTTPStatus, kind: str, policy: str = _POLICY) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")

    def _events(self) -> None:
        """Server-sent events: each view as it comes.

        Source: WHATWG HTML, 9.2 (server-sent events).
        """
        self._head(HTTPStatus.OK, "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        views, number = self.server.views, 0
        while not views.ended:
            found = views.after(number)
            if found is None:
                self.wfile.write(b": waiting\n\n")
            else:
                number, view = found
                self.wfile.write(f"data: {json.dumps(_told(number, view))}\n\n".encode())
            self.wfile.flush()


def _told(number: int, view: View) -> dict[str, Any]:
    return {
        "number": number,
        "picture": bool(view.picture),
        "problem": view.problem,
        "warnings": list(view.warnings),
        "words": view.words,
        "scale": round(view.scale, 1),
        "seconds": round(view.seconds, 2),
    }
