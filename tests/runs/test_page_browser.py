"""The page of `runs open` in a real browser, from file:// and without a network; skipped where no Chromium is installed."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from devtools import Browser, find_browser

from projectkit.runs import read_run
from projectkit.runs.notes import note_run, tag_run
from projectkit.runs.page import Page, write_single

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(
    os.name != "posix" or PROGRAM is None, reason="needs Chromium (`apt install chromium`) on Linux or macOS"
)
HOSTILE = "</script><img src=x onerror=alert(1)>"
LINES = "[...document.querySelectorAll('[data-metric=loss] path.line')]"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One browser for all tests."""
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(running):
    running.errors.clear()
    yield running
    assert running.errors == []


@pytest.fixture
def show(browser, project):
    """Write the page of some runs and open it; the project's folder has a space and an accent."""

    def write_and_open(*writers, live: bool = False, **how) -> Path:
        page = Page([read_run(writer.path) for writer in writers], project)
        page.write(live=live)
        browser.open(page.path, **how)
        return page

    return write_and_open


def text(browser, selector):
    return browser.do(f"document.querySelector({selector!r}).textContent")


def test_the_curves_of_train_and_val_share_a_chart(browser, show, make_run):
    writer = make_run()
    writer.log(20, 0, {"val/loss": 0.7})
    show(writer)
    browser.wait_for(f"{LINES}.length === 2")
    assert browser.do("[...document.querySelectorAll('.panel')].map((panel) => panel.dataset.metric)") == [
        "f1_macro",
        "loss",
    ]
    assert "finished" in text(browser, ".pill")
    assert text(browser, "#contents a") == "Summary"


def test_a_run_that_goes_on_arrives_on_the_page_without_a_reload(browser, show, make_run):
    writer = make_run(status="running", planned_steps=40)
    page = show(writer, live=True)
    assert text(browser, "#progress") == "step 20 of 40"
    browser.do("window.sameDocument = true; document.querySelector('[data-key=\"0 train/loss\"]').focus()")
    writer.log(30, 0, {"train/loss": 0.4})
    page.write(live=True)
    browser.wait_for("document.getElementById('progress').textContent === 'step 30 of 40'")
    assert browser.do("document.activeElement.dataset.key") == "0 train/loss"
    assert "live" in text(browser, "#age")
    writer.finish("failed", "nan")
    page.write(live=False)
    browser.wait_for("document.querySelector('.pill').textContent.includes('failed')")
    assert text(browser, "#said") == "lstm is failed"
    assert "optimizer.init_args.lr" in text(browser, "#notices")
    assert browser.do("window.sameDocument") is True


def test_a_page_that_nobody_writes_any_more_says_so(browser, show, make_run):
    writer = make_run(status="running")
    show(writer, live=False)
    assert f"projectkit runs open {writer.id}" in text(browser, "#age")


def test_a_run_without_a_line_yet_has_a_page(browser, show, make_run):
    writer = make_run(status="running", value=None)
    (writer.path / "metrics.jsonl").unlink()
    show(writer)
    assert "Nothing has been logged yet" in text(browser, "#curves")
    assert browser.do("document.querySelectorAll('.panel').length") == 0


def test_sessions_tags_and_evaluations_are_told(browser, show, make_run):
    writer = make_run()
    writer.event("resumed")
    writer.event("checkpointed", name="last", step=20, sha256="ab" * 32)
    tag_run(read_run(writer.path), ["good"])
    for subset in ("val", "test"):
        writer.write_evaluation(
            subset, {"n": 1234, "metrics": {"f1_macro": {"value": 0.8, "low": 0.7, "high": 0.9}, "ece": {"value": 0.1}}}
        )
    show(writer)
    assert browser.do("document.querySelectorAll('#history .session').length") == 2
    assert "abababababab" in text(browser, "#history")
    assert text(browser, ".tag") == "good"
    assert browser.do("[...document.querySelectorAll('#evaluation thead th')].map((cell) => cell.textContent)") == [
        "metric",
        "val, n = 1,234",
        "test, n = 1,234",
    ]
    assert browser.do("document.querySelectorAll('#evaluation .interval').length") == 2
    assert "0.7000 to 0.9000" in text(browser, "#evaluation")


