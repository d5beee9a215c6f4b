"""Which process writes a run, and whether it is still there.

A process is told by its machine, its number and its start: numbers are given out again. A machine is told by its name, by what it drew when
it was started (a copy of a disk has the same name), and by the space in which numbers are given out (two containers each have a number 7).
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ENDED = "ended"  # a process that nobody has asked for its end yet: its number is taken, but it does nothing any more
_MACHINE = ("host", "boot", "namespace")
_JOB = ("SLURM_JOB_ID", "SLURM_RESTART_COUNT")


def this_process() -> dict[str, Any]:
    """This process, as it stands in `process.json`."""
    pid = os.getpid()
    job = {name: os.environ[name] for name in _JOB if name in os.environ}
    return {**_this_machine(), "pid": pid, "started": _started(pid), **({"job": job} if job else {})}


def goes_on(process: Mapping[str, Any]) -> bool | None:
    """Whether a recorded process is there; None where only its signs of life can tell, as on another machine."""
    if _was_requeued(process):
        return False
    pid, started = process.get("pid"), process.get("started")
    here = _this_machine()
    if not isinstance(pid, int) or pid <= 0 or not isinstance(started, str) or here["boot"] is None:
        return None
    if any(process.get(name) != here[name] for name in _MACHINE):
        return None
    found = _started(pid)
    if found is not None:
        return found == started
    return None if _has_number(pid) else False  # somebody else's process may be hidden, but not its number


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether the process of a record of schema 1 is known to go on, on this machine; this process itself does not count."""
    pid, started = process.get("pid"), process.get("started")
    if not isinstance(pid, int) or started is None or pid == os.getpid() or process.get("host") != platform.node():
        return False
    return bool(_started(pid) == started)


def _was_requeued(process: Mapping[str, Any]) -> bool:
    """Slurm starts a job again when its former processes are gone, also on another machine and within seconds."""
    job = process.get("job")
    if not isinstance(job, Mapping) or job.get("SLURM_JOB_ID") != os.environ.get("SLURM_JOB_ID"):
        return False
    former, now = (str(where.get("SLURM_RESTART_COUNT") or 0) for where in (job, os.environ))
    return former.isdecimal() and now.isdecimal() and int(former) < int(now)


@functools.cache
def _this_machine() -> dict[str, str | None]:
    namespace = None
    try:
        boot: str | None = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot = {"darwin": _of_command("sysctl", "-n", "kern.bootsessionuuid"), "win32": "windows"}.get(sys.platform)
    return {"host": platform.node(), "boot": boot, "namespace": namespace}


def _started(pid: int) -> str | None:
    """When a process was started, in a form that is only good for comparing; None where it is not there or cannot be told."""
    if sys.platform == "win32":
        return _started_on_windows(pid)
    try:
        # the name of the command, field 2, may hold spaces and brackets: field 22 is counted from behind its end
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        # a Linux that does not say has no such process, or hides it from `ps` as well
        return None if sys.platform == "linux" else _of_command("ps", "-o", "lstart=", "-p", str(pid))
    return _ENDED if fields[0] in "ZX" else f"{boot} {fields[19]}"


def _has_number(pid: int) -> bool:
    if sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is there, and somebody else's
    return True


def _of_command(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _started_on_windows(pid: int) -> str | None:
    """By GetProcessTimes; a handle of an ended process stays valid, and its exit code tells."""
    library = getattr(ctypes, "windll", None)
    if library is None:
        return None
    kernel = library.kernel32
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return None
    try:
        code, times = ctypes.c_ulong(), [ctypes.c_ulonglong() for _ in range(4)]
        asked = kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
        if asked and code.value != 259:  # STILL_ACTIVE
            return _ENDED
        told = kernel.GetProcessTimes(ctypes.c_void_p(handle), *(ctypes.byref(each) for each in times))
        return str(times[0].value) if told else None
    finally:
        kernel.CloseHandle(ctypes.c_void_p(handle))
