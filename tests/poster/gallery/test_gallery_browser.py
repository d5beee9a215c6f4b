"""The wall in a real browser, from file:// and without a network; skipped where no Chromium is installed."""

from __future__ import annotations

import base64
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from devtools import Browser, find_browser
from handedin import write_built

from projectkit.poster.gallery import make_gallery

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(
    os.name != "posix" or PROGRAM is None, reason="needs Chromium (`apt install chromium`) on Linux or macOS"
)
HOSTILE = "</script><img src=x onerror=alert(1)>"
COLOURS = ["#b02020", "#20b020", "#2020b0", "#b0b020", "#20b0b0", "#b020b0"]
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
TEXT = "We counted words. Naïve Bayes was hard to beat; the straße dataset was not."
VISIBLE = "[...document.querySelectorAll('#posters > li:not([hidden])')]"
SCALE = "new DOMMatrix(getComputedStyle(document.getElementById('posters')).transform).a"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Six posters, one of them wide and one with a hostile title; the folder has a space and an accent."""
    folder = tmp_path_factory.mktemp("the gallery é")
    write_built(folder / "teams/team-1", colour=COLOURS[0], size=(840, 1190), title="Half of the smishing", text=TEXT)
    write_built(folder / "teams/team-2", colour=COLOURS[1], size=(840, 1190), title=HOSTILE, tags=[HOSTILE])
    write_built(folder / "teams/team-3", colour=COLOURS[2], size=(1190, 840), title="A wide one", tags=["logs"])
    write_built(folder / "teams/team-4", colour=COLOURS[3], size=(840, 1190), title="كشف الرسائل", language="ar")
    write_built(folder / "teams/team-5", colour=COLOURS[4], size=(840, 1190), authors=[{"name": "Grace Hopper"}])
    page = "https://example.org/six"
    write_built(folder / "teams/team-6", colour=COLOURS[5], size=(840, 1190), page=page, title="x" * 400)
    return make_gallery([folder / "teams"], folder / "site", title=f"Course {HOSTILE}").index.parent


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Browser]:
    """One browser for all tests."""
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile"), deadline_s=20.0) as browser:
        yield browser


@pytest.fixture
def browser(running) -> Iterator[Browser]:
    running.errors.clear()
    yield running
    assert running.errors == []


@pytest.fixture
def show(browser, site) -> Callable[..., None]:
    """Open a page of the site."""

    def open_page(
        page: str = "index.html",
        *,
        fragment: str = "",
        width: int = 1200,
        height: int = 800,
        density: int = 1,
        **media: str,
    ) -> None:
        features = {"prefers-color-scheme": "light", "prefers-reduced-motion": "reduce"}
        features |= {name.replace("_", "-"): value for name, value in media.items()}
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=density,
            mobile=width < 600,
        )
        listed = [{"name": name, "value": value} for name, value in features.items()]
        browser.call("Emulation.setEmulatedMedia", features=listed)
        browser.call("Page.navigate", url="about:blank")
        browser.wait_for("location.href === 'about:blank'")
        browser.call("Page.navigate", url=(site / page).as_uri() + fragment)
        browser.wait_for("location.protocol === 'file:' && document.readyState === 'complete'")

    return open_page


def titles(browser: Browser) -> list[str]:
    return browser.do(f"{VISIBLE}.map((card) => card.querySelector('h2').textContent)")


def seek(browser: Browser, words: str) -> None:
    browser.do(
        f"(() => {{ const field = document.getElementById('query'); field.value = {words!r};"
        " field.dispatchEvent(new Event('input')); })()"
    )


def box(browser: Browser, selector: str) -> dict[str, float]:
    return browser.do(f"document.querySelector({selector!r}).getBoundingClientRect().toJSON()")


def picture(browser: Browser) -> Any:
    from PIL import Image

    shot = browser.call("Page.captureScreenshot")
    return Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")


def close_to(pixel: tuple[int, ...], colour: str) -> bool:
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return all(abs(one - other) < 16 for one, other in zip(pixel, wanted, strict=True))


def press(browser: Browser, key: str) -> None:
    """A key with what it types, as a keyboard sends it."""
    typed = {"text": key} if len(key) == 1 else {}
    if key == "Enter":
        typed = {"text": "\r", "windowsVirtualKeyCode": 13}
    if key == "Tab":
        typed = {"windowsVirtualKeyCode": 9}
    browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, **typed)
    browser.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)


# ---- what is seen ----


def test_all_posters_of_the_wall_are_seen_at_once_in_their_colours(browser, show) -> None:
    show()
    browser.wait_for("[...document.images].every((image) => image.complete)")
    seen = picture(browser)
    for index, colour in enumerate(COLOURS):
        place = browser.do(f"document.images[{index}].getBoundingClientRect().toJSON()")
        assert place["left"] >= 0
        assert place["right"] <= 1200
        assert place["top"] >= 0
        assert place["bottom"] <= 800
        middle = (int(place["left"] + place["width"] / 2), int(place["top"] + place["height"] / 2))
        assert close_to(seen.getpixel(middle), colour), f"poster {index + 1}"


def test_a_wide_poster_keeps_its_shape_on_the_wall_and_in_the_list(browser, show) -> None:
    show()
    for _ in range(2):
        place = browser.do("document.images[2].getBoundingClientRect().toJSON()")
        assert place["width"] / place["height"] == pytest.approx(1190 / 840, rel=0.02)
        browser.do("document.getElementById('as-list').click()")


def test_a_wall_of_wide_posters_has_lower_rows(browser, show, site) -> None:
    write_built(site.parent / "wide/one", size=(1600, 900))
    make_gallery([site.parent / "wide"], site.parent / "screens")
    rows = {}
    for name in ("site", "screens"):
        show(f"../{name}/index.html")
        rows[name] = browser.do("document.querySelector('#posters > li').offsetHeight")
    assert rows["screens"] < 0.6 * rows["site"]


def test_hostile_words_are_seen_as_words(browser, show) -> None:
    show()
    assert HOSTILE in browser.do("document.querySelector('h1').textContent")
    assert HOSTILE in titles(browser)
    assert browser.do("document.querySelectorAll('img').length") == 6
    seek(browser, "onerror")
    assert titles(browser) == [HOSTILE]
    seek(browser, HOSTILE + "nothing")
    assert browser.do("document.querySelectorAll('img').length") == 6


def test_a_title_in_arabic_runs_from_the_right(browser, show) -> None:
    show()
    assert browser.do("getComputedStyle(document.querySelectorAll('h2')[3]).direction") == "rtl"


@pytest.mark.parametrize("page", ["index.html", "plan.html", "codes.html", "teams/a-wide-one/index.html"])
def test_no_page_is_wider_than_a_phone(browser, show, page) -> None:
    show(page, width=360, height=700)
    assert browser.do("document.documentElement.scrollWidth") <= 360


def test_on_a_phone_the_wall_is_a_list(browser, show) -> None:
    show(width=360, height=700)
    assert browser.do("document.body.classList.contains('panning')") is False
    assert browser.do("document.documentElement.scrollHeight") > 2000


@pytest.mark.parametrize(("density", "picture"), [(1, "thumbnail.webp"), (3, "poster.webp")])
def test_a_dense_screen_gets_the_picture_that_it_can_show(browser, show, density, picture) -> None:
    show(width=360, height=700, density=density)
    browser.wait_for(f"document.images[0].currentSrc.endsWith({picture!r})")


def test_a_dark_screen_gets_a_dark_page(browser, show) -> None:
    for scheme, dark in (("light", False), ("dark", True)):
        show("plan.html", prefers_color_scheme=scheme)
        corner = picture(browser).getpixel((5, 790))
        assert (sum(corner) < 3 * 64) is dark


def test_the_posters_of_the_examples_hang_on_a_wall(browser, show, site) -> None:
    teams = site.parent / "examples"
    for example in sorted(path for path in EXAMPLES.iterdir() if path.is_dir()):
        shutil.copytree(example / "files/poster", teams / example.name / "poster")
        (teams / example.name / "pyproject.toml").write_text("[tool.projectkit]\n", encoding="utf-8")
    made = make_gallery([teams], site.parent / "of examples")
    assert made.failures == ()
    show("../of examples/index.html")
    browser.wait_for("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert browser.do("document.images.length") == len(made.posters) == 2


def test_a_title_that_is_a_name_of_the_page_breaks_nothing(browser, show, site) -> None:
    for title in ("Index", "As wall", "Posters", "Query", "Found"):
        write_built(site.parent / "names" / title, title=title)
    make_gallery([site.parent / "names"], site.parent / "named")
    show("../named/index.html")
    seek(browser, "query")
    assert titles(browser) == ["Query"]
    assert browser.do("new Set([...document.querySelectorAll('[id]')].map((each) => each.id)).size") == browser.do(
        "document.querySelectorAll('[id]').length"
    )


# ---- search ----


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("smishing", ["Half of the smishing"]),
        ("HOPPER", ["team-5"]),
        ("logs", ["A wide one"]),
        ("naive bayes", ["Half of the smishing"]),  # accents
        ("strasse", ["Half of the smishing"]),
        ("3", ["A wide one"]),  # the number
        ("الرسائل", ["كشف الرسائل"]),
        ("lovelace logs", ["A wide one"]),  # every word, wherever it is
        ("zebra", []),
    ],
)
def test_a_search_finds_titles_authors_tags_numbers_and_text(browser, show, words, found) -> None:
    show()
    seek(browser, words)
    assert titles(browser) == found
    said = browser.do("document.getElementById('found').textContent")
    assert said == (f"{len(found)} of 6 posters" if found else f"No poster has “{words}”")
    seek(browser, "")
    assert len(titles(browser)) == 6


def test_what_is_in_the_title_comes_before_what_is_in_the_text_and_the_order_returns(browser, show) -> None:
    show()
    before = titles(browser)
    seek(browser, "w")  # its title, and in the texts of all others
    assert titles(browser)[0] == "A wide one"
    seek(browser, "")
    assert titles(browser) == before


def test_a_word_of_the_text_is_shown_where_it_was_found(browser, show) -> None:
    show()
    browser.do("document.getElementById('as-list').click()")
    seek(browser, "hard to beat")
    assert browser.do("document.querySelector('.snippet mark').textContent") == "hard"
    assert "Bayes was hard to beat" in browser.do("document.querySelector('.snippet').textContent")
    seek(browser, "smishing")
    assert browser.do("document.querySelectorAll('.snippet').length") == 0


def test_a_search_is_kept_in_the_address(browser, show) -> None:
    show(fragment="#q=grace%20hopper")
    assert titles(browser) == ["team-5"]
    seek(browser, "logs & more")
    assert browser.do("location.hash") == "#q=logs%20%26%20more"
    show(fragment="#q=%E0%A4%A")  # no address of ours
    assert len(titles(browser)) == 6


def test_a_tag_of_a_teams_page_finds_its_posters_on_the_wall(browser, show) -> None:
    show("teams/a-wide-one/index.html")
    browser.do("document.querySelector('.tags a').click()")
    browser.wait_for("document.readyState === 'complete' && document.getElementById('query')?.value === 'logs'")
    assert titles(browser) == ["A wide one"]


# ---- pan and zoom ----


def test_the_wheel_zooms_at_the_pointer(browser, show) -> None:
    show()
    before = box(browser, "#posters img")
    x, y = before["left"] + before["width"] / 4, before["top"] + before["height"] / 4
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-240)
    browser.wait_for(f"document.querySelector('#posters img').getBoundingClientRect().width > {before['width']} * 1.5")
    after = box(browser, "#posters img")
    assert after["left"] + after["width"] / 4 == pytest.approx(x, abs=1.5)
    assert after["top"] + after["height"] / 4 == pytest.approx(y, abs=1.5)


def test_a_drag_moves_the_wall_and_opens_nothing(browser, show) -> None:
    show()
    before = box(browser, "#posters img")
    x, y = before["left"] + 20, before["top"] + 20
    browser.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    for step in range(1, 6):
        browser.mouse("mouseMoved", x + 20 * step, y + 10 * step, button="left", buttons=1)
    browser.mouse("mouseReleased", x + 100, y + 50, button="left", clickCount=1)
    after = box(browser, "#posters img")
    assert after["left"] - before["left"] == pytest.approx(100, abs=1)
    assert after["top"] - before["top"] == pytest.approx(50, abs=1)
    time.sleep(0.2)  # a click would have led away by now
    assert browser.do("location.pathname").endswith("site/index.html")


def test_a_click_opens_the_teams_page(browser, show) -> None:
    show()
    place = box(browser, "#posters img")
    for kind in ("mousePressed", "mouseReleased"):
        browser.mouse(kind, place["left"] + 20, place["top"] + 20, button="left", clickCount=1)
    browser.wait_for("document.querySelector('h1')?.textContent === 'Half of the smishing'")
    assert browser.do("location.pathname").endswith("teams/half-of-the-smishing/index.html")


def test_two_fingers_zoom(browser, show) -> None:
    show()
    before = browser.do(SCALE)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    try:
        for kind, spread in (("touchStart", 50), ("touchMove", 80), ("touchMove", 100)):
            points = [{"x": 600 - spread, "y": 400, "id": 1}, {"x": 600 + spread, "y": 400, "id": 2}]
            browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        assert browser.do(SCALE) == pytest.approx(before * 2, rel=0.02)
    finally:
        browser.call("Emulation.setTouchEmulationEnabled", enabled=False)


def test_the_buttons_zoom_and_see_all_again(browser, show) -> None:
    show()
    before = browser.do(SCALE)
    browser.do("document.getElementById('in').click()")
    assert browser.do(SCALE) == pytest.approx(before * 1.4)
    browser.do("document.getElementById('out').click()")
    browser.do("document.getElementById('out').click()")
    assert browser.do(SCALE) < before
    browser.do("document.getElementById('all').click()")
    assert browser.do(SCALE) == pytest.approx(before)


def test_the_wall_cannot_be_lost(browser, show) -> None:
    show()
    for key in ("ArrowRight", "ArrowDown"):
        browser.do("document.getElementById('view').focus()")
        for _ in range(30):
            press(browser, key)
    place = box(browser, "#posters")
    assert place["right"] > 300
    assert place["bottom"] > 300


def test_the_large_picture_is_loaded_where_it_is_looked_at_and_only_there(browser, show) -> None:
    show()
    large = "[...document.images].filter((image) => image.src.endsWith('poster.webp')).length"
    assert browser.do(large) == 0
    place = box(browser, "#posters img")
    for _ in range(5):
        browser.mouse("mouseWheel", place["left"] + 5, place["top"] + 5, deltaX=0, deltaY=-240)
    browser.wait_for(f"{large} > 0")
    assert browser.do(large) < 6
    assert browser.do("document.images[0].src").endswith("teams/half-of-the-smishing/poster.webp")
    press(browser, "0")
    browser.wait_for(f"{large} === 0")


def test_still_pictures_for_who_asked_for_less_motion(browser, show) -> None:
    for wish, moving in (("reduce", False), ("no-preference", True)):
        show(prefers_reduced_motion=wish)
        browser.do("document.getElementById('in').click()")
        lasts = browser.do("getComputedStyle(document.getElementById('posters')).transitionDuration")
        assert (lasts != "0s") is moving


# ---- keyboard, and who listens ----


def test_everything_is_done_with_the_keyboard(browser, show) -> None:
    show()
    press(browser, "/")
    assert browser.do("document.activeElement.id") == "query"
    browser.call("Input.insertText", text="smishing")
    browser.wait_for(f"{VISIBLE}.length === 1")
    press(browser, "Enter")
    assert browser.do("document.activeElement.id") == "poster-half-of-the-smishing"
    before = browser.do(SCALE)
    press(browser, "-")
    assert browser.do(SCALE) < before
    press(browser, "0")
    assert browser.do(SCALE) == pytest.approx(before)
    press(browser, "Enter")
    browser.wait_for("document.querySelector('h1')?.textContent === 'Half of the smishing'")


def test_escape_empties_the_search_and_a_key_in_it_moves_nothing(browser, show) -> None:
    show()
    before = browser.do(SCALE)
    browser.do("document.getElementById('query').focus()")
    browser.call("Input.insertText", text="logs")
    for key in ("+", "0"):
        press(browser, key)
    assert browser.do("document.getElementById('query').value") == "logs+0"
    press(browser, "Escape")
    assert len(titles(browser)) == 6
    assert browser.do(SCALE) == pytest.approx(before)


def test_a_poster_that_gets_the_focus_comes_into_view(browser, show) -> None:
    show()
    place = box(browser, "#posters img")
    for _ in range(6):
        browser.mouse("mouseWheel", place["left"] + 5, place["top"] + 5, deltaX=0, deltaY=-240)
    browser.do("document.querySelector('#posters a').focus()")
    press(browser, "Tab")
    browser.wait_for(
        "(() => { const place = document.activeElement.getBoundingClientRect(), view = document.getElementById('view')"
        ".getBoundingClientRect(); const x = place.left + place.width / 2, y = place.top + place.height / 2;"
        " return x > view.left && x < view.right && y > view.top && y < view.bottom; })()"
    )
    assert browser.do("document.activeElement.closest('li').querySelector('.number').textContent") == "2"
    browser.wait_for("document.getElementById('view').scrollTop === 0")


def test_the_way_back_from_a_team_leads_to_its_place_on_the_wall(browser, show) -> None:
    show("teams/a-wide-one/index.html")
    browser.do("document.querySelector('.back a').click()")
    browser.wait_for("document.activeElement?.id === 'poster-a-wide-one'")
    place = box(browser, "#poster-a-wide-one")
    assert place["left"] + place["width"] / 2 == pytest.approx(600, abs=2)
    assert place["width"] > 300


@pytest.mark.parametrize("page", ["index.html", "plan.html", "codes.html", "teams/a-wide-one/index.html"])
def test_all_that_can_be_used_has_a_name(browser, show, page) -> None:
    show(page)
    browser.call("Accessibility.enable")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    used = ("link", "button", "searchbox", "image", "img", "table", "navigation", "region", "heading", "group")
    found = [node for node in nodes if not node["ignored"] and node["role"]["value"] in used]
    assert found
    nameless = [node["role"]["value"] for node in found if not node.get("name", {}).get("value", "").strip()]
    assert set(nameless) <= {"table"}, nameless  # named by the region around it
    assert browser.do("document.documentElement.lang") == "en"
    assert browser.do("document.querySelectorAll('h1').length") == 1
    assert browser.do("document.querySelectorAll('main').length") == 1


def test_without_a_script_the_list_is_there_and_nothing_that_does_not_work(browser, show) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        show()
        assert len(titles(browser)) == 6
        assert browser.do("getComputedStyle(document.getElementById('tools')).display") == "none"
        assert browser.do("document.querySelector('#posters a').getAttribute('href')").endswith("/index.html")
        assert box(browser, "#posters img")["width"] > 200
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


# ---- to print ----


def test_the_codes_on_the_sheet_are_read_by_a_reader(browser, show) -> None:
    import zxingcpp

    show("codes.html", prefers_color_scheme="dark")
    assert [code.text for code in zxingcpp.read_barcodes(picture(browser))] == ["https://example.org/six"]


def test_the_plan_prints_on_one_page_without_its_links(browser, show, tmp_path) -> None:
    import pdfplumber

    show("plan.html")
    printed = base64.b64decode(browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
    with pdfplumber.open(io.BytesIO(printed)) as pdf:
        assert len(pdf.pages) == 1
        words = pdf.pages[0].extract_text()
    assert "Half of the smishing" in words
    assert "Grace Hopper" in words
    assert "QR codes" not in words
