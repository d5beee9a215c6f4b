"""Options and arguments that many commands have."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from projectkit.errors import UserError
from projectkit.project import find_project

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def config_and_overrides(arguments: Iterable[str], command: str) -> tuple[Path, list[str]]:
    """`[CONFIG] [KEY=VALUE]...`: the config is the one argument without `=`, else that of the project around the working directory.

    Args:
        arguments: of the command line.
        command: that they were given to, for the error.
    """
    files = [word for word in arguments if "=" not in word]
    if len(files) > 1:
        what = f"{len(files)} configs are named: {', '.join(files)}"
        raise UserError(what, where=command, remedy="name one; settings are key=value")
    project = None if files else find_project()
    root = Path(os.path.relpath(project.root)) if project else Path()
    return root / (files[0] if files else "configs/train.yaml"), [word for word in arguments if "=" in word]
