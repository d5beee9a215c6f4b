"""Loader processes end with the process that they read for.

A training that is killed cannot end them. torch's loader process looks after its parent every five seconds, but one that is stuck with a
batch that nobody takes any more stays for good, with its memory (one in 13 killed trainings left one), and one that a fork server
started looks after the fork server.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import parent_process

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class EndsWithParent:
    """A `worker_init_fn`: a loader process that gets it ends when the process that made it ends, however that ends.

    Linux does it where the loader process is forked from the main thread: its signal comes when the forking *thread* is gone. Elsewhere
    a thread in the loader process waits for the end.

    Args:
        then: a `worker_init_fn` that is called after this one.
    """

    def __init__(self, then: Callable[[int], None] | None = None) -> None:
        self.then = then
        self.parent = os.getpid()
        self.killed_by_system = sys.platform == "linux" and threading.current_thread() is threading.main_thread()

    def __call__(self, worker: int) -> None:
        """In the loader process."""
        _leave_signals_to(self.parent)
        if self.killed_by_system and os.getppid() == self.parent:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self.parent:  # it ended just now, and no signal comes
                os._exit(1)
        else:
            threading.Thread(target=_wait_for_the_end, daemon=True).start()
        if self.then is not None:
            self.then(worker)


def _leave_signals_to(parent: int) -> None:
    """Ctrl-C, and a cluster's signals, reach the loader processes as well: one that died of it would tear the step that is to be ended.

    Their parent ends them by SIGTERM too, at its own end at the latest; who sent it tells the one from the other.
    """
    for name in ("SIGINT", "SIGHUP", "SIGUSR1", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # macOS does not tell
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_told, args=(parent,), daemon=True).start()


def _end_when_told(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)


def _wait_for_the_end() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # nothing of it is wanted any more, and a queue that nobody reads would keep a proper end waiting
