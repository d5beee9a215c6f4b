"""The team's repository: where its root is, which package is the team's, and where its runs and results lie.

The root is the nearest folder upwards whose `pyproject.toml` has a `[tool.projectkit]` table. A project trains before it is
installed: `Project.importable` puts its `src/` on the path.
"""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from projectkit.errors import UserError


@dataclass(frozen=True)
class Project:
    """A team's repository, read from the `[tool.projectkit]` table of its `pyproject.toml`."""

    root: Path
    package: str | None = None  # the team's import package below src/
    allow: tuple[str, ...] = ()  # further packages whose classes a config may name

    @property
    def runs(self) -> Path:
        """Where runs are written: `$PROJECTKIT_RUNS`, else `runs/` in the root."""
        return runs_root(self.root)

    @property
    def results(self) -> Path:
        """Where kept runs lie, to be committed."""
        return self.root / "results"

    @property
    def ledger(self) -> Path:
        """Where every look at a test subset is recorded, to be committed."""
        return self.root / "ledger"

    def importable(self) -> None:
        """Put the team's `src/` (or the root, where there is no `src/`) first on `sys.path`, once."""
        source = self.root / "src"
        folder = str(source if source.is_dir() else self.root)
        if folder not in sys.path:
            sys.path.insert(0, folder)


def runs_root(root: Path) -> Path:
    """Where the runs of the project at `root` are written."""
    override = os.environ.get("PROJECTKIT_RUNS")
    return Path(override).expanduser().resolve() if override else root / "runs"


def find_project(start: Path | None = None) -> Project | None:
    """The project that `start` (default: the working directory) lies in, or None.

    Raises:
        UserError: a `pyproject.toml` on the way that is not TOML, or a table that holds something else than expected.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("projectkit")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserError(f"not valid TOML: {error}", where=str(file), remedy="mend that line") from error
        if table is not None:
            return _read(folder, table, file)
    return None


def require_project(start: Path | None = None) -> Project:
    """The project that `start` lies in.

    Raises:
        UserError: there is none; the message says how to make one.
    """
    project = find_project(start)
    if project is None:
        raise UserError(
            "this folder is not in a project (no pyproject.toml with a [tool.projectkit] table here or above)",
            where=str((start or Path.cwd()).resolve()),
            remedy="make one with `projectkit new`, or go to your project's folder first",
        )
    return project


def _read(root: Path, table: object, file: Path) -> Project:
    if not isinstance(table, dict):
        raise UserError(
            "[tool.projectkit] is not a table", where=str(file), remedy='write package = "<your package>" below it'
        )
    package, allow = table.get("package"), table.get("allow", [])
    if package is not None and not isinstance(package, str):
        raise UserError(
            "package is not a string", where=f"{file}, [tool.projectkit]", remedy='write package = "<your package>"'
        )
    if not isinstance(allow, list) or not all(isinstance(name, str) for name in allow):
        raise UserError(
            "allow is not a list of strings", where=f"{file}, [tool.projectkit]", remedy='write allow = ["timm"]'
        )
    return Project(root=root, package=package, allow=tuple(allow))
