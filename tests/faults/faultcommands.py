"""What a typed command came to, in this process or in one of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """What the error says, its one line; warnings and progress stand before it."""
        errors = [line for line in self.err.splitlines() if line.startswith("projectkit: ")]
        assert len(errors) == 1, self.err
        assert "Traceback" not in self.err, self.err
        return errors[0]

    @property
    def warnings(self) -> list[str]:
        """The lines of warnings."""
        return [line for line in self.err.splitlines() if line.startswith("warning: ")]


@dataclass
class Child:
    """A command in a process of its own."""

    process: subprocess.Popen[str]

    def ended(self, timeout_s: float = 50) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=timeout_s)
        return Ended(self.process.returncode, out, err)


Typed = Callable[..., Ended]
Started = Callable[..., Child]
