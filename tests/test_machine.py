"""What a process may use of the machine: the narrowest of affinity, quota and allocation; the user's own word wins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from projectkit import machine
from projectkit.machine import (
    CpuPolicy,
    available_memory,
    cpu_policy,
    cpu_quota,
    lacking_for_compilation,
    physical_cores,
)

GIB = 1 << 30


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Linux machine with eight hardware threads on four cores, without groups or a user's wishes; its files lie in a folder."""
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK", "CXX", *machine.WAITING):
        monkeypatch.delenv(name, raising=False)
    for name in ("PROC", "CGROUPS", "CPUS"):
        monkeypatch.setattr(machine, name, tmp_path / name.lower())
    for number in range(8):
        write(tmp_path / f"cpus/cpu{number}/topology/thread_siblings_list", f"{number % 4},{number % 4 + 4}")
    write(tmp_path / "proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def test_two_hardware_threads_of_a_core_are_one() -> None:
    assert physical_cores() == 4
    assert (cpu_policy().threads, cpu_policy().source) == (4, "physical cores")


def test_a_process_bound_to_some_cores_counts_those(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 5}, raising=False)
    assert cpu_policy().threads == 2


@pytest.mark.parametrize("quota", ["max 100000", "0 0", "", "much 100000"])
def test_a_group_without_a_quota_limits_nothing(bare_machine: Path, quota: str) -> None:
    write(bare_machine / "proc/self/cgroup", "0::/job\n")
    write(bare_machine / "cgroups/job/cpu.max", quota)
    assert cpu_quota() is None


def test_the_narrowest_group_around_the_process_counts(bare_machine: Path) -> None:
    write(bare_machine / "proc/self/cgroup", "0::/slice/job\n")
    write(bare_machine / "cgroups/slice/cpu.max", "250000 100000")
    write(bare_machine / "cgroups/slice/job/cpu.max", "600000 100000")
    assert cpu_quota() == 2.5
    assert (cpu_policy().threads, cpu_policy().source) == (2, "the container's quota")


def test_groups_of_version_1_are_read_as_well(bare_machine: Path) -> None:
    write(bare_machine / "proc/self/cgroup", "4:memory:/job\n1:cpu,cpuacct:/job\n")
    write(bare_machine / "cgroups/cpu/job/cpu.cfs_quota_us", "50000")
    write(bare_machine / "cgroups/cpu/job/cpu.cfs_period_us", "100000")
    write(bare_machine / "cgroups/memory/job/memory.limit_in_bytes", str(3 * GIB))
    write(bare_machine / "cgroups/memory/job/memory.usage_in_bytes", str(2 * GIB))
    write(bare_machine / "cgroups/memory/job/memory.stat", f"cache 5\ntotal_inactive_file {GIB // 2}\n")
    assert cpu_policy().threads == 1  # half a core is one thread
    assert available_memory() == 3 * GIB // 2


def test_a_clusters_allocation_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert (cpu_policy().threads, cpu_policy().source) == (3, "SLURM_CPUS_PER_TASK")


@pytest.mark.parametrize(("wish", "threads"), [("6", 6), ("2,4", 2), ("many", 4), ("0", 4)])
def test_the_users_number_of_threads_wins(monkeypatch: pytest.MonkeyPatch, wish: str, threads: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wish)
    assert cpu_policy().threads == threads
    assert cpu_policy().chosen_by_user == (wish in ("6", "2,4"))


def test_memory_is_what_system_and_groups_leave(bare_machine: Path) -> None:
    assert available_memory() == 8 * GIB
    write(bare_machine / "proc/self/cgroup", "0::/job\n")
    write(bare_machine / "cgroups/job/memory.max", str(4 * GIB))
    write(bare_machine / "cgroups/job/memory.current", str(3 * GIB))
    write(bare_machine / "cgroups/job/memory.stat", f"anon 7\ninactive_file {GIB}\n")
    assert available_memory() == 2 * GIB
    write(bare_machine / "cgroups/job/memory.max", "max")
    assert available_memory() == 8 * GIB


def test_a_compiler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert lacking_for_compilation() == "there is no C++ compiler (no-such-compiler)"


def test_waiting_is_left_to_a_user_who_has_set_it() -> None:
    policy = CpuPolicy(2, "physical cores", {"OMP_WAIT_POLICY": "PASSIVE"})
    environment = {"GOMP_SPINCOUNT": "7"}
    assert policy.prepare(environment) == ()
    assert environment == {"GOMP_SPINCOUNT": "7"}


def test_one_thread_waits_for_nobody() -> None:
    environment: dict[str, str] = {}
    assert CpuPolicy(1, "physical cores", {"OMP_WAIT_POLICY": "PASSIVE"}).prepare(environment) == ()
    assert environment == {}


def test_what_comes_too_late_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", object())
    environment: dict[str, str] = {}
    assert CpuPolicy(2, "physical cores", {"OMP_WAIT_POLICY": "PASSIVE"}).prepare(environment) == ("OMP_WAIT_POLICY",)
    assert environment == {}


def test_asking_for_train_sets_the_variables_before_torch_is_imported() -> None:
    program = (
        "import os, sys, projectkit.machine as machine\n"
        "machine.physical_cores, machine.cpu_quota = lambda: 4, lambda: None\n"
        "seen = {}\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch':\n"
        "            seen.setdefault('policy', os.environ.get('OMP_WAIT_POLICY'))\n"
        "            raise ImportError('enough')\n"
        "sys.meta_path.insert(0, Watch())\n"
        "try:\n"
        "    import projectkit; projectkit.train\n"
        "except ImportError: pass\n"
        "print(seen)\n"
    )
    dropped = ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK", *machine.WAITING)
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "{'policy': 'PASSIVE'}"
