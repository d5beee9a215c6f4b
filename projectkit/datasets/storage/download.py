"""One download: continued where an earlier one stopped, given up when it hangs or trickles, told from a web page.

What has come lies in one file under a stable name; a note beside it says from where and in which version, so that the next attempt, in
this process or another one, asks only for the rest. Whether the content is right is for the caller to check.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from projectkit.datasets.storage import disk

if TYPE_CHECKING:
    from requests import Response

Tell: TypeAlias = Callable[[int, int], None]
"""Called while data arrives: bytes so far, bytes in all (0: unknown)."""

_CHUNK = 1 << 18  # 256 KiB: large enough for full speed, small enough for a smooth progress bar
_HEADWAY = 1 << 20  # an attempt that brought this much does not count as a failed one


@dataclass(frozen=True)
class Network:
    """How patient a download is."""

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0  # without a single byte
    attempts: int = 3  # in a row that bring less than 1 MiB
    backoff_s: float = 1.0  # doubled after each of them
    slow_window_s: float = 60.0  # a server that sends less than the following in such a time is given up
    slow_bytes_per_s: float = 200.0  # a modem of 1984; slower is a fault or malice


class OriginError(Exception):
    """An origin that gives no data.

    Args:
        reason: what it did instead.
        may_pass: whether trying again can help.
    """

    def __init__(self, reason: str, *, may_pass: bool = False) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


def download(url: str, part: Path, *, limit: int, tell: Tell, network: Network, expected: int = 0) -> bool:
    """Bring what a URL serves into a file, with several attempts.

    Args:
        url: of the file; asked for as it is, without a transfer encoding.
        part: where it goes; what an earlier download from this URL left there is continued.
        limit: bytes; when more have come, the transfer ends as if it were whole.
        tell: called while it arrives.
        network: time-outs and attempts.
        expected: bytes in all, as far as the caller knows, for a server that does not say; 0: unknown.

    Returns:
        Whether a part of it came from an earlier attempt, so that it may be two versions in one.

    Raises:
        OriginError: it cannot be had; what has come stays for the next time.
        OSError: the disk refuses.
    """
    failed, resumed = 0, False
    while True:
        before = _size(part)
        try:
            return _attempt(url, part, limit, tell, network, expected) or resumed
        except OriginError as error:
            failed = 1 if _size(part) - before >= _HEADWAY else failed + 1
            if not error.may_pass or not _size(part):
                forget(part)
            if not error.may_pass or failed >= network.attempts:
                raise
            resumed = True
            time.sleep(network.backoff_s * 2 ** (failed - 1))


def forget(part: Path) -> None:
    """Remove what has come, so that the next download starts over."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _attempt(url: str, part: Path, limit: int, tell: Tell, network: Network, expected: int) -> bool:
    """One request and its answer; whether it continued what was there."""
    known = _known(part, url)
    have = _size(part) if known else 0
    if have and have == known["total"]:  # killed between the last byte and the rename
        return True
    headers = {"Accept-Encoding": "identity"}  # else the bytes of a range would be those of a compressed stream
    if have:
        headers["Range"] = f"bytes={have}-"
        if known["version"]:
            headers["If-Range"] = known["version"]
    with closing(_get(url, headers, network)) as response:
        if have and response.status_code == 206 and _start(response) == have:
            begun = True
        elif response.status_code == 200:  # the server knows no ranges, or has another version now
            begun = False
            forget(part)
            have = 0
            _write_note(part, url, response, _length(response) or expected)
        else:
            if have and response.status_code in (
                206,
                416,
            ):  # another range than we asked for, or no such range any more
                forget(part)
                raise OriginError("the server cannot continue the transfer", may_pass=True)
            passing = response.status_code >= 500 or response.status_code in (408, 425, 429)
            reason = "".join(filter(str.isprintable, response.reason or ""))  # it goes to a terminal
            raise OriginError(f"{response.status_code} {reason}", may_pass=passing)
        length = _length(response)
        total = have + length if length else expected
        chunks = _not_slow(_chunks(response), network)
        with part.open("ab" if begun else "wb") as stream:
            disk.share(part)
            for chunk in chunks if begun else _no_web_page(chunks):
                stream.write(chunk)
                have += len(chunk)
                tell(have, total)
                if have > limit:
                    return begun
    if have < total:
        raise OriginError("the transfer broke off", may_pass=True)
    return begun


