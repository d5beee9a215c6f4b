"""`projectkit runs open` as it is typed: the path on standard output, the browser where there is one, live until the run ends."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest
from clityped import Typed

from projectkit.runs import RunWriter
from projectkit.runs.page import Page


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the browser was given, on a machine with a display."""
    urls: list[str] = []
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", lambda url: urls.append(url) or True)
    return urls


def make(project: Path, name: str, *, status: str = "finished") -> RunWriter:
    writer = RunWriter.create(
        project / "runs", name, config_yaml=f"name: {name}\n", command=["projectkit", "train"], source=project
    )
    writer.log(1, 0, {"train/loss": 1.0})
    if status != "running":
        writer.finish(status)  # type: ignore[arg-type]
    return writer


def test_a_run_is_opened_in_the_browser_and_its_path_is_printed(typed: Typed, project: Path, opened: list[str]) -> None:
    run = make(project, "lstm")
    done = typed("runs open lstm")
    page = run.path / "page" / "index.html"
    assert (done.status, done.out) == (0, f"{page}\n")
    assert opened == [page.as_uri()]


def test_without_a_browser_only_the_path_is_printed(typed: Typed, project: Path, opened: list[str]) -> None:
    run = make(project, "lstm")
    done = typed("runs open --no-browser")
    assert (done.out, done.err) == (f"{run.path / 'page' / 'index.html'}\n", "")
    assert not opened


def test_where_there_is_no_display_the_address_is_told(
    typed: Typed, project: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(project, "lstm")
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = typed("runs open")
    assert "no display here" in done.err
    assert (run.path / "page" / "index.html").as_uri() in done.err
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    assert f"!projectkit runs open {run.id} --output page.html" in typed("runs open").err
    assert not opened


def test_json_names_the_page_and_its_runs(typed: Typed, project: Path, opened: list[str]) -> None:
    one, two = make(project, "one"), make(project, "two")
    found = json.loads(typed("runs open one two one --json --no-browser").out)
    assert found["runs"] == [one.id, two.id]
    assert Path(found["page"]).is_file()
    assert found["url"] == Path(found["page"]).as_uri()


def test_a_single_file_is_written_where_it_is_asked_for(typed: Typed, project: Path, opened: list[str]) -> None:
    make(project, "lstm")
    done = typed("runs open -o sent.html")
    assert done.out == f"{project / 'sent.html'}\n"
    assert b"projectkitReceive(" in (project / "sent.html").read_bytes()
    assert not opened
    assert "--output FILE.html" in typed("runs open -o no/such/place.html").line


def test_without_a_name_the_run_that_goes_on_is_taken_and_followed_until_ctrl_c(
    typed: Typed, project: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(project, "done")
    running = make(project, "going", status="running")
    data = running.path / "page" / "data.js"
    seen: list[bool] = []

    def follow(page: Page) -> None:
        seen.append('\\"live\\": true' in data.read_text(encoding="ascii"))
        raise KeyboardInterrupt

    monkeypatch.setattr(Page, "follow", follow)
    done = typed("runs open --no-browser")
    assert done.status == 0
    assert "Ctrl-C" in done.err
    assert seen == [True]
    assert '\\"live\\": false' in data.read_text(encoding="ascii")
    typed("runs open --no-browser --no-wait")
    assert seen == [True]


def test_a_name_that_no_run_has_is_one_line(typed: Typed, project: Path) -> None:
    make(project, "lstm")
    assert "did you mean" in typed("runs open lsmt").line
