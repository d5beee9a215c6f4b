"""The process that follows a running training: rows come while it runs, and it ends with it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stub_server import StubServer
from trackedruns import STEPS, log_steps

from projectkit.runs import RunWriter
from projectkit.runs.files import read_lines
from projectkit.runs.sync import Target, Uploading

pytestmark = pytest.mark.slow


def until(holds: Callable[[], bool], deadline_s: float = 40.0) -> None:
    """Wait for something that another process does; the deadline is against hanging only."""
    end = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.mark.nightly  # W&B sends every 15 s
def test_rows_are_on_the_server_while_the_training_runs(server: StubServer, recorded: Callable[..., RunWriter]) -> None:
    writer = recorded(end="running")
    uploading = Uploading(writer.path, Target("course"), follow=True, deadline_s=20.0)
    until(lambda: bool(server.runs) and server.run.steps == STEPS[:-1])
    log_steps(writer, [110, 120])
    writer.finish("finished")
    ended = uploading.end()
    assert ended.problem is None
    assert server.run.steps == [*STEPS, 110, 120]
    assert server.run.exit_code == 0


def test_a_server_that_comes_back_while_the_training_runs_gets_everything(
    server: StubServer, recorded: Callable[..., RunWriter]
) -> None:
    writer = recorded(end="running")
    server.stop()
    uploading = Uploading(writer.path, Target("course"), follow=True, deadline_s=20.0)
    until(lambda: any(line["state"] == "waiting" for line in uploading.said))
    server.start()
    writer.finish("finished")
    assert uploading.end().problem is None
    assert server.run.steps == STEPS


TRAINING = """
import sys, time
from pathlib import Path
from projectkit.runs.sync import Target, Uploading

uploading = Uploading(Path(sys.argv[1]), Target("course"), follow=True, deadline_s=20.0)
print(uploading._process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_a_training_that_is_killed_leaves_its_rows_on_the_server_and_no_process(
    server: StubServer, recorded: Callable[..., RunWriter]
) -> None:
    writer = recorded(end="running")
    training = subprocess.Popen([sys.executable, "-c", TRAINING, writer.path], stdout=subprocess.PIPE, text=True)
    assert training.stdout is not None
    follower = int(training.stdout.readline())
    log: Path = writer.path / "wandb" / "upload.jsonl"
    until(lambda: any(line["state"] == "connected" for line in read_lines(log)))
    training.send_signal(signal.SIGKILL)
    training.communicate()
    until(lambda: any(line["state"] == "done" for line in read_lines(log)))
    until(lambda: not Path(f"/proc/{follower}").exists() if sys.platform == "linux" else True)
    assert server.run.steps == STEPS
