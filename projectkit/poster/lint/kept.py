"""`kept`: runs that the poster shows and that no clone of the repository has."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding
from projectkit.poster.lint.proof import Proof, finding


def kept(proof: Proof) -> Iterator[Finding]:
    """Runs without a copy in `results/`: a partner, the course and its wall cannot build the poster."""
    for run, where in proof.runs:
        if run.kept is None:
            message = f"only this machine has the run {run.id}: a clone cannot build the poster"
            yield finding(
                "kept", "warning", where, message, f"type `projectkit runs keep {run.id}`, and commit it", run=run.id
            )
