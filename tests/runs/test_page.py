"""The page of `runs open`: what gets into it and how it is written; what it does in a browser is in test_page_browser.py."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from projectkit.errors import WorkError
from projectkit.runs import keep_run, read_run
from projectkit.runs.page import Page, write_single
from projectkit.runs.page.content import Content
from projectkit.runs.page.curves import Curves
from projectkit.runs.page.html import data_js, index_html
from projectkit.runs.page.thinning import Curve

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "projectkit" / "runs" / "page" / "assets"
HOSTILE = "</script><img src=x onerror=alert(1)>"


def page_of(*writers, project):
    return Page([read_run(writer.path) for writer in writers], project)


def content_of(writer):
    return Content([read_run(writer.path)]).document(live=False)["runs"][0]


def data_in(text):
    """What a data.js gives to the page."""
    return json.loads(json.loads(text[text.index("(") + 1 : text.rindex(")")]))


# -- curves --


def test_a_long_curve_has_two_thousand_points_and_keeps_every_peak():
    drawn = random.Random(0)
    values = [drawn.gauss(0, 1) for _ in range(30_000)]
    values[12_345], values[20_001] = 50.0, -50.0
    curve = Curve()
    for step, value in enumerate(values, 1):
        curve.add(step, step / 10, value)
    points = curve.points()
    assert len(points["value"]) <= 2001
    assert points["count"] == len(values)
    assert points["step"] == sorted(points["step"])
    assert dict(zip(points["step"], points["value"], strict=True))[12_346] == 50.0
    assert min(points["value"]) == -50.0
    assert points["step"][-1] == 30_000


def test_the_means_of_a_thinned_curve_are_those_of_its_buckets():
    curve = Curve(buckets=4)
    for step in range(1, 17):
        curve.add(step, float(step), float(step))
    mean = curve.points()["mean"]
    assert mean["value"] == [4.5, 12.5]  # of 1 to 8, and of 9 to 16
    assert mean["step"] == mean["time"] == [4.5, 12.5]


def test_what_is_no_number_survives_thinning_and_is_no_part_of_a_mean():
    curve = Curve(buckets=4)
    for step in range(1, 33):
        curve.add(step, float(step), math.nan if step == 11 else 1.0)
    points = curve.points()
    assert [step for step, value in zip(points["step"], points["value"], strict=True) if math.isnan(value)] == [11]
    assert set(points["mean"]["value"]) == {1.0}


def test_a_short_curve_is_kept_point_by_point():
    curve = Curve()
    for step, value in enumerate([3.0, 1.0, 2.0], 1):
        curve.add(step, 0.0, value)
    points = curve.points()
    assert points["value"] == [3.0, 1.0, 2.0]
    assert "mean" not in points


def test_reading_goes_on_where_it_ended_and_waits_for_a_torn_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    curves = Curves(path)
    curves.read()  # there is no file yet
    path.write_bytes(b'{"step": 1, "epoch": 0, "time": 0.1, "loss": 2.0}\n{"step": 2, "epo')
    curves.read()
    assert curves.document()["curves"]["loss"]["value"] == [2.0]
    with path.open("ab") as file:
        file.write(
            b'ch": 0, "time": 0.2, "loss": "NaN"}\nnot json\n{"step": 3, "epoch": 1, "time": 0.3, "loss": 1.0}\n'
        )
    curves.read()
    found = curves.document()
    assert found["curves"]["loss"]["step"] == [1, 2, 3]
    assert math.isnan(found["curves"]["loss"]["value"][1])
    assert found["epochs"] == [[1, 2], [2, 3]]
    assert found["step"] == 3


@pytest.mark.parametrize("more", [1, 5, 50], ids=["shorter", "as long", "longer"])
def test_a_file_that_was_rewound_to_a_checkpoint_is_read_from_its_start(tmp_path, more):
    def lines(steps, loss):
        return "".join(json.dumps({"step": step, "epoch": 0, "time": 0.1, "loss": loss}) + "\n" for step in steps)

    path = tmp_path / "metrics.jsonl"
    path.write_text(lines(range(1, 9), 2.0), encoding="utf-8")
    curves = Curves(path)
    curves.read()
    path.write_text(lines(range(1, 4), 2.0) + lines(range(4, 4 + more), 1.0), encoding="utf-8")
    curves.read()
    curve = curves.document()["curves"]["loss"]
    assert curve["step"] == list(range(1, 4 + more))
    assert curve["value"][3] == 1.0


# -- what the page says --


def test_the_page_has_a_runs_numbers_its_history_its_settings_and_what_was_said(make_run):
    writer = make_run(planned_steps=40)
    interval = {"value": 0.8, "low": 0.7, "high": 0.9, "method": "bca"}
    for subset in ("test", "val"):
        writer.write_evaluation(subset, {"n": 100, "metrics": {"f1_macro": interval}})
    writer.write_figure("roc-val", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (writer.path / "audit.json").write_text(
        '{"schema": 1, "findings": [{"id": "P3", "status": "present", "where": "data", "message": "leak", "advice": "split"}]}',
        encoding="utf-8",
    )
    run = content_of(writer)
    assert run["metrics"]["curves"]["train/loss"]["value"] == [1.0, 0.5]
    assert [each["subset"] for each in run["evaluations"]] == ["val", "test"]
    assert run["evaluations"][0]["metrics"]["f1_macro"] == interval
    assert run["figures"][0]["src"].startswith("data:image/svg+xml;base64,")
    assert run["audit"][0]["message"] == "leak"
    assert run["planned"] == 40
    assert "seed: 0" in run["config"]
    assert [event["event"] for event in run["events"]][-1] == "finished"
    assert not run["problems"]


def test_a_damaged_part_is_named_and_the_rest_is_there(make_run):
    writer = make_run()
    writer.write_evaluation("val", {"n": 1, "metrics": {}}).write_bytes(b"{")
    (writer.path / "audit.json").write_bytes(b"[]")
    (writer.path / "config.yaml").unlink()
    run = content_of(writer)
    assert len(run["problems"]) >= 3
    assert any("damaged evaluation" in problem for problem in run["problems"])
    assert run["metrics"]["curves"]["train/loss"]["count"] == 2


def test_a_run_that_failed_comes_with_its_reason_and_what_to_do(make_run):
    writer = make_run(status="running")
    writer.finish("failed", "nan")
    run = content_of(writer)
    assert run["ending"] == "the loss was no number any more"
    assert "optimizer.init_args.lr" in run["next"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "runs" / "recorded").glob("*/*/run.json")), ids=lambda path: path.parent.name
)
def test_a_run_of_an_older_version_has_a_page(path):
    run = Content([read_run(path.parent)]).document(live=False)["runs"][0]
    assert run["problems"] == []
    assert run["metrics"]["curves"]
    assert run["config"]


def test_several_runs_come_with_the_settings_that_differ(make_run):
    one, two = make_run("one"), make_run("two")
    (two.path / "config.yaml").write_text("name: two\nseed: 0\nmodel: {init_args: {hidden: 9}}\n", encoding="utf-8")
    runs = [read_run(one.path), read_run(two.path)]
    compared = Content(runs).document(live=False)["compared"]
    assert ["model.init_args.hidden", None, 9] in compared["settings"]


def test_a_long_history_and_a_large_diff_are_cut_and_say_so(make_run):
    writer = make_run()
    for index in range(500):
        writer.event("warned", message=str(index))
    (writer.path / "source.diff").write_text("+" * 300_000, encoding="utf-8")
    run = content_of(writer)
    assert len(run["events"]) == 400
    assert run["events_count"] == 502
    assert run["events"][-1]["message"] == "499"
    assert run["diff"].endswith("... the rest is in source.diff")


# -- the files --


def test_no_text_of_a_run_can_end_the_script_that_carries_it():
    document = {"name": HOSTILE, "lone": "\udc80", "lines": "\u2028", "__proto__": {"a": math.nan}}
    text = data_js(document).decode("ascii")
    assert not set("<>&\u2028") & set(text)
    found = data_in(text)
    assert found["name"] == HOSTILE
    assert found["__proto__"] == {"a": "NaN"}


def test_nothing_of_a_run_is_in_the_html_and_nothing_is_loaded_from_elsewhere(make_run, project):
    page = page_of(make_run(HOSTILE), project=project)
    page.write(live=False)
    html = page.path.read_text(encoding="utf-8")
    assert "alert(1)" not in html
    addresses = set(re.findall(r"""https?://[^"'\s)]+""", html))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name of SVG, not a place
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy[1])
    assert nonce is not None
    assert all(f'nonce="{nonce[1]}"' in tag for tag in re.findall(r"<(?:script|style)\b[^>]*>", html))
    assert nonce[1] not in index_html().decode("utf-8")  # drawn anew


