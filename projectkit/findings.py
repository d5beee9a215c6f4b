"""What a checking command found: the one form that `doctor`, `data verify` and every later check prints and gives as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["ok", "note", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that a check looked at.

    Args:
        id: a short stable name, such as `torch` or `sms/Dataset_5971.csv`.
        status: `error` makes the command end with status 1.
        where: the file, key or part of the machine.
        message: what was seen, one line.
        advice: what to do about it, empty where nothing is to be done.
        evidence: the figures behind it, JSON-able.
    """

    id: str
    status: Status
    where: str
    message: str
    advice: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def as_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """The document that every checking command prints with `--json`."""
    return {"findings": [asdict(finding) for finding in findings]}


def exit_status(findings: Iterable[Finding]) -> int:
    """1 where a finding is an error, else 0."""
    return int(any(finding.status == "error" for finding in findings))
