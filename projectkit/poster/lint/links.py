"""`links`: addresses that lead nowhere, as far as that can be told without a network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from projectkit.findings import Finding
from projectkit.poster.lint.passages import nodes
from projectkit.poster.lint.proof import Proof, finding

_HOST = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]", re.UNICODE)
_MAIL = re.compile(r"[^\s@]+@(?:[\w-]+\.)+[\w-]{2,}(?:\?\S*)?")
_RESERVED = ("example.com", "example.org", "example.net", "example.edu")  # RFC 2606
_PRIVATE = (".local", ".localhost", ".lan", ".internal", ".test", ".invalid", ".example")


def links(proof: Proof) -> Iterator[Finding]:
    """Addresses that are malformed, only work at home, are placeholders, hold a password, or stand there twice."""
    poster = proof.found.poster
    seen: dict[str, str] = {}
    for key, url in (("repository", poster.repository), ("page", poster.page)):
        yield from _of(url, proof.place(key)) if url else ()
        seen |= {url: key} if url else {}
    for link in poster.links:
        where = proof.place(f"links.{link.label}")
        yield from _of(link.url, where)
        if link.url in seen:
            message = f"'{link.label}' and '{seen[link.url]}' lead to the same address"
            yield finding("links", "warning", where, message, f"take '{link.label}' out")
        seen.setdefault(link.url, link.label)
    for section in proof.found.composed.sections:
        for where, node in nodes(section):
            if node["kind"] in ("link", "qr"):
                yield from _of(str(node["url"]), where)


def problem(url: str) -> str:
    """What is wrong with an address, in words; empty where nothing is."""
    if url.startswith("mailto:"):
        return "" if _MAIL.fullmatch(url.removeprefix("mailto:")) else "is no mail address"
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "is malformed"
    wrong = {
        "holds a name or a password": parts.username or parts.password,
        "has characters that no address has": re.search(r"[\s<>\"{}|\\^`]", url),
        "is a placeholder": host in _RESERVED or host.endswith(tuple(f".{name}" for name in _RESERVED)),
        "works on one machine only": host == "localhost" or host.endswith(_PRIVATE) or _is_private(host),
        "has no host that a name server knows": not _HOST.fullmatch(host) and not _is_number(host),
    }
    return next((words for words, found in wrong.items() if found), "")


def _of(url: str, where: str) -> Iterator[Finding]:
    if wrong := problem(url):
        message = f"the address {_shown(url)} {wrong}"
        yield finding("links", "error", where, message, "write the address as your browser shows it")
    elif url.startswith("http://"):
        yield finding("links", "note", where, f"the address {url} is not encrypted", "write https://")


def _shown(url: str) -> str:
    """Without a password: a report is passed on."""
    return re.sub(r"//[^/@]*@", "//...@", url)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_private(host: str) -> bool:
    return _is_number(host) and not ipaddress.ip_address(host).is_global
