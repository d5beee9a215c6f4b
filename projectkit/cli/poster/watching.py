"""`projectkit poster watch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from projectkit.errors import one_line
from projectkit.project import require_project

if TYPE_CHECKING:
    from projectkit.poster.watch import View


@click.command("watch")
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
@click.option(
    "--port", type=click.IntRange(1024, 65000), default=8711, show_default=True, help="The first that is tried."
)
@click.option("--no-browser", is_flag=True, help="Print where the page is, open nothing.")
def poster_watch(folder: Path | None, port: int, no_browser: bool) -> None:
    """Show the poster in the browser and follow every change; Ctrl-C ends it."""
    from projectkit.poster.watch import watch

    def opened(address: str) -> None:
        import webbrowser

        click.echo(address)
        if not no_browser:
            webbrowser.open(address)

    project = require_project()
    try:
        watch(folder or project.root / "poster", project, port=port, opened=opened, built=_say)
    except KeyboardInterrupt:
        click.echo("ended", err=True)


def _say(view: View) -> None:
    for line in (view.problem,) if view.problem else (f"built in {view.seconds:.2f} s", *view.warnings):
        click.echo(one_line(line), err=True)
