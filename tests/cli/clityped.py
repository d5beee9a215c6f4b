"""What a typed command came to, and the runs that commands are typed about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from projectkit.runs import RunWriter


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error."""
        assert self.status in (1, 2), self
        assert self.err.startswith("projectkit: "), self.err
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        assert not self.out
        return self.err.strip()


Typed = Callable[..., Done]
Made = Callable[..., RunWriter]

DATA = {"name": "sms_spam", "target": "label", "split": "stratified", "split_digest": "d" * 64, "card_digest": "c" * 64}
CONFIG = "name: x\nmodel:\n  class_path: team.Net\n  init_args:\n    hidden: {}\ntrainer:\n  max_epochs: 8\n"


def first_cells(output: str) -> list[str]:
    """The first column of a printed table."""
    return [line.split()[0] for line in output.splitlines()[1:]]
