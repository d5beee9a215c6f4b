"""Starts the child process that talks to W&B, watches it, and ends it.

It has a process group of its own, so that a Ctrl-C does not reach it, and low priority. What it says goes to a file and not to a pipe: a
process that it leaves behind would hold a pipe open beyond the deadline.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from projectkit.runs.files import read_lines
from projectkit.runs.sync.target import Target

DEADLINE_S = 600.0  # for one run of `projectkit sync`
END_S = 7.0  # that a training waits for its upload at its end
LOG = Path("wandb", "upload.jsonl")
_POLL_S = 0.05
_TAKEN_ALONG = ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_CONFIG_DIR", "WANDB_INSECURE_DISABLE_SSL")
GRACE_S = 1.0  # after a deadline, for the child to say so itself


@dataclass(frozen=True)
class Uploaded:
    """How an upload ended.

    Args:
        url: the run's page, where it was taken.
        problem: why not everything is there, one line; None where it is.
        kind: of the problem: key, no-key, unreachable, entity, busy, deadline, taken, wandb, other.
        notes: what the user should know and what is no failure.
    """

    url: str = ""
    problem: str | None = None
    kind: str | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


class Uploading:
    """A child process at work on one run.

    Args:
        run: the run folder.
        target: where it goes.
        follow: go on until `end` is called, for a training that runs.
        deadline_s: after which it ends, from now, or from the call of `end`.
    """

    def __init__(self, run: Path, target: Target, *, follow: bool = False, deadline_s: float = DEADLINE_S) -> None:
        self.deadline_s = deadline_s
        self._log = run / LOG
        self._log.parent.mkdir(exist_ok=True)
        self._began = time.monotonic()
        spec = {"path": str(run), "target": asdict(target), "follow": follow, "deadline_s": deadline_s}
        command = [sys.executable, "-m", "projectkit.runs.sync.child", json.dumps(spec)]
        if os.name == "nt":
            group: dict[str, Any] = {
                "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS  # type: ignore[attr-defined]
            }
        else:
            group = {"start_new_session": True}
            command = _nice(command)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if follow else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                **group,
            )

    @property
    def said(self) -> list[dict[str, Any]]:
        """What it has said so far."""
        return read_lines(self._log)

    def end(self) -> Uploaded:
        """For one that follows: let it send what is left, wait until it has or its deadline is over, and end it."""
        stdin: IO[bytes] | None = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):  # it is gone already, which is said below
                stdin.close()
        self._began = time.monotonic()
        return self.wait()

    def wait(self, tell: Callable[[Mapping[str, Any]], None] | None = None) -> Uploaded:
        """Wait until it is done or its deadline is over; never longer.

        Args:
            tell: is handed each thing that it says, as it says it.
        """
        told = 0
        try:
            while self._process.poll() is None and time.monotonic() - self._began < self.deadline_s + GRACE_S:
                if tell is not None:
                    said = self.said
                    for line in said[told:]:
                        tell(line)
                    told = len(said)
                time.sleep(_POLL_S)
        finally:
            self._kill()
        return _outcome(self.said, self.deadline_s)

    def _kill(self) -> None:
        if self._process.poll() is None:
            try:
                if os.name == "nt":
                    self._process.kill()
                else:
                    os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            self._process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            return  # it hangs in the system; nothing waits for it


def _outcome(said: list[dict[str, Any]], deadline_s: float) -> Uploaded:
    notes = tuple(str(line.get("what")) for line in said if line.get("state") == "note")
    last = said[-1] if said else {}
    if last.get("state") == "done":
        return Uploaded(url=str(last.get("url", "")), notes=notes)
    if last.get("state") == "failed":
        return Uploaded(problem=f"{last['what']}; {last['remedy']}", kind=str(last["kind"]), notes=notes)
    known = [line for line in said if line.get("state") == "waiting"]
    if known:
        return Uploaded(problem=f"{known[-1]['what']}; {known[-1]['remedy']}", kind=str(known[-1]["kind"]), notes=notes)
    what = (
        f"the upload was ended while it was {last['state']}"
        if last
        else f"the upload said nothing within {deadline_s:g} s"
    )
    return Uploaded(problem=f"{what}; type `projectkit sync`", kind="other", notes=notes)


def _nice(command: list[str]) -> list[str]:
    """Low priority without `preexec_fn`, which is not safe where there are threads."""
    return ["nice", "-n", "10", *command] if Path("/usr/bin/nice").is_file() else command


def _environment() -> dict[str, str]:
    """This process's, without what names its own W&B run or the server of its offline files."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_") or name in _TAKEN_ALONG}
    return {**kept, "WANDB_SILENT": "true"}


def first_line(error: BaseException) -> str:
    """What an error says, as far as it fits into a warning."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
