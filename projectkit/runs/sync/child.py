"""The process that talks to W&B, started by `process.py`: nothing that goes wrong in it can reach a training.

It tells its parent one JSON line at a time on standard output and ends by itself: at its deadline, when its work is done, or, while it
follows a running training, soon after standard input is closed, which also happens when the training is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from projectkit.runs.files import to_json
from projectkit.runs.sync.offline import wait_for_end
from projectkit.runs.sync.replay import Replay
from projectkit.runs.sync.server import SyncError
from projectkit.runs.sync.target import Target

POLL_S = 5.0
AGAIN_S = 60.0  # until the server is tried again while a training runs
ASK_S = 10.0  # between two questions whether the server still lives, at the end
BUSY_SHARE = 0.05  # of the time at most, while a training runs


def main(arguments: list[str]) -> int:
    """Upload one run.

    Args:
        arguments: one JSON object: path, target {...}, follow, deadline_s (from now, or from the end of standard input).
    """
    spec = json.loads(arguments[0])
    path, target = Path(spec["path"]), Target(**{**spec["target"], "tags": tuple(spec["target"]["tags"])})
    child = Child(path, target, follow=spec["follow"], deadline_s=float(spec["deadline_s"]))
    try:
        lock = path / "wandb" / "upload.lock"
        lock.parent.mkdir(exist_ok=True)
        with FileLock(lock, timeout=0):
            child.follow() if spec["follow"] else child.once()
    except Timeout:
        child.tell("failed", kind="taken", what="another process is uploading this run", remedy="wait for it")
    except SyncError as error:
        child.tell("failed", kind=error.kind, what=error.what, remedy=error.remedy)
    except Exception as error:  # noqa: BLE001 - this is the last place that can turn it into a line
        what = " ".join((str(error) or type(error).__name__).split())[:200]
        child.tell("failed", kind="other", what=what, remedy="type `projectkit sync` to try again")
    finally:
        child.clean()
    return 0


class Child:
    """What is done, and when."""

    def __init__(self, path: Path, target: Target, *, follow: bool, deadline_s: float) -> None:
        self.path = path
        self.follows = follow
        self.target = target
        self.deadline_s = deadline_s
        self.replay: Replay | None = None

    def once(self) -> None:
        """Everything that is there now."""
        self._limit()
        self._all(ended=_ended(self.path))

    def follow(self) -> None:
        """Rows as they come, until standard input is closed; then everything."""
        closed = threading.Event()

        def listen() -> None:
            sys.stdin.buffer.read()
            closed.set()

        threading.Thread(target=listen, daemon=True).start()
        again, pause, told = 0.0, 0.0, ""
        while not closed.wait(pause):
            began = time.monotonic()
            if self.replay is None and began >= again:
                try:
                    self._connect()
                except SyncError as error:
                    if error.kind not in ("unreachable", "busy"):
                        raise
                    again = time.monotonic() + AGAIN_S
                    if told != error.what:
                        told = error.what
                        self.tell("waiting", kind=error.kind, what=error.what, remedy=error.remedy)
            if self.replay is not None:
                self._rows(whole=False)
            pause = max(POLL_S, (time.monotonic() - began) / BUSY_SHARE if self.replay else POLL_S)
            pause = min(pause, AGAIN_S)
        self._limit()
        self._all(ended=True)

    def _connect(self) -> Replay:
        self.tell("connecting")
        self.replay = Replay(self.path, self.target, lambda what: self.tell("note", what=what), follow=self.follows)
        self.tell("connected", url=self.replay.marker.url)
        return self.replay

    def _rows(self, *, whole: bool) -> None:
        if self.replay is not None and (count := self.replay.rows(whole=whole)):
            self.tell("rows", count=count)

    def _all(self, *, ended: bool) -> None:
        replay = self.replay or self._connect()
        if ended:
            wait_for_end(self.path)
        self._rows(whole=ended)
        self.tell("sending")
        replay.rest()
        self.tell("finishing")
        threading.Thread(target=self._ask_whether_it_lives, args=(replay,), daemon=True).start()
        marker = replay.finish()
        self.tell("done", url=marker.url, step=marker.step)

    def _ask_whether_it_lives(self, replay: Replay) -> None:
        """W&B goes on trying for hours where a server has died; two questions without an answer are enough."""
        silent = 0
        while True:
            time.sleep(ASK_S)
            try:
                replay.server.default_entity()
                silent = 0
            except SyncError as error:
                silent += 1
                if silent == 2:
                    self._give_up(error)

    def _give_up(self, error: SyncError) -> None:
        self.tell("failed", kind=error.kind, what=error.what, remedy=error.remedy)
        self.clean()
        os._exit(0)

    def _limit(self) -> None:
        """End at the deadline, whatever wandb is waiting for."""

        def end() -> None:
            self._give_up(SyncError("deadline", f"not done within {self.deadline_s:g} s", "type `projectkit sync`"))

        timer = threading.Timer(self.deadline_s, end)
        timer.daemon = True
        timer.start()

    def tell(self, state: str, **facts: Any) -> None:
        """One line for the parent."""
        try:
            os.write(1, to_json({"state": state, **facts}) + b"\n")
        except OSError:  # nobody listens, or the disk is full
            return

    def clean(self) -> None:
        """Remove what wandb kept."""
        if self.replay is not None:
            shutil.rmtree(self.replay.folder, ignore_errors=True)


def _ended(path: Path) -> bool:
    from projectkit.runs.reader import read_run

    return read_run(path).status != "running"


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # not through wandb's exit handler, which waits for the server
