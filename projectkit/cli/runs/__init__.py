"""The commands about what has been run: `projectkit runs ...`.

| file | commands |
|---|---|
| listing.py | `list`, and the filters that `compare` takes as well |
| showing.py, comparing.py | `show`, `compare` |
| marking.py | `tag`, `note`, `keep`, `export` |
| opening.py | `open` |
| putting.py | `archive`, `rm` |
"""

from __future__ import annotations

import click

from projectkit.cli.runs.comparing import runs_compare
from projectkit.cli.runs.listing import runs_list
from projectkit.cli.runs.marking import runs_export, runs_keep, runs_note, runs_tag
from projectkit.cli.runs.opening import runs_open
from projectkit.cli.runs.putting import runs_archive, runs_rm
from projectkit.cli.runs.showing import runs_show


@click.group()
def runs() -> None:
    """What has been run: list, look, compare, mark, keep, put away."""


for command in (
    runs_list,
    runs_show,
    runs_compare,
    runs_open,
    runs_tag,
    runs_note,
    runs_keep,
    runs_export,
    runs_archive,
    runs_rm,
):
    runs.add_command(command)
