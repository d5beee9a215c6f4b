"""`projectkit poster gallery`."""

from __future__ import annotations

from pathlib import Path

import click

from projectkit import console
from projectkit.cli.options import as_json
from projectkit.errors import one_line


@click.command("gallery")
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("gallery"),
    show_default=True,
    help="Folder for the site.",
)
@click.option("--title", default="Posters", show_default=True, help="Of the session.")
@as_json
def poster_gallery(folders: tuple[Path, ...], output: Path, title: str, as_json: bool) -> int:
    """All posters of a course as a website: a wall to pan and zoom, a page a team, a search, a plan to print.

    FOLDER is a team's repository, a poster's folder, or a folder of such folders.
    """
    from projectkit.poster.gallery import make_gallery

    with console.error_console().status("looking for posters") as status:
        made = make_gallery(folders, output, title=title, say=status.update)
    if as_json:
        console.print_json(
            {
                "index": str(made.index),
                "posters": [
                    {"folder": each.entry.folder, "number": each.number, "title": each.entry.title}
                    for each in made.posters
                ],
                "failures": [{"folder": each.folder, "message": each.message} for each in made.failures],
                "warnings": list(made.warnings),
                "bytes": made.size,
            }
        )
    else:
        click.echo(made.index)
    for warning in made.warnings:
        click.echo(f"warning: {one_line(warning)}", err=True)
    for failure in made.failures:
        click.echo(one_line(f"not shown: {failure.folder}: {failure.message}"), err=True)
    count = f"{len(made.posters)} poster" + "s" * (len(made.posters) != 1)
    click.echo(f"{count}, {made.size / 1e6:.1f} MB", err=True)
    return int(bool(made.failures))
