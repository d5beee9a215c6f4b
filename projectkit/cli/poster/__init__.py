"""The commands of the poster: `projectkit poster ...`.

| file | commands |
|---|---|
| making.py | `init`, `build` |
| watching.py | `watch` |
| gallery.py | `gallery` |
| linting.py | `lint` |
"""

from __future__ import annotations

import click

from projectkit.cli.poster.gallery import poster_gallery
from projectkit.cli.poster.linting import poster_lint
from projectkit.cli.poster.making import poster_build, poster_init
from projectkit.cli.poster.watching import poster_watch


@click.group()
def poster() -> None:
    """The poster for the last day: make it, check it, show all of them."""


for command in (poster_init, poster_build, poster_watch, poster_lint, poster_gallery):
    poster.add_command(command)
