"""Whether the process that writes a run still goes on."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from projectkit.runs import process
from projectkit.runs.process import _started, goes_on, this_process

needs_start = pytest.mark.skipif(sys.platform == "win32", reason="no process is waited for there")


@needs_start
def test_a_process_goes_on_until_it_ends():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        recorded = {**this_process(), "pid": other.pid, "started": _started(other.pid)}
        assert goes_on(recorded) is True
        assert goes_on({**recorded, "started": "at another time: the number was given out again"}) is False
        other.communicate(b"\n")
    assert goes_on(recorded) is False


@needs_start
def test_a_process_that_nobody_has_waited_for_is_over():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        recorded = {**this_process(), "pid": other.pid, "started": _started(other.pid)}
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write(b"\n")
        other.stdin.close()
        other.stdout.read()  # until it has closed everything
        deadline = time.monotonic() + 30
        while goes_on(recorded):  # it ends in this moment
            assert time.monotonic() < deadline
        assert goes_on(recorded) is False


@pytest.mark.parametrize("change", [{"host": "another"}, {"boot": "another"}, {"namespace": "another"}])
def test_of_a_process_on_another_machine_nothing_is_known(change):
    assert goes_on({**this_process(), **change}) is None


@pytest.mark.parametrize("recorded", [{}, {"pid": "12"}, {"pid": 0, "started": None}, {"pid": -1, "started": "x"}])
def test_of_a_record_that_does_not_say_nothing_is_known(recorded):
    assert goes_on({**this_process(), "pid": None, **recorded}) is None


def test_this_process_goes_on():
    assert goes_on(this_process()) is True


@pytest.mark.skipif(sys.platform == "win32", reason="numbers of processes are not hidden there")
def test_a_process_that_the_system_hides_is_left_to_its_heartbeat(monkeypatch):
    other = {**this_process(), "pid": 1, "started": "x"}
    monkeypatch.setattr(process, "_started", lambda pid: None)
    assert goes_on(other) is None


@pytest.mark.parametrize(
    ("former", "now", "known"), [("0", "1", False), (None, "1", False), ("1", "1", None), ("2", "1", None)]
)
def test_slurm_starts_a_job_again_only_when_it_is_over(monkeypatch, former, now, known):
    job = {"SLURM_JOB_ID": "7", **({} if former is None else {"SLURM_RESTART_COUNT": former})}
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", now)
    elsewhere = {**this_process(), "host": "another", "job": job}
    assert goes_on(elsewhere) is known
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    assert goes_on(elsewhere) is None
