"""`projectkit poster lint`."""

from __future__ import annotations

from pathlib import Path

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.project import require_project


@click.command("lint")
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
@as_json
def poster_lint(folder: Path | None, as_json: bool) -> int:
    """Look for what fails on the day: too small, too long, blurred, old, unfinished. Exit status 1 where an error was found."""
    from projectkit.poster.lint import lint_poster

    project = require_project()
    with console.error_console().status("looking"):
        findings = lint_poster(folder or project.root / "poster", project)
    return console.report(findings, as_json=as_json)
