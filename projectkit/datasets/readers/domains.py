"""The registered domain of a host, by a rule that never changes.

Who registers a domain decides what stands below it, so all its hosts belong together. The public list of suffixes knows more than this
rule, but it changes from month to month, and splits with it. Where the rule errs it joins too much: all tenants of `blogspot.com` are one
group, which costs a few samples and leaks nothing.
"""

from __future__ import annotations

import re

_CATEGORY_LIST = """
    ac co com edu firm gen go gob gouv gov gub id in ind info law ltd mil muni ne net nhs nic nom or org plc police sch school web
"""
_CATEGORIES = frozenset(_CATEGORY_LIST.split())
"""Second labels below which registries of countries sell names: `co.uk`, `com.br`, `ac.jp`."""

_PLATFORMS = frozenset({"blogspot"})
"""Hosts of other people's pages that stand below many countries: `blogspot.com.br`, `blogspot.de`."""

_HOST = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#\\]*)", re.IGNORECASE)
_ADDRESS = re.compile(r"\d+(\.\d+){3}")


def host_of(url: str) -> str:
    """The host of a URL in lower case, without user and port.

    Example:
        >>> host_of("http://user@Login.Example.com:8080/a?b")
        'login.example.com'
    """
    found = _HOST.match(url)
    authority = (found[1] if found else url).rpartition("@")[2].lower()
    return authority.partition(":")[0].rstrip(".")


def registered_domain(host: str) -> str:
    """The part of a host name that somebody registered; an IPv4 address is its own.

    The last two labels; three where the last is a country's and the one before it one of its categories.

    Example:
        >>> registered_domain("www.shop.example.co.uk"), registered_domain("a.b.example.com"), registered_domain("10.0.0.1")
        ('example.co.uk', 'example.com', '10.0.0.1')
    """
    if _ADDRESS.fullmatch(host):
        return host
    labels = host.split(".")
    count = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _CATEGORIES else 2
    kept = labels[-count:]
    return kept[0] if kept[0] in _PLATFORMS else ".".join(kept)
