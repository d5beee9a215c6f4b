"""A Slurm cluster of two nodes on this machine: munged, slurmctld and two slurmd, with ports and folders of their own.

Every process that is started here is ended by its number, also after a test that failed. Nothing of the machine's own Slurm is touched.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

TRIED = "22.05"  # the version that the configuration below is for, Debian 12's
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel", "squeue")
NODES = ("alpha", "beta")
_START_S = 30.0

_CONFIG = """
ClusterName=small
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
AuthType=auth/munge
# a job that is requeued waits until its credential is forgotten: 120 s by default
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=100000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=20
ReturnToService=2
SlurmdTimeout=10
GresTypes=gpu
NodeName=alpha NodeHostname={host} NodeAddr=127.0.0.1 Port={alpha} CPUs=4 RealMemory=16384 Gres=gpu:1
NodeName=beta NodeHostname={host} NodeAddr=127.0.0.1 Port={beta} CPUs=4 RealMemory=16384 Gres=gpu:1
PartitionName=usual Nodes=ALL Default=YES PriorityTier=1 MaxTime=1-0 State=UP
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=1-0 State=UP
"""


class NotStartedError(Exception):
    """A daemon of the cluster could not be started."""


def missing() -> str | None:
    """Why no cluster can be started here, in words; None where it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "slurmd needs root"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)} (Debian's packages slurmctld, slurmd and munge)" if absent else None


def version() -> str:
    """Of the Slurm that is installed, such as 22.05.8."""
    done = subprocess.run(["slurmd", "-V"], capture_output=True, text=True, encoding="utf-8", check=True)
    return done.stdout.split()[-1]


class SmallCluster:
    """Started by `with`; commands are given to `call`.

    Args:
        folder: of its own, with a short path: a socket's path has room for 100 characters.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._places: set[Path] = set()  # that jobs were submitted from

    def __enter__(self) -> SmallCluster:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, subprocess.SubprocessError):
            self.call("scancel", "--user=root", "--full")
            self.wait(lambda: not self.call("squeue", "--noheader", "--states=running,completing"), deadline_s=10)
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for step in self._started_here():  # what outlived its slurmd
            with suppress(ProcessLookupError):
                os.kill(step, signal.SIGKILL)

    @property
    def environment(self) -> dict[str, str]:
        """This process's, with the address of the cluster; a job gets all of it."""
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def call(self, *command: str, cwd: Path | None = None, **more: str) -> str:
        """Run a command of Slurm; what it prints."""
        self._places |= {cwd} if cwd else set()
        done = subprocess.run(
            command,
            env={**self.environment, **more},
            cwd=cwd,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )
        if done.returncode != 0:
            raise subprocess.SubprocessError(f"{' '.join(command)}: {done.stdout}{done.stderr}\n{self.logs()}")
        return done.stdout.strip()

    def wait(self, condition: Callable[[], object], *, deadline_s: float = 150.0) -> None:
        """Wait until something is so.

        Raises:
            TimeoutError: it never was; the message holds the ends of the logs.
        """
        end = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {deadline_s:.0f} s\n{self.logs()}")
            time.sleep(0.1)

    def job(self, number: str) -> dict[str, str]:
        """What the controller knows of a job: JobState, NodeList, Restarts, ExitCode ..."""
        words = self.call("scontrol", "--oneliner", "show", "job", number).split()
        return dict(word.partition("=")[::2] for word in words)

    def fail(self, node: str) -> None:
        """A node loses its power: its daemon and everything that it started are killed, and the controller finds it gone."""
        daemon = self._nodes.pop(node)
        of_jobs = self._started_here(f"SLURMD_NODENAME={node}")
        # Slurm's own, between the daemon and the jobs; all of them stop before the first dies, or they tell of its death
        steps = {parent for parent in map(_parent, of_jobs) if parent is not None and _name(parent) == "slurmstepd"}
        everything = [daemon.pid, *steps, *of_jobs]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in everything:
                with suppress(ProcessLookupError):
                    os.kill(process, number)
        daemon.wait()
        self.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=power")

    def logs(self) -> str:
        """The ends of the controller's log and of every job's."""
        found = [self.folder / "slurmctld.log", *(path for place in self._places for path in place.glob("slurm/*.log"))]
        texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in found if path.is_file()}
        return "\n".join(f"--- {path.name}\n{text[-3000:]}" for path, text in texts.items())

    def _start(self) -> None:
        controller, alpha, beta = self._ports(3)
        (self.folder / "state").mkdir()
        host = platform.node().partition(".")[0]
        text = _CONFIG.format(host=host, controller=controller, alpha=alpha, beta=beta, folder=self.folder)
        (self.folder / "slurm.conf").write_text(text, encoding="utf-8")
        # a stand-in, so that a script may ask for one
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\n", encoding="utf-8")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._run(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed",
        )
        self.wait((self.folder / "munge.socket").exists, deadline_s=_START_S)
        self._run("slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))
        for node in NODES:
            self._nodes[node] = self._run("slurmd", "-D", "-N", node, "-f", str(self.folder / "slurm.conf"))
        self.wait(self._up, deadline_s=_START_S)

    def _up(self) -> bool:
        if any(process.poll() is not None for process in self._processes):
            raise NotStartedError(f"a daemon ended at once\n{self.logs()}")
        with suppress(subprocess.SubprocessError):
            return (
                self.call("sinfo", "--noheader", "--Node", "--format=%t").split() == ["idle"] * 4
            )  # each in two partitions
        return False

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL  # they write logs
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=self.environment)
        self._processes.append(process)
        return process

    def _started_here(self, *variables: str) -> list[int]:
        """Processes with the address of this cluster, and with other variables, in their environment."""
        mine = {f"SLURM_CONF={self.folder}/slurm.conf".encode(), *(variable.encode() for variable in variables)}
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdecimal() and mine <= set((entry / "environ").read_bytes().split(b"\0")):
                    found.append(int(entry.name))
        return found

    def _ports(self, count: int) -> list[int]:
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        ports = [each.getsockname()[1] for each in sockets]
        for each in sockets:
            each.close()
        return ports


def _parent(process: int) -> int | None:
    with suppress(OSError):
        return int(
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
        )
    return None


def _name(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()
    return ""