def _get(url: str, headers: dict[str, str], network: Network) -> Response:
    import requests

    try:
        return requests.get(
            url, stream=True, timeout=(network.connect_timeout_s, network.read_timeout_s), headers=headers
        )
    except requests.exceptions.Timeout as error:
        raise OriginError("no answer in time", may_pass=True) from error
    except requests.exceptions.ConnectionError as error:
        raise OriginError(f"no connection ({type(error).__name__})", may_pass=True) from error
    except (requests.exceptions.RequestException, ValueError) as error:  # a URL that is none, or leads to one
        raise OriginError(f"no transfer ({type(error).__name__})") from error


def _chunks(response: Response) -> Iterator[bytes]:
    """The body as it comes: `read1` gives what is there, where `read` would wait for a whole chunk from a server that trickles."""
    from urllib3 import exceptions

    # A server that names a `.gz` file's own packing a transfer encoding would have us unpack it twice.
    decode = _is_packed(response) and not response.url.split("?")[0].endswith(".gz")
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=decode):
            yield chunk
    except exceptions.ReadTimeoutError as error:
        raise OriginError("no answer in time", may_pass=True) from error
    except exceptions.HTTPError as error:
        raise OriginError(f"the transfer broke off ({type(error).__name__})", may_pass=True) from error


def _not_slow(chunks: Iterator[bytes], network: Network) -> Iterator[bytes]:
    """Data as it is, as long as enough of it comes: a byte now and then would keep every time-out from ending it."""
    since, got = time.monotonic(), 0
    for chunk in chunks:
        got += len(chunk)
        elapsed = time.monotonic() - since
        if elapsed >= network.slow_window_s:
            if got < network.slow_bytes_per_s * elapsed:
                raise OriginError(f"no answer in time: {got} bytes in {elapsed:.0f} s", may_pass=True)
            since, got = time.monotonic(), 0
        yield chunk


def _no_web_page(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Data as it is; a login page of a hotel or campus network is told from it by its first bytes."""
    head = b""
    for chunk in chunks:
        if len(head) < 15:
            head = (head + chunk).removeprefix(b"\xef\xbb\xbf").lstrip()[:15]
            if head.lower().startswith((b"<!doctype html", b"<html")):
                raise OriginError("a web page came instead of the data (a login page of this network?)")
        yield chunk


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _is_packed(response: Response) -> bool:
    """Whether the server packs what it sends, though it was asked not to."""
    return response.headers.get("Content-Encoding", "identity") != "identity"


def _length(response: Response) -> int:
    """Bytes that the server promises; 0 where it does not say, or counts them packed."""
    said = response.headers.get("Content-Length", "")
    return int(said) if said.isdigit() and not _is_packed(response) else 0


def _write_note(part: Path, url: str, response: Response, total: int) -> None:
    if _is_packed(response):
        return  # what is unpacked on the way cannot be continued
    version = response.headers.get("ETag", "")
    if version.startswith("W/") or not version:  # a weak one does not promise the same bytes
        version = response.headers.get("Last-Modified", "")
    note = _note(part)
    note.write_text(json.dumps({"url": url, "version": version, "total": total}), encoding="utf-8")
    disk.share(note)


def _known(part: Path, url: str) -> dict[str, Any]:
    """What is known of an earlier download; empty where it cannot be continued."""
    try:
        note = json.loads(_note(part).read_text(encoding="utf-8"))
        same: bool = note["url"] == url and note.keys() == {"url", "version", "total"} and os.access(part, os.W_OK)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        same = False
    return note if same else {}


def _start(response: Response) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
