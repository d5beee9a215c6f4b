"""The watch in a real browser; skipped where no Chromium is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from devtools import Browser, find_browser

from projectkit.poster.watch.server import Server
from projectkit.poster.watch.view import View

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(
    os.name != "posix" or PROGRAM is None, reason="needs Chromium (`apt install chromium`) on Linux or macOS"
)
HOSTILE = "<img src=x onerror=alert(1)>"
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="84" height="119">
<script>document.title = 1</script><rect width="84" height="119" fill="{}"/></svg>"""
MIDDLE = """(() => {
  const [image, canvas] = [document.getElementById("poster"), document.createElement("canvas")];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return [...context.getImageData(40, 60, 1, 1).data].slice(0, 3).join();
})()"""


@pytest.fixture
def page(loopback, tmp_path) -> Iterator[tuple[Browser, Server]]:
    """The page of a server, open."""
    assert PROGRAM is not None
    server = Server(0)
    with Browser(PROGRAM, tmp_path, deadline_s=60.0) as browser:
        browser.call("Page.navigate", url=server.address)
        browser.wait_for("document.readyState === 'complete'")
        yield browser, server
        assert [error for error in browser.errors if not error.startswith(f"loaded {server.address}")] == []
    server.close()


def colour_is(colour: str) -> str:
    return f"{MIDDLE} === '{colour}'"


def test_the_browser_follows_from_picture_to_picture(page):
    browser, server = page
    server.show(View(SVG.format("#ff0000").encode(), words=12, scale=40.0, seconds=0.11))
    browser.wait_for("document.getElementById('poster').dataset.number === '1'")
    browser.wait_for(colour_is("255,0,0"))
    assert browser.do("document.getElementById('state').textContent") == "12 words, text of 40 pt, built in 0.11 s"
    server.show(View(SVG.format("#00ff00").encode(), words=13, scale=40.0))
    browser.wait_for("document.getElementById('poster').dataset.number === '2'")
    browser.wait_for(colour_is("0,255,0"))


def test_what_is_wrong_stands_as_text_on_a_page_whose_picture_fades(page):
    browser, server = page
    picture = SVG.format("#ff0000").encode()
    server.show(View(picture, words=12, scale=40.0))
    server.show(View(picture, problem=f"poster.yaml:3: {HOSTILE}", warnings=(HOSTILE,), words=12, scale=40.0))
    browser.wait_for("!document.getElementById('problem').hidden")
    assert browser.do("document.getElementById('problem').textContent") == f"poster.yaml:3: {HOSTILE}"
    assert browser.do("document.getElementById('warnings').textContent") == HOSTILE
    assert browser.do("document.querySelectorAll('img').length") == 1
    assert browser.do("document.title") == "Poster: not built"
    assert browser.do("document.getElementById('poster').classList.contains('old')")
    server.show(View(picture, words=12, scale=40.0))
    browser.wait_for("document.getElementById('problem').hidden && document.title === 'Poster'")


def test_the_button_fills_the_width_and_says_so(page):
    browser, server = page
    server.show(View(SVG.format("#ff0000").encode(), scale=40.0))
    browser.wait_for("!document.getElementById('poster').hidden")
    width = "document.getElementById('poster').getBoundingClientRect().width"
    before = browser.do(width)
    browser.do("document.getElementById('zoom').click()")
    assert browser.do(width) > 2 * before
    assert browser.do("document.getElementById('zoom').getAttribute('aria-pressed')") == "true"
