"""What this machine lets a process use: cores, memory, a compiler; and how torch's threads are to wait.

A process rarely has the machine to itself: an affinity mask, a container's quota and a cluster's allocation each leave less of it, and
torch looks at none of the quotas. Nothing here imports torch, because how threads wait is read once, when torch is loaded.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
CPUS = Path("/sys/devices/system/cpu")

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")

PATIENT = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
"""A thread that waits sleeps at once (the second name is for Intel's and LLVM's OpenMP), so that it does not hold a core that the thread
it waits for could run on."""

NO_LIMIT = 1 << 60
"""Bytes from which on a limit is none: a control group without one says 2^63, rounded down to a page."""


@dataclass(frozen=True)
class CpuPolicy:
    """How many threads torch computes with, and how long one that has nothing to do waits before it sleeps."""

    threads: int | None  # None: the system does not say, and torch's own choice stands
    source: str  # what the number of threads follows from
    waiting: Mapping[str, str]  # environment variables that must be set before torch is loaded

    @property
    def chosen_by_user(self) -> bool:
        """Whether the user's environment names the threads, so that nothing is left to be measured."""
        return self.source == "OMP_NUM_THREADS"

    def prepare(self, environment: MutableMapping[str, str] = os.environ) -> tuple[str, ...]:
        """Set the variables for torch's threads, unless the user has set one of their kind.

        Args:
            environment: of this process.

        Returns:
            The variables that are set too late, because torch is loaded already.
        """
        if self.threads == 1 or any(name in environment for name in WAITING):  # one thread waits for nobody
            return ()
        if "torch" in sys.modules:
            return tuple(self.waiting)
        environment.update(self.waiting)
        return ()


def cpu_policy() -> CpuPolicy:
    """What suits this process; the user's OMP_NUM_THREADS wins."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # "4,2" is for nested teams
    if wanted.isdecimal() and int(wanted) > 0:
        return CpuPolicy(int(wanted), "OMP_NUM_THREADS", PATIENT)
    limits = {name: count for name, count in _limits().items() if count is not None}
    if not limits:
        return CpuPolicy(None, "torch", PATIENT)
    source = min(limits, key=limits.__getitem__)
    return CpuPolicy(max(1, int(limits[source])), source, PATIENT)


def physical_cores() -> int | None:
    """Cores that this process may run on; two hardware threads of one core share its arithmetic and count once."""
    mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    cores = {_text(CPUS / f"cpu{number}" / "topology" / "thread_siblings_list") or str(number) for number in mine}
    if cores:
        return len(cores)
    # macOS: the slow cores of an Apple chip would hold the fast ones up
    return _sysctl("hw.perflevel0.physicalcpu") or _sysctl("hw.physicalcpu")


def cpu_quota() -> float | None:
    """Cores' worth of time that the control groups around this process allow it; None without a limit."""
    quotas = []
    for folder in _groups("cpu"):
        words = (_text(folder / "cpu.max") or "").split()
        if not words:  # version 1 of control groups
            words = [_text(folder / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
        if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]):
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def available_memory() -> int | None:
    """Bytes that this process can still take before the system or its control groups refuse; None where nobody says."""
    said = [_free_memory(), *map(_left_in, _groups("memory"))]
    return min((max(0, each) for each in said if each is not None), default=None)


def lacking_for_compilation() -> str | None:
    """What torch.compile would miss here, in words; None where it has a C++ compiler and the headers of Python."""
    usual = {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    name = os.environ.get("CXX", usual)
    if shutil.which(name) is None:
        return f"there is no C++ compiler ({name})"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "the headers of Python are not installed (Python.h)"
    return None


def cpu_name() -> str:
    """The processor's name, by which a measurement is told from one of another machine."""
    for line in (_text(PROC / "cpuinfo") or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def busy_seconds() -> float | None:
    """Processor time that all processes of this machine have taken so far, in seconds; None where the system does not say."""
    words = (_text(PROC / "stat") or "").split("\n", 1)[0].split()
    if words[:1] != ["cpu"]:
        return None
    user, nice, system, _, _, interrupts, soft = (
        int(word) for word in words[1:8]
    )  # left out: idle, and waiting for a disk
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def _limits() -> dict[str, float | None]:
    cluster = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return {
        "physical cores": physical_cores(),
        "the container's quota": cpu_quota(),
        "SLURM_CPUS_PER_TASK": int(cluster) if cluster.isdecimal() else None,
    }


def _groups(controller: str) -> Iterator[Path]:
    """Folders of the control groups that this process is in, from its own upwards; a limit of any of them holds."""
    for line in (_text(PROC / "self" / "cgroup") or "").splitlines():
        _, names, inside = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        # version 2 has one tree, version 1 one a controller; a container often sees its own group as the root
        root = CGROUPS / controller if names else CGROUPS
        folder = root / inside.lstrip("/")
        yield from (each for each in (folder, *folder.parents) if each.is_relative_to(root) and each.is_dir())


def _left_in(group: Path) -> int | None:
    """Bytes that a control group has left; pages of files that nobody uses are given back when memory is asked for."""
    for limit_file, usage_file, reclaimed in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, usage = _text(group / limit_file) or "", _text(group / usage_file) or ""
        if limit.isdecimal() and usage.isdecimal() and int(limit) < NO_LIMIT:
            return int(limit) - int(usage) + _entry(group / "memory.stat", reclaimed)
    return None


def _free_memory() -> int | None:
    if (PROC / "meminfo").is_file():
        return _entry(PROC / "meminfo", "MemAvailable:") * 1024 or None
    total = _sysctl("hw.memsize")
    # macOS: what is free changes with every page; half of what is there is what a laptop in use can spare
    return total // 2 if total else _free_memory_of_windows()


def _free_memory_of_windows() -> int | None:
    """By GlobalMemoryStatusEx."""

    class Status(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "page", "page_free", "virtual", "virtual_free")),
            ("extended", ctypes.c_ulonglong),
        )

    status = Status(size=ctypes.sizeof(Status))
    library = getattr(ctypes, "windll", None)
    return (
        int(status.free)
        if library is not None and library.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        else None
    )


def _sysctl(name: str) -> int | None:
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            ["sysctl", "-n", name], capture_output=True, text=True, encoding="ascii", timeout=5, check=False
        )
        return int(done.stdout) if done.stdout.strip().isdecimal() else None
    return None


def _entry(file: Path, name: str) -> int:
    """The number behind a name in a file of `name number` lines; 0 where there is none."""
    for line in (_text(file) or "").splitlines():
        words = line.split()
        if words[:1] == [name]:
            return int(words[1])
    return 0


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
