"""`projectkit runs open`: a page about runs, in the browser, live while they go on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from projectkit import console
from projectkit.cli.options import as_json

if TYPE_CHECKING:
    from projectkit.project import Project
    from projectkit.runs import Run


@click.command("open", short_help="A page about a run, or several: curves, live.")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@click.option("--no-browser", is_flag=True, help="Print where the page is, open nothing.")
@click.option("--no-wait", is_flag=True, help="Write the page once, also while a run goes on.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one file with everything in it, to be mailed or shown in a notebook.",
)
@as_json
def runs_open(names: tuple[str, ...], no_browser: bool, no_wait: bool, output: Path | None, as_json: bool) -> None:
    """A page about a run, several overlaid: curves, evaluation, config, history. Live while a run goes on.

    Without RUN: the run that goes on, else the latest.
    """
    from projectkit.runs.page import Page, write_single

    found, project = _named(names)
    if output is not None:
        write_single(found, output)
        return _tell(output, found, as_json=as_json)
    page = Page(found, project)
    wait = page.running and not no_wait
    page.write(live=wait)
    wait = wait and page.running
    _tell(page.path, found, as_json=as_json)
    if not no_browser:
        click.echo(_show(page.path, found), err=True)
    if wait:
        click.echo("the page is kept up to date until the run ends; Ctrl-C leaves it as it is", err=True)
        try:
            page.follow()
        except KeyboardInterrupt:
            page.write(live=False)


def _named(names: tuple[str, ...]) -> tuple[list[Run], Project]:
    """The runs, each once, and the project of the first."""
    from projectkit.project import require_project
    from projectkit.runs import find_run, list_runs, project_of

    if not names:
        project = require_project()
        going_on = [run for run in list_runs(project) if run.status == "running"]
        return [going_on[0] if going_on else find_run("latest", project)], project
    found = {run.path: run for run in (find_run(name, project_of(name)) for name in names)}
    return list(found.values()), project_of(names[0])


def _tell(path: Path, found: list[Run], *, as_json: bool) -> None:
    path = path.resolve()
    if as_json:
        return console.print_json({"page": str(path), "url": path.as_uri(), "runs": [run.id for run in found]})
    click.echo(path)


def _show(path: Path, found: list[Run]) -> str:
    """Open the default browser; what was done, or what to do where there is none."""
    if os.environ.get("COLAB_RELEASE_TAG"):
        names = " ".join(run.id for run in found)
        return (
            f"Colab has no browser of its own: type `!projectkit runs open {names} --output page.html`, then in a cell "
            "`from IPython.display import HTML; HTML(filename='page.html')`"
        )
    url = path.resolve().as_uri()
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return f"no display here: open {url}, or copy a single file to your machine (--output FILE.html)"
    import webbrowser

    return f"opened {url}" if webbrowser.open(url) else f"no browser was found: open {url}"
