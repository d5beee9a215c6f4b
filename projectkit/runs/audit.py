"""Reading the audit of a run: what `audit.json` says of the ten pitfalls of learning-based security.

The file has the form of every check, `{"schema": 1, "findings": [{"id": "P3", "status": "present", "message": "..."}]}`, with six words of
its own for the status (`WORDS`). Whoever writes another word is shown with it, and counted as open.

Source: Arp et al. 2022, "Dos and Don'ts of Machine Learning in Computer Security", section 3.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from projectkit.errors import UserError
from projectkit.runs.files import read_json
from projectkit.runs.reader import Run

PITFALLS = {
    "P1": "Sampling bias",
    "P2": "Label inaccuracy",
    "P3": "Data snooping",
    "P4": "Spurious correlations",
    "P5": "Biased parameter selection",
    "P6": "Inappropriate baseline",
    "P7": "Inappropriate measures",
    "P8": "Base rate fallacy",
    "P9": "Lab-only evaluation",
    "P10": "Inappropriate threat model",
}
WORDS = ("present", "partly present", "discussed", "unclear", "does not apply", "not present")  # the worst first
SETTLED = ("does not apply", "not present")  # nothing is left to be said


@dataclass(frozen=True)
class Pitfall:
    """What an audit says of one pitfall.

    Args:
        id: `P1` to `P10`.
        status: one of `WORDS`.
        message: what was seen.
    """

    id: str
    status: str
    message: str = ""

    @property
    def title(self) -> str:
        """As the paper calls it, after its number."""
        return f"{self.id} {PITFALLS[self.id]}" if self.id in PITFALLS else self.id


@dataclass(frozen=True)
class Audit:
    """The audit of a run.

    Args:
        pitfalls: in the file's order.
        outdated: whether the weights were replaced since.
    """

    pitfalls: tuple[Pitfall, ...]
    outdated: bool = False

    @property
    def open(self) -> tuple[Pitfall, ...]:
        """Those of which something is left to be said, the worst first."""
        left = [pitfall for pitfall in self.pitfalls if pitfall.status not in SETTLED]
        return tuple(sorted(left, key=lambda pitfall: _order(pitfall.status)))

    @property
    def counts(self) -> dict[str, int]:
        """How many have each status, the worst first."""
        counted = Counter(pitfall.status for pitfall in self.pitfalls)
        return {status: counted[status] for status in sorted(counted, key=_order)}


def read_audit(run: Run) -> Audit | None:
    """The audit that lies in a run's folder; None where it was not audited.

    Raises:
        UserError: the file is damaged.
    """
    path = run.path / "audit.json"
    if not path.is_file():
        return None
    try:
        document = read_json(path)
        found = [(str(each["id"]), each["status"], each.get("message")) for each in document["findings"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"not an audit ({type(error).__name__}: {error})",
            where=str(path),
            remedy="delete the file, and audit the run again",
        ) from error
    pitfalls = (Pitfall(name, _word(status), str(message or "")) for name, status, message in found)
    return Audit(tuple(pitfalls), run.outdated(document))


def _word(status: object) -> str:
    return str(status).strip().lower().replace("_", " ").replace("-", " ")


def _order(status: str) -> tuple[int, str]:
    return (WORDS.index(status) if status in WORDS else -1, status)
