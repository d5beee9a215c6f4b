"""Whether the process that writes a run still goes on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from projectkit.runs import is_alive, this_process
from projectkit.runs.process import _started


@pytest.mark.skipif(sys.platform == "win32", reason="the start of a process cannot be read there")
def test_a_process_is_alive_until_it_ends():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        recorded = {**this_process(), "pid": process.pid, "started": _started(process.pid)}
        assert is_alive(recorded)
        assert not is_alive({**recorded, "started": "at another time: the number was given out again"})
        assert not is_alive({**recorded, "host": "another machine"})
        process.communicate(b"\n")
    assert not is_alive(recorded)


@pytest.mark.parametrize("recorded", [{}, {"pid": "12"}, {"pid": 0, "started": None}])
def test_of_a_run_that_does_not_say_nothing_is_known(recorded):
    assert not is_alive(recorded)


def test_this_process_does_not_stand_in_its_own_way():
    assert not is_alive(this_process())
