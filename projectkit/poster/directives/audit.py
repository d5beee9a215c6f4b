"""`audit`, a badge that says what the audit of a run found, or that it was not audited."""

from __future__ import annotations

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.found import named_run, named_source
from projectkit.poster.directives.shown import Shown
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project
from projectkit.runs.audit import Audit, Pitfall, read_audit


def audit(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The node of an audit badge.

    Args:
        fields: `run`.
        project: whose run it is.
        drawn: receives how many pitfalls are open.

    Returns:
        `badge`: `verdict` in words, `sign` (`clean`, `open`, `unaudited`), `text` (how many pitfalls have which status), `rows` (`label`,
        `text`) of those of which something is left to be said, the worst first, and `source`.

    Raises:
        UserError: a run that is not there, or an audit that is damaged or of weights that were replaced since; with file and line.
    """
    run = named_run(fields, project)
    source = named_source({run.name: run})
    try:
        found = read_audit(run)
    except UserError as error:
        raise fields.error("run", f"{error.where}: {error.what}", error.remedy or "audit the run again") from error
    if found is None or not found.pitfalls:
        words = "Nobody has looked for the ten pitfalls in this run."
        return {
            "kind": "badge",
            "verdict": "Not audited",
            "sign": "unaudited",
            "text": words,
            "rows": [],
            "source": source,
        }
    if found.outdated:
        raise fields.error("run", f"the run {run.id} was trained further after its audit", "audit the run again")
    count, whole = len(found.open), len(found.pitfalls)
    verdict = f"Audit: {count} of {whole} pitfalls open" if count else f"Audit: none of {whole} pitfalls"
    drawn.shown.append(Shown(fields.place, run.id, None, "audit", float(count), str(count)))
    return {
        "kind": "badge",
        "verdict": verdict,
        "sign": "open" if count else "clean",
        "text": _counts(found),
        "rows": [{"label": pitfall.title, "text": _words(pitfall)} for pitfall in found.open],
        "source": source,
    }


def _counts(found: Audit) -> str:
    return ", ".join(f"{count} {status}" for status, count in found.counts.items())


def _words(pitfall: Pitfall) -> str:
    return f"{pitfall.status}: {pitfall.message}" if pitfall.message else pitfall.status