def test_the_page_of_a_run_lies_in_its_folder_and_is_not_kept(make_run, project):
    writer = make_run()
    page = page_of(writer, project=project)
    page.write(live=False)
    assert page.path == writer.path / "page" / "index.html"
    assert data_in((page.path.parent / "data.js").read_text(encoding="ascii"))["runs"][0]["id"] == writer.id
    assert not (keep_run(read_run(writer.path), project) / "page").exists()


def test_the_page_of_a_kept_run_and_of_several_runs_lies_where_git_does_not_look(make_run, project):
    kept = keep_run(read_run(make_run().path), project)
    pages = [Page([read_run(kept)], project), page_of(make_run("one"), make_run("two"), project=project)]
    for page in pages:
        page.write(live=False)
        assert page.path.is_relative_to(project.root / "reports" / "runs")
        assert page.path.is_file()
    assert (project.root / "reports" / "runs" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert len({page.path for page in pages}) == 2


def test_where_the_runs_folder_cannot_be_written_the_page_goes_to_the_project(make_run, project):
    writer = make_run()
    (writer.path / "page").write_bytes(b"")  # stands in for a folder of somebody else's
    page = page_of(writer, project=project)
    page.write(live=False)
    assert page.path == project.root / "reports" / "runs" / writer.id / "index.html"
    (project.root / "reports" / "runs" / writer.id / "index.html").unlink()
    blocked = replace(project, root=project.root / "pyproject.toml")  # a file: nothing can be made below it
    with pytest.raises(WorkError, match="--output"):
        page_of(writer, project=blocked).write(live=False)


def test_a_single_file_has_everything_in_it(make_run, project, tmp_path):
    file = tmp_path / "page.html"
    write_single([read_run(make_run(HOSTILE).path)], file)
    html = file.read_text(encoding="utf-8")
    assert "src=" not in re.sub(r"<script[^>]*>.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"<script[^>]*\bsrc=", html)
    call = re.search(r"^<script[^>]*>(projectkitReceive\(.*\);)$", html, re.MULTILINE)
    assert call is not None
    assert data_in(call[1])["runs"][0]["name"] == HOSTILE
    with pytest.raises(WorkError, match="name another place"):
        write_single([read_run(make_run().path)], tmp_path / "missing" / "page.html")


def test_a_run_that_goes_on_is_followed_to_its_end(make_run, project):
    writer = make_run(status="running", planned_steps=100)
    page = page_of(writer, project=project)
    page.write(live=True)

    def shown():
        return data_in((page.path.parent / "data.js").read_text(encoding="ascii"))

    assert shown()["live"]
    assert shown()["runs"][0]["status"] == "running"
    looks = []

    def sleep(seconds):
        looks.append((seconds, shown()["runs"][0]["metrics"]["step"]))
        if len(looks) == 1:
            writer.log(30, 0, {"train/loss": 0.4})
        else:
            writer.finish("finished")

    page.follow(sleep=sleep)
    assert looks == [(2.0, 20), (2.0, 30)]
    assert not shown()["live"]
    assert shown()["runs"][0]["status"] == "finished"


def test_a_page_that_shows_the_same_is_not_written_again_at_once(make_run, project):
    writer = make_run(status="running")
    page = page_of(writer, project=project)
    page.write(live=True)
    written = []

    def sleep(_seconds):
        written.append((page.path.parent / "data.js").stat().st_mtime_ns)
        if len(written) == 4:
            writer.finish("finished")

    page.follow(sleep=sleep)
    assert written[1] == written[2] == written[3]


def test_the_wheel_has_the_pages_assets():
    from hatchling.builders.wheel import WheelBuilder

    packed = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assets = {f"projectkit/runs/page/assets/{path.name}" for path in ASSETS.iterdir()}
    assert len(assets) == 7
    assert assets <= packed


# -- colours --


def luminance(colour):
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, two):
    """WCAG 2.2, definition of contrast ratio."""
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_and_lines_have_the_contrast_that_wcag_asks_for(scheme):
    blocks = re.findall(r":root \{(.*?)\}", (ASSETS / "page.css").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    colours = {}
    for name, colour in re.findall(r"--(\w+): (#\w+)", blocks[scheme]):
        colours[name] = colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])
    for name in ("ink", "faint", "accent", "good", "busy", "warn", "bad"):
        for ground in ("paper", "card"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    lines = [colours[f"c{number}"] for number in range(7)]
    assert all(contrast(line, colours["paper"]) >= 3 for line in lines)
    assert all(one != two for one, two in combinations(lines, 2))
