"""`kept`: runs that the poster shows and that no clone of the repository has."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding
from projectkit.poster.lint.proof import Proof, finding


def kept(proof: Proof) -> Iterator[Finding]:
    """Runs without a copy in `results/`: a partner, the course and its wall cannot build the poster."""
    away = [(run.id, where) for run, where in proof.runs if run.kept is None]
    if away:
        ids = " ".join(run for run, _ in away)
        what = "a run that is shown" if len(away) == 1 else f"{len(away)} runs that are shown"
        message = f"only this machine has {what}: a clone cannot build the poster"
        yield finding("kept", "warning", away[0][1], message, f"type `projectkit runs keep {ids}`, and commit results/")
