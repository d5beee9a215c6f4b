"""The errors that a user can mend.

`UserError` is what the user typed or wrote (exit status 2), `WorkError` what happened while the work was done (exit status 1). Both
read as one line: where, what, and what to type instead. Anything else that escapes is a fault, ours or the team's, whose
traceback `--debug` shows.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# Control characters, which a terminal obeys, and those that turn around the text behind them: what is said may quote anybody's files.
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """A text as one line that can be printed on a terminal, whoever wrote it."""
    return _NOT_SHOWN.sub("\ufffd", " ".join(text.split()))


class ProjectkitError(Exception):
    """Base of the errors that are shown as one line, without a traceback.

    Args:
        what: what is wrong, a clause without a full stop.
        where: the file with line and column, the key, or the command that it concerns.
        remedy: the exact thing to do or to type next.
    """

    exit_status = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        line = f"{line}; {self.remedy}" if self.remedy else line
        return one_line(line)


class UserError(ProjectkitError):
    """The user's input is wrong: a config, an answer, an argument."""

    exit_status = 2


class WorkError(ProjectkitError):
    """The work failed for a reason that the user can mend: no network, a full disk, a loss that is not a number."""

    exit_status = 1


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, or None where nothing is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt name: the nearest known one, else all of them.

    Example:
        >>> did_you_mean("acuracy", ["accuracy", "loss"])
        "did you mean 'accuracy'?"
    """
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean '{near}'?"
    return f"known: {', '.join(names)}" if names else "none is known"
