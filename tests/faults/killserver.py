"""A process that has torch loaded and forks a child for each training, so that a death costs a second and not ten.

    python killserver.py        # a request a line on standard input, a reply a line on standard output, both JSON

A training is `projectkit train ...` in a child of its own, in a session and process group of its own. The child tells over a pipe what
it does: each optimiser step, and each thing that it is about to do to the run folder (Python's audit events: a file opened for writing,
a rename, a removal). So a death can be put before any of them, whatever code they stand in. The pipe is also held by every process that
the training forks: it closes when the last of them is gone, and a loader process that is left behind is noticed on any system that forks.

| death | when |
|---|---|
| `step` | within the optimiser step of this number |
| `write` | before the change of this number to a path that contains `path`; `torn`: what was last being written is cut first |
| `validation`, `fork` | so many seconds after the validation, or the loader process, of this number begins |
| `time` | so many seconds after the command began |

Linux and macOS only. Nothing here computes with torch before it forks, so no thread is lost in a child.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib
import json
import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ORPHANS_S = 4.0  # less than the 5 s after which most of torch's own loader processes look after their parent
CHANGES = {
    "os.rename": 1,
    "os.remove": 0,
    "os.mkdir": 0,
    "os.truncate": 0,
    "os.link": 1,
}  # event -> argument that names the path
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Watch:
    """In the child: tells what happens, and dies where it is to.

    Args:
        pipe: to the server; a line is `s <steps done>`, `o <change>`, or `d <seconds>` (to be killed then).
        root: the folder whose changes are told.
        death: see the table; None watches only.
    """

    def __init__(self, pipe: int, root: Path, death: dict[str, Any] | None) -> None:
        self.pipe = pipe
        self.root = str(root)
        self.death = death or {"kind": "none"}
        self.process = os.getpid()
        self.seen = {"step": 0, "write": 0, "validation": 0, "fork": 0}
        self.optimizer: Any = None
        self.open_file: tuple[str, int] | None = None  # last opened for writing, and its size then

    def install(self) -> None:
        """From here on; in this process only."""
        from torch.optim.optimizer import register_optimizer_step_post_hook

        from projectkit.training.logger import Recorder

        sys.addaudithook(self._audit)
        register_optimizer_step_post_hook(self._step)
        begin = Recorder.on_validation_start

        def on_validation_start(recorder: Recorder, *arguments: Any) -> None:
            self._soon("validation")
            begin(recorder, *arguments)

        Recorder.on_validation_start = on_validation_start  # type: ignore[method-assign]
        if self.death["kind"] == "time":
            self._tell(f"d {self.death['delay_s']}")

    def _step(self, optimizer: Any, *_: Any) -> None:
        if optimizer is not self.optimizer:  # the first step is tried on a copy
            self.optimizer, self.seen["step"] = optimizer, 0
        due = self._due("step")
        self._tell(f"s {self.seen['step']}")
        if due:
            self._die()

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.fork":
            self._soon("fork")
            return
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & WRITING:
                return
        elif event in CHANGES:
            path = arguments[CHANGES[event]]
        else:
            return
        if not isinstance(path, str | os.PathLike) or not self._mine():
            return
        name = os.fspath(path)
        if not isinstance(name, str) or not os.path.abspath(name).startswith(self.root):  # noqa: PTH100 - Path would tell of itself
            return
        change = f"{event.removeprefix('os.')} {named(name)}"
        if self.death.get("path", "") in change and self._due("write"):
            self._tear()
            self._die()
        self._tell(f"o {change}")
        self.open_file = (name, _size(name)) if event == "open" else None

    def _mine(self) -> bool:
        # a heartbeat beats when it will: what a thread beside does has no number that means the same twice
        return os.getpid() == self.process and threading.current_thread() is threading.main_thread()

    def _due(self, kind: str) -> bool:
        self.seen[kind] += 1
        return self.death["kind"] == kind and self.seen[kind] == self.death["number"]

    def _soon(self, kind: str) -> None:
        if self._mine() and self._due(kind):
            self._tell(f"d {self.death['delay_s']}")

    def _tear(self) -> None:
        """What the disk holds when a process dies, or the machine, while it writes: the first part of it."""
        share = self.death.get("torn")
        if share is None or self.open_file is None:
            return
        name, before = self.open_file
        self.process = -1  # this is no change of the training's
        after = _size(name)
        if after > before:
            os.truncate(name, before + int((after - before) * share))

    def _tell(self, line: str) -> None:
        os.write(self.pipe, f"{line}\n".encode())

    def _die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def _size(name: str) -> int:
    try:
        return os.stat(name).st_size  # noqa: PTH116 - as above
    except FileNotFoundError:
        return 0


def named(path: str) -> str:
    """A path within a run, without what differs from run to run."""
    parts = Path(path).parts
    inside = "/".join(parts[parts.index("runs") + 2 :]) if "runs" in parts else parts[-1]
    return re.sub(r"\.[0-9a-f]{12}\.tmp", ".tmp", inside) or "."


def state(run: Path) -> list[str | None]:
    """How a run reads: its status and the reason."""
    from projectkit.runs import read_run

    found = read_run(run)
    return [found.status, found.reason]


def fingerprint(run: Path) -> dict[str, str]:
    """SHA-256 of each thing that a finished run has: all that its checkpoints hold, metrics without `time`, what run.json says of them."""
    from projectkit.runs import read_run
    from projectkit.training import load_checkpoint

    found = read_run(run)
    rows = [{name: value for name, value in line.items() if name != "time"} for line in found.metrics()]
    held: dict[str, Any] = {"metrics": rows, "best": found.best, "last": found.last, "status": found.status}
    for name in ("last", "best"):
        held[f"{name}.ckpt"] = load_checkpoint(found.checkpoint(name))
    return {name: hashlib.sha256(content).hexdigest() for name, content in _leaves(held, "")}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, bytes]]:
    import torch

    if isinstance(value, dict):
        for key in value:
            yield from _leaves(value[key], f"{path}/{key}")
    elif isinstance(value, list | tuple) and any(
        isinstance(each, dict | list | tuple | torch.Tensor) for each in value
    ):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{path}/{number}")
    elif isinstance(value, torch.Tensor):
        head = f"{value.dtype} {tuple(value.shape)} ".encode()
        yield path, head + value.contiguous().flatten().view(torch.uint8).numpy().tobytes()
    else:
        yield path, repr(value).encode()


def train(request: dict[str, Any]) -> dict[str, Any]:
    """One session of a training, to its end or its death."""
    mine, theirs = os.pipe()
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        os.close(mine)
        _become_training(request, theirs)
    os.close(theirs)
    try:
        return {**_attend(process, mine, began + request["deadline_s"]), "seconds": time.monotonic() - began}
    finally:
        os.close(mine)


def _become_training(request: dict[str, Any], pipe: int) -> None:
    from projectkit.cli import main

    os.setsid()
    folder = Path(request["folder"])
    log = os.open(folder / "train.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, other in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(other, number)
    os.chdir(folder)
    sys.argv = ["projectkit", *request["words"]]
    os.write(log, f"--- {' '.join(sys.argv)}; death: {request['death']}\n".encode())
    Watch(pipe, folder / "runs", request["death"]).install()
    try:
        main()
    except SystemExit as ended:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(int(ended.code or 0))  # taking all of torch apart would take two seconds


def _attend(process: int, pipe: int, deadline: float) -> dict[str, Any]:
    """Read what the child tells, kill it when it is to be, and see that nothing of it is left."""
    steps, changes, rest = 0, [], b""
    status: int | None = None
    due = last = float("inf")
    hung = False
    while True:
        now = time.monotonic()
        if status is None:
            if now >= min(due, deadline):
                hung = now >= deadline
                os.kill(process, signal.SIGKILL)
                due = deadline = float("inf")
            ended, code = os.waitpid(process, os.WNOHANG)
            if ended:
                status, last = os.waitstatus_to_exitcode(code), now + ORPHANS_S
        elif now >= last:
            break
        readable, _, _ = select.select([pipe], [], [], max(0.0, min(0.05, due - now)))
        told = os.read(pipe, 1 << 16) if readable else None
        if told == b"":
            break
        *lines, rest = (rest + (told or b"")).split(b"\n")
        for line in lines:
            kind, _, what = line.decode().partition(" ")
            if kind == "s":
                steps = int(what)
            elif kind == "o":
                changes.append(what)
            elif kind == "d":
                due = time.monotonic() + float(what)
    orphans = told != b""
    if orphans:
        os.killpg(process, signal.SIGKILL)
    if status is None:
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return {"status": status, "steps": steps, "changes": changes, "orphans": orphans, "hung": hung}


def answer(what: str, request: Any) -> Any:
    """One request."""
    return train(request) if what == "train" else {"state": state, "fingerprint": fingerprint}[what](Path(request))


def say(line: str) -> None:
    """A reply."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve."""
    # so that no child has to
    for name in ("omegaconf", "projectkit.cli", "projectkit.data", "projectkit.models", "projectkit.training"):
        importlib.import_module(name)

    say("ready")
    for line in sys.stdin:
        say(json.dumps(answer(*json.loads(line))))
    os._exit(0)  # as above


if __name__ == "__main__":
    main()
