"""The most memory that this process has taken so far."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path


def peak_memory_mib() -> float | None:
    """Peak of the process's resident memory in MiB, without its loader processes; None where the system does not say."""
    if sys.platform == "win32":
        size = _peak_on_windows()
        return None if size is None else round(size / 2**20, 1)
    try:
        # not getrusage's: Linux starts that at the peak of the process that forked this one
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    except OSError:
        pass  # macOS has no such file
    import resource

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(size / (2**20 if sys.platform == "darwin" else 2**10), 1)  # bytes there, KiB elsewhere


def _peak_on_windows() -> int | None:
    """By GetProcessMemoryInfo."""

    class Counters(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_ulong),
            ("faults", ctypes.c_ulong),
            *((f"bytes_{number}", ctypes.c_size_t) for number in range(8)),  # the first is the peak of the working set
        )

    counters = Counters(size=ctypes.sizeof(Counters))
    library = getattr(ctypes, "windll", None)
    if library is None:
        return None
    library.kernel32.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(library.kernel32.GetCurrentProcess())
    asked = library.psapi.GetProcessMemoryInfo(process, ctypes.byref(counters), ctypes.c_ulong(counters.size))
    return int(counters.bytes_0) if asked else None
