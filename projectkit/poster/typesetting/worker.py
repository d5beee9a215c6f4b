"""`Worker`: Typst in a process of its own, with limits on its time and memory, kept warm between posters where one wants that.

What a picture or a text may make of the typesetter (a bomb of nested shapes, a loop, a fault of its native code) ends that process, and
here it is one line. `worker_main.py` is the program that it runs.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from projectkit.errors import WorkError

# An A0 poster takes 1 s and less than 0.3 GB. The limit is of addresses, of which a process has some that it never uses: threads'
# stacks, fonts that are mapped.
LIMIT_S = 60.0
LIMIT_BYTES = 3 * 1024**3
# One page gains nothing by more threads; each of a server's hundred would take addresses for a stack and a heap of its own.
_THREADS = {"RAYON_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "2"}

_MORE_THREADS = 3  # processor time for each second of a task, and to spare


class TypesettingError(Exception):
    """What Typst refuses.

    Args:
        message: what is wrong.
        diagnostic: the same with place and hints, as Typst prints it.
    """

    def __init__(self, message: str, diagnostic: str = "") -> None:
        super().__init__(message)
        self.diagnostic = diagnostic or message


class LimitError(WorkError):
    """A task that took too long or too much memory, or ended the process."""


class Worker:
    """A typesetting process; a context, at whose end it is ended. It is started by the first task, or by `start` before.

    Args:
        limit_s: for one task.
        limit_bytes: of memory (addresses); Linux only.
    """

    def __init__(self, *, limit_s: float = LIMIT_S, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_s = limit_s
        self._limit_bytes = limit_bytes
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        """Start the process, without waiting until it is ready."""
        if self._process is not None and self._process.poll() is None:
            return
        program = Path(__file__).with_name("worker_main.py")
        self._process = subprocess.Popen(
            # -P: the program's folder is not looked through for modules, so that its neighbours shadow none
            [
                sys.executable,
                "-P",
                "-X",
                "utf8",
                str(program),
                str(self._limit_bytes),
                str(math.ceil(_MORE_THREADS * self._limit_s)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what it says when it is ended by a limit, which is said in our words
            text=True,
            encoding="utf-8",
            env={**os.environ, **_THREADS},
        )

    def end(self) -> None:
        """End the process; the next task starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was still to be written to a process that is gone
                    continue

    def ask(self, task: str, stage: Path, fonts: Sequence[Path], *, system: bool, **arguments: Any) -> Any:
        """Have a task done.

        Args:
            task: `measure`, `pdf`, `png` or `svg`.
            stage: the folder that holds all that may be read.
            fonts: folders of fonts.
            system: whether the machine's fonts are used too.
            arguments: `main`, the document's name in the stage; `out`, the file to write; `inputs`, strings for the document; `ppi`.

        Raises:
            TypesettingError: Typst refuses something.
            LimitError: it took too long or too much memory, or ended the process.
        """
        given = {"main": "page.typ", "inputs": {}, **arguments}
        answer = self._answer(
            {"do": task, "stage": str(stage), "fonts": [str(folder) for folder in fonts], "system": system, **given}
        )
        if "error" in answer:
            raise TypesettingError(answer["error"], answer["diagnostic"])
        if "fault" in answer:
            raise WorkError(f"the typesetter failed: {answer['fault']}", remedy="shorten the longest section")
        return answer["value"]

    def _answer(self, task: dict[str, Any]) -> dict[str, Any]:
        self.start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._limit_s, give_up)  # works on every system, where a wait on a pipe does not
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            timer.cancel()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.end()
        remedy = "take out its largest picture, or shorten its longest section"
        if late.is_set():
            raise LimitError(f"typesetting took longer than {self._limit_s:.0f} s", remedy=remedy)
        limit = f"{self._limit_bytes / 1024**3:.1f} GB of memory"
        raise LimitError(f"typesetting took more than {limit}, or met a fault of the typesetter", remedy=remedy)
