"""The files of a page: `index.html` with its styles and scripts, and `data.js` with what it shows.

Nothing of a run gets into the HTML: all of it is one JSON string, which the scripts put on the page as text. A content security policy
names the page's own scripts by a number that is drawn anew for each page, so that nothing else can run, and lets nothing be loaded but
images inside the page.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from projectkit.runs.files import to_json

_SCRIPTS = ("numbers.js", "chart.js", "panels.js", "sections.js", "page.js")  # one after another in one function
_RECEIVE = "projectkitReceive"


def index_html() -> bytes:
    """The page that takes what it shows from the `data.js` beside it, again and again while a run goes on."""
    return _page(None)


def single_html(document: Mapping[str, Any]) -> bytes:
    """The page with everything in it, for mail and notebooks."""
    return _page(data_js(document).decode("ascii"))


def data_js(document: Mapping[str, Any]) -> bytes:
    """A call of the page's function with the document, as JSON in a string of ASCII without `<`, `>` and `&`."""
    # parsed by JSON.parse: in a literal, a metric called __proto__ would be more than a name
    literal = json.dumps(to_json(document).decode("utf-8"))
    for character in "<>&":
        literal = literal.replace(character, f"\\u{ord(character):04x}")
    return f"{_RECEIVE}({literal});\n".encode("ascii")


def _page(data: str | None) -> bytes:
    nonce = secrets.token_urlsafe(16)
    opening = f'<script nonce="{nonce}"'
    body = "\n".join(_asset(name) for name in _SCRIPTS)
    parts = {
        "nonce": nonce,
        "style": _asset("page.css"),
        "script": f'{opening}>(() => {{\n"use strict";\n{body}\nwindow.{_RECEIVE} = receive;\n}})();\n</script>',
        "data": f'{opening} src="data.js"></script>' if data is None else f"{opening}>{data}</script>",
    }
    # one pass: what is filled in is not looked through again
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("page.html")).encode("utf-8")


@cache
def _asset(name: str) -> str:
    return (files("projectkit.runs.page") / "assets" / name).read_text(encoding="utf-8")
