"""Which process writes a run, and whether it is still there: two processes must not write to one run folder.

A process is told by machine, number and start: numbers are given out again. Where its start cannot be read (Windows), or on another
machine, nothing is known and the answer is no.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """This process, as it stands in `run.json`."""
    return {"host": platform.node(), "pid": os.getpid(), "started": _started(os.getpid())}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether a recorded process is known to go on, on this machine; this process itself does not count."""
    pid, started = process.get("pid"), process.get("started")
    if not isinstance(pid, int) or started is None or pid == os.getpid() or process.get("host") != platform.node():
        return False
    return bool(_started(pid) == started)


def _started(pid: int) -> str | None:
    """When a process was started, in a form that is only good for comparing; None where it is not there or cannot be told."""
    try:
        # the name of the command, field 2, may hold spaces and brackets: field 22 is counted from behind its end
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return _started_by_ps(pid)
    return None if fields[0] in "ZX" else f"{boot} {fields[19]}"


def _started_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