def test_hostile_text_stays_text(browser, show, make_run):
    writer = make_run(HOSTILE)
    writer.update(command=[HOSTILE])
    writer.log(21, 0, {HOSTILE: 1.0, "__proto__/constructor": 2.0, "a/toString": 3.0})
    writer.event("warned", message=HOSTILE)
    note_run(read_run(writer.path), HOSTILE)
    metrics = {HOSTILE: {"value": 0.5, "low": 0.4, "high": HOSTILE}, "__proto__": {"value": 1}}
    writer.write_evaluation("val", {"n": HOSTILE, "metrics": metrics})
    svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='top.hit = 1'><script>top.hit = 1; alert(2)</script></svg>"
    writer.write_figure("roc", svg.encode())
    (writer.path / "config.yaml").write_text(f"name: '{HOSTILE}'\n", encoding="utf-8")
    (writer.path / "source.diff").write_text(HOSTILE, encoding="utf-8")
    (writer.path / "audit.json").write_text(
        f'{{"findings": [{{"id": "{HOSTILE}", "status": "{HOSTILE}", "where": 3, "message": null}}]}}', encoding="utf-8"
    )
    show(writer)
    assert text(browser, "h1") == HOSTILE
    assert browser.do("document.querySelectorAll('main img, header img').length") == 1  # the figure
    assert browser.do("[...document.images].every((image) => image.src.startsWith('data:image/svg+xml'))")
    assert browser.do("window.hit") is None
    assert browser.do("document.querySelectorAll('.panel').length") >= 4
    assert HOSTILE in text(browser, "#config")
    assert HOSTILE in text(browser, "#notices")
    assert HOSTILE in text(browser, ".notes")


def test_a_script_that_gets_into_the_page_is_refused(running, show, make_run):
    show(make_run())
    running.do("document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=\"window.hit = 1\">')")
    running.do(
        "const node = document.createElement('script'); node.textContent = 'window.hit = 1'; document.body.append(node)"
    )
    running.do("new Promise((done) => setTimeout(done, 200))")
    assert running.do("window.hit") is None
    assert any("Content Security Policy" in error for error in running.errors)
    running.errors.clear()


def test_gaps_where_the_loss_is_no_number_are_shown_and_marked(browser, show, make_run):
    writer = make_run()
    for step, value in [(30, math.nan), (40, math.inf), (50, 0.4), (60, 0.3)]:
        writer.log(step, 0, {"train/loss": value})
    show(writer)
    browser.wait_for(f"{LINES}.length === 1")
    assert browser.do(f"{LINES}[0].getAttribute('d').match(/M/g).length") == 2
    marks = browser.do("[...document.querySelectorAll('[data-metric=loss] .gap')].map((mark) => mark.textContent)")
    assert marks == ["train/loss is NaN", "train/loss is ∞"]


def test_smoothing_keeps_the_line_as_it_was_logged_faint_behind(browser, show, make_run):
    show(make_run())
    browser.wait_for(f"{LINES}.length === 1")
    browser.do(
        "const slider = document.getElementById('smoothing'); slider.value = 80; slider.dispatchEvent(new Event('input'))"
    )
    assert browser.do(f"{LINES}.map((line) => line.classList.contains('raw'))") == [True, False]


def test_axis_and_scale_can_be_chosen(browser, show, make_run):
    writer = make_run()
    writer.log(30, 0, {"train/loss": -1.0})
    show(writer)
    browser.wait_for(f"{LINES}.length === 1")
    before = browser.do(f"{LINES}[0].getAttribute('d')")
    assert browser.do(f"{LINES}[0].getAttribute('d').split(/[ML]/).length - 1") == 3
    browser.do("document.getElementById('log').click()")
    assert browser.do(f"{LINES}[0].getAttribute('d').split(/[ML]/).length - 1") == 2  # a value below 0 has no logarithm
    browser.do("document.getElementById('log').click()")
    assert browser.do(f"{LINES}[0].getAttribute('d')") == before
    for axis in ("epoch", "time"):
        browser.do(f"document.querySelector('[value={axis}]').click()")
        label = browser.do("document.querySelector('[data-metric=loss] .chart').getAttribute('aria-label')")
        assert f"by {axis}" in label


