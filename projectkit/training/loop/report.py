"""Which loop runs a training, and why: one line for the screen, two words for the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["segments", "batches", "lightning"]

SHOWN: dict[Mode, str] = {
    "segments": "many steps at a time",
    "batches": "one batch at a time, with the hooks that are used",
    "lightning": "Lightning's own",
}


@dataclass(frozen=True)
class LoopReport:
    """How the batches of a training are run."""

    mode: Mode
    reason: str  # why not the mode before it; for segments, empty
    step: str = "eager"  # or the name of the program that runs a step
    step_reason: str = ""  # why a program that was there does not run

    @property
    def line(self) -> str:
        """What `projectkit train` prints, such as `loop: Lightning's own, because the profiler wants every call`."""
        loop = f"loop: {SHOWN[self.mode]}"
        if self.reason:
            loop += f", because {self.reason}"
        if self.step != "eager":
            loop += f"; step: {self.step}"
        elif self.step_reason:
            loop += f"; step: eager, because {self.step_reason}"
        return loop
