"""`lint_poster`: a poster typeset once and looked at by every check."""

from __future__ import annotations

from pathlib import Path

from projectkit.errors import UserError
from projectkit.findings import Finding
from projectkit.poster.lint.checks import CHECKS
from projectkit.poster.lint.proof import Proof
from projectkit.poster.render import rendered
from projectkit.project import Project

SOURCES = "sources"  # the name of the one finding where the sources cannot be read
_ORDER = ("error", "warning", "note", "ok")


def lint_poster(folder: Path, project: Project) -> list[Finding]:
    """Look at the poster in `folder`; nothing is written.

    Args:
        folder: holds `poster.yaml` and `sections/`.
        project: whose runs and files it may show.

    Returns:
        The worst first; in the order of `CHECKS` among equals. What a source says wrong is the only finding, as nothing can be typeset.

    Raises:
        UserError: there is no poster.
    """
    if not (folder / "poster.yaml").is_file():
        remedy = "make one with `projectkit poster init`"
        raise UserError("there is no poster here", where=str(folder / "poster.yaml"), remedy=remedy)
    try:
        with rendered(folder, project) as found:
            proof = Proof(found, project)
            findings = [finding for check in CHECKS.values() for finding in check(proof)]
    except UserError as error:
        return [Finding(SOURCES, "error", error.where or str(folder), error.what, error.remedy or "")]
    return sorted(findings, key=lambda finding: _ORDER.index(finding.status))