def test_a_range_is_chosen_by_dragging_and_given_up_by_a_double_click(browser, show, make_run):
    writer = make_run()
    for step in range(30, 330, 10):
        writer.log(step, 0, {"train/loss": 1.0 / step})
    show(writer, height=1600)
    browser.wait_for(f"{LINES}.length === 1")
    whole = browser.do(f"{LINES}[0].getAttribute('d')")
    chart = "document.querySelector('[data-metric=loss] svg.chart').getBoundingClientRect()"
    box = [browser.do(f"{chart}.{side}") for side in ("x", "y", "width", "height")]
    left, right, middle = box[0] + box[2] * 0.4, box[0] + box[2] * 0.6, box[1] + box[3] / 2
    browser.mouse("mouseMoved", left, middle)
    browser.wait_for("!document.querySelector('[data-metric=loss] .tip').hidden")
    assert "train/loss" in text(browser, "[data-metric=loss] .tip")
    browser.mouse("mousePressed", left, middle, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", right, middle, button="left", buttons=1)
    browser.mouse("mouseReleased", right, middle, button="left", clickCount=1)
    browser.wait_for("!document.getElementById('all').disabled")
    assert browser.do(f"{LINES}[0].getAttribute('d')") != whole
    for count in (1, 2):
        browser.mouse("mousePressed", left, middle, button="left", buttons=1, clickCount=count)
        browser.mouse("mouseReleased", left, middle, button="left", clickCount=count)
    browser.wait_for("document.getElementById('all').disabled")
    assert browser.do(f"{LINES}[0].getAttribute('d')") == whole


def test_the_keyboard_reads_values_and_zooms(browser, show, make_run):
    show(make_run())
    browser.wait_for(f"{LINES}.length === 1")
    browser.do("document.querySelector('[data-metric=loss] svg.chart').focus()")
    browser.type("Home")
    assert text(browser, "#said") == "step 10: train/loss 1"
    browser.type("ArrowRight")
    assert text(browser, "#said") == "step 20: train/loss 0.5000"
    browser.type("+")
    assert browser.do("document.getElementById('all').disabled") is False
    browser.type("Escape")
    assert browser.do("document.getElementById('all').disabled") is True


def test_several_runs_are_overlaid_and_each_can_be_hidden(browser, show, make_run):
    show(make_run("one"), make_run("two"), make_run("two"))
    browser.wait_for(f"{LINES}.length === 3")
    assert len(set(browser.do(f"{LINES}.map((line) => line.style.stroke)"))) == 3
    labels = browser.do("[...document.querySelectorAll('#curves > .keys .key bdi')].map((label) => label.textContent)")
    assert labels[0] == "one"
    assert len(set(labels)) == 3  # two runs of one name are told apart
    browser.do("document.querySelector('[data-key=\"run 1\"]').click()")
    assert browser.do(f"{LINES}.length") == 2
    assert browser.do("document.querySelector('[data-key=\"run 1\"]').getAttribute('aria-pressed')") == "false"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1920])
def test_nothing_is_wider_than_the_screen(browser, show, make_run, width, dark):
    writer = make_run("a-name-without-a-break-" * 8)
    writer.update(command=["projectkit", "train", "x" * 300])
    writer.write_evaluation("val", {"n": 9, "metrics": {"f1_macro": {"value": 0.8, "low": 0.7, "high": 0.9}}})
    writer.event("warned", message="w" * 400)
    show(writer, width=width, dark=dark)
    assert browser.do("document.documentElement.scrollWidth") <= width
    ground = browser.do("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 24, 29)") is dark


def test_a_hundred_thousand_lines_are_a_light_drawing(browser, show, make_run):
    writer = make_run()
    with (writer.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(
            f'{{"step": {step}, "epoch": 0, "time": 1.0, "train/loss": {step % 97}.5}}\n' for step in range(21, 100_001)
        )
    show(writer)
    browser.wait_for(f"{LINES}.length === 1")
    assert browser.do(f"{LINES}[0].getAttribute('d').split(/[ML]/).length") < 2_100


def test_a_single_file_needs_nothing_beside_it(browser, make_run, tmp_path):
    file = tmp_path / "sent by mail.html"
    write_single([read_run(make_run().path)], file)
    browser.open(file)
    browser.wait_for(f"{LINES}.length === 1")


def test_a_run_that_ended_earlier_says_nothing_of_later_steps(browser, show, make_run):
    short, long = make_run("short"), make_run("long")
    long.log(1000, 0, {"train/loss": 0.1})
    show(short, long)
    browser.wait_for(f"{LINES}.length === 2")
    browser.do("document.querySelector('[data-metric=loss] svg.chart').focus()")
    browser.type("End")
    assert text(browser, "#said") == "step 1,000: long · train 0.1000"


@pytest.mark.parametrize("junk", [None, 3, "x", [1, None], {"a": {"b": None}}], ids=str)
def test_a_record_of_nonsense_still_has_a_page(browser, show, make_run, junk):
    writer = make_run()
    writer.write_evaluation("val", {"n": junk, "class_names": junk, "checkpoint": junk, "metrics": {"f1_macro": junk}})
    writer.write_evaluation("test", {"n": 1, "metrics": junk})
    writer.event("warned", message=junk, step=junk)
    record = json.loads((writer.path / "run.json").read_text(encoding="utf-8"))
    nonsense = {key: value if key == "schema" else junk for key, value in record.items()}
    (writer.path / "run.json").write_text(json.dumps(nonsense), encoding="utf-8")
    show(writer)
    browser.wait_for(f"{LINES}.length === 1")
    assert browser.do("document.getElementById('provenance') !== null")
