"""`projectkit poster init` and `build`."""

from __future__ import annotations

from pathlib import Path

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.errors import one_line
from projectkit.project import require_project


@click.command("init")
def poster_init() -> None:
    """Write a starting poster into poster/; what is there stays as it is."""
    from projectkit.poster import init_poster
    from projectkit.scaffold import poster_fields, recorded_answers

    root = require_project().root
    answers = recorded_answers(root)
    written = init_poster(root, **(poster_fields(answers) if answers else {}))
    click.echo("\n".join(map(str, written)) if written else "poster/ is complete, nothing was written")


@click.command("build")
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder for the files; build/ beside them otherwise."
)
@as_json
def poster_build(folder: Path | None, output: Path | None, as_json: bool) -> None:
    """Typeset poster/ to one page: PDFs for the archive and the print shop, pictures, a page for the phone."""
    from projectkit.poster import build_poster

    project = require_project()
    with console.error_console().status("typesetting"):
        built = build_poster(folder or project.root / "poster", project, output=output)
    for warning in built.warnings:
        click.echo(f"warning: {one_line(warning)}", err=True)
    if as_json:
        return console.print_json(
            {
                "pdf": str(built.pdf),
                "png": str(built.png),
                "files": [str(file) for file in built.files],
                "words": built.words,
                "scale": built.scale,
                "warnings": list(built.warnings),
            }
        )
    click.echo("\n".join(map(str, built.files)))
