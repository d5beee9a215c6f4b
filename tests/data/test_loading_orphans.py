"""Loader processes do not outlive the process that they read for."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

import projectkit

# orphans.py is loaded by itself: a process with torch takes seconds to start
PROGRAM = f"""
import multiprocessing, os, sys, time
sys.path.insert(0, {str(Path(projectkit.__file__).parent / "data" / "loading")!r})
from orphans import EndsWithParent

def read(end, number):
    end(number)
    os.write(1, b"reads\\n")  # in one piece
    time.sleep(1000)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    end = EndsWithParent()
    end.killed_by_system &= sys.argv[2] == "system"
    processes = [context.Process(target=read, args=(end, number)) for number in range(2)]
    for process in processes:
        process.start()
    if sys.argv[3:]:
        sys.stdin.readline()
        for process in processes:
            process.terminate()
            process.join()
    else:
        time.sleep(1000)
"""


@pytest.mark.parametrize(
    ("start", "who"), [("fork", "system"), ("fork", "thread"), ("spawn", "thread"), ("forkserver", "thread")]
)
def test_loader_processes_end_with_a_parent_that_is_killed(tmp_path: Path, start: str, who: str) -> None:
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {start}")
    script = tmp_path / "parent.py"
    script.write_text(PROGRAM, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script), start, who], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as parent:
        assert parent.stdout is not None
        begun = [parent.stdout.readline() for _ in range(2)]
        parent.kill()
        parent.communicate(timeout=30)  # the pipe is closed when the last process that has it is gone
    assert begun == ["reads\n"] * 2


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_loader_processes_end_at_once_when_their_parent_ends_them(tmp_path: Path, start: str) -> None:
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {start}")
    script = tmp_path / "parent.py"
    script.write_text(PROGRAM, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script), start, "system", "ends them"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as parent:
        assert parent.stdout is not None
        for _ in range(2):
            parent.stdout.readline()
        try:
            parent.communicate("\n", timeout=20)
        finally:
            parent.kill()
    assert parent.returncode == 0
